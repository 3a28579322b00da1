"""`VisibleWidget`: a widget that follows its source only while a page shows it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import traitlets

from dragstream.widgets.throttle import weak_callback

__all__ = ["FreshBytes", "FreshDict", "FreshList", "VisibleWidget"]


class _Fresh:
    """A trait that is refreshed when Python reads it while no page shows the widget."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        """The value as it is now."""
        obj._catch_up()  # noqa: SLF001 - the widget that the trait belongs to
        return super().get(obj, cls)  # type: ignore[misc]


class FreshBytes(_Fresh, traitlets.Bytes):
    """Bytes that are up to date whenever they are read."""


class FreshDict(_Fresh, traitlets.Dict):
    """An object that is up to date whenever it is read."""


class FreshList(_Fresh, traitlets.List):  # type: ignore[type-arg]
    """A list that is up to date whenever it is read."""


class VisibleWidget(ipywidgets.DOMWidget):
    """A widget that knows whether a page shows it, and follows its source only then.

    A page sends a message when it begins to show the widget, and when no view of it is left. A
    widget that a cell displays counts as shown at once, since some kernels handle messages only
    when all cells have run; when that cell runs again it no longer does, until the page's message.

    A subclass begins and stops following in `_follow`, and updates its traits in `refresh`.
    """

    shown = traitlets.Bool(default_value=False, read_only=True)
    """True while a page shows the widget, as far as Python knows."""

    def __init__(self, **traits: Any) -> None:
        self._closed = False
        self._visibility = threading.RLock()  # messages of the page may come on another thread
        self._unregister_cell: Callable[[], None] = _nothing
        super().__init__(**traits)
        self._as_read = False

    def refresh(self) -> None:
        """Update the traits to the current state."""

    def expect_page(self) -> None:
        """Count as shown from now on: a page is about to show the widget."""
        self._unregister_cell()
        self._unregister_cell = on_next_run(weak_callback(self._on_views))
        self._set_shown(shown=True)

    def close(self) -> None:
        """Stop following anything, and leave every page."""
        if "_visibility" in self.__dict__:  # also closed if its constructor raised
            self._unregister_cell()
            self._set_shown(shown=False)
            self._closed = True
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The display of a cell; called whenever a cell displays the widget."""
        self.expect_page()
        return super()._repr_mimebundle_(**kwargs)

    def _on_views(self, views: int = 0) -> None:
        """Handle a page's count of its views; without one, the cell of the widget runs again."""
        self._set_shown(shown=views > 0)
        if views == 0:  # others may have some
            self.send({"type": "views"})

    def _set_shown(self, *, shown: bool) -> None:
        with self._visibility:
            if not self._closed:
                self.set_trait("shown", shown)

    @traitlets.observe("shown")
    def _shown_changed(self, _change: Any) -> None:
        self._follow()

    def _follow(self) -> None:
        """Subscribe to the source if a page shows the widget, else unsubscribe."""

    def set_trait(self, name: str, value: Any) -> None:
        """Set a trait; its observers read the value that was set, and nothing newer."""
        with self._without_refresh():
            super().set_trait(name, value)

    def get_state(self, *args: Any, **kwargs: Any) -> Any:
        """The synced traits, as sent to the page."""
        with self._without_refresh():
            return super().get_state(*args, **kwargs)

    @contextmanager
    def _without_refresh(self) -> Iterator[None]:
        """A context in which reading a trait does not refresh it."""
        before = self.__dict__.get("_as_read", True)
        self._as_read = True
        try:
            yield
        finally:
            self._as_read = before

    def _catch_up(self) -> None:
        """Refresh the traits, if no page shows the widget."""
        if self.__dict__.get("_as_read", True) or self.shown or self._closed:
            return
        with self._without_refresh():
            self.refresh()


def notebook_shell() -> Any:
    """The shell of IPython, or None outside of notebooks and IPython."""
    ipython: Any = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def on_next_run(call: Callable[[], object]) -> Callable[[], None]:
    """Call a function when the current cell of a notebook runs again; returns a cancel function."""
    shell = notebook_shell()
    if shell is None:
        return _nothing
    header = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = header.get("metadata", {}).get("cellId")
    source = header.get("content", {}).get("code")

    def runs(info: Any) -> None:
        same = info.raw_cell == source if cell is None else info.cell_id == cell
        if same:
            cancel()
            call()

    def cancel() -> None:
        if runs in shell.events.callbacks["pre_run_cell"]:
            shell.events.unregister("pre_run_cell", runs)

    shell.events.register("pre_run_cell", runs)
    return cancel


def _nothing() -> None:
    """Nothing."""
