"""Whether a page shows a widget: what nobody sees follows nothing, and costs nothing per frame."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets
import traitlets

from dragstream.widgets.weak import weakly

__all__ = ["FreshBytes", "FreshDict", "FreshList", "VisibleWidget"]


class _Fresh:
    """What a trait needs to be up to date when Python reads it while no page shows the widget."""

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

    A page tells when it begins to show the widget, and when no view of it is left. A widget that a
    cell displays counts as shown at once, since some kernels hear of the page only when all cells
    have run; when that cell runs again it no longer does, until a page says otherwise.

    A subclass begins and stops following in `_follow`, and looks again in `refresh`.
    """

    shown = traitlets.Bool(default_value=False, read_only=True)
    """Whether a page shows the widget, as far as Python knows."""

    def __init__(self, **traits: Any) -> None:
        self._closed = False
        self._visibility = threading.RLock()  # messages of the page may come on another thread
        self._forget_cell: Callable[[], None] = _nothing
        super().__init__(**traits)
        self._settled = False

    def refresh(self) -> None:
        """Look again at what is shown."""

    def expect_page(self) -> None:
        """Count as shown from now on: a page is about to show the widget."""
        self._forget_cell()
        self._forget_cell = on_next_run(weakly(self._doubt))
        self._set_shown(shown=True)

    def close(self) -> None:
        """Stop following anything, and leave every page."""
        if "_visibility" in self.__dict__:  # one that was refused its arguments is closed, too
            self._forget_cell()
            self._set_shown(shown=False)
            self._closed = True
        super().close()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """What a cell displays; called whenever one does."""
        self.expect_page()
        return super()._repr_mimebundle_(**kwargs)

    def _views(self, count: int) -> None:
        """A page tells how many views it has of the widget."""
        self._set_shown(shown=count > 0)
        if count == 0:  # others may have some
            self.send({"type": "views"})

    def _doubt(self) -> None:
        """The cell that displayed the widget runs again."""
        self._views(0)

    def _set_shown(self, *, shown: bool) -> None:
        with self._visibility:
            if not self._closed:
                self.set_trait("shown", shown)

    @traitlets.observe("shown")
    def _shown_changed(self, _change: Any) -> None:
        self._follow()

    def _follow(self) -> None:
        """Hear of the source from now on if a page shows the widget, else of nothing."""

    def set_trait(self, name: str, value: Any) -> None:
        """Set a trait; who hears of it reads what was set, and nothing newer."""
        with self._as_it_is():
            super().set_trait(name, value)

    def get_state(self, *args: Any, **kwargs: Any) -> Any:
        """What the page is told."""
        with self._as_it_is():
            return super().get_state(*args, **kwargs)

    @contextmanager
    def _as_it_is(self) -> Iterator[None]:
        """Within it nothing is brought up to date by being read."""
        before = self.__dict__.get("_settled", True)
        self._settled = True
        try:
            yield
        finally:
            self._settled = before

    def _catch_up(self) -> None:
        """Bring what Python reads up to date, if no page is told anyhow."""
        if self.__dict__.get("_settled", True) or self.shown or self._closed:
            return
        with self._as_it_is():
            self.refresh()


def on_next_run(call: Callable[[], object]) -> Callable[[], None]:
    """Call something when the cell that runs now runs the next time, if this is a notebook.

    Returns:
        What takes that back.
    """
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        return _nothing
    header = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = header.get("metadata", {}).get("cellId")
    source = header.get("content", {}).get("code")

    def runs(info: Any) -> None:
        same = info.raw_cell == source if cell is None else info.cell_id == cell
        if same:
            forget()
            call()

    def forget() -> None:
        if runs in shell.events.callbacks["pre_run_cell"]:
            shell.events.unregister("pre_run_cell", runs)

    shell.events.register("pre_run_cell", runs)
    return forget


def _nothing() -> None:
    """Nothing."""
