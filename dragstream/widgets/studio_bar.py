"""`StudioBar`: the Studio's buttons, its prompt box and its status line."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any, ClassVar

import traitlets

from dragstream.drags.checks import check_at_most, check_int
from dragstream.widgets.export import EXPORTS
from dragstream.widgets.figures import Figure
from dragstream.widgets.page import PageWidget, one_of, text
from dragstream.widgets.visible import FreshDict, FreshList

_MOST_BLOCKS = 100
_LONGEST_TRACEBACK = 20_000


def _blocks(value: object, name: str) -> int:
    count: int = check_at_most(check_int(value, name, least=1), _MOST_BLOCKS, name)
    return count


class StudioBar(PageWidget, page="studio_bar"):
    """Play, pause, step and stop; animate and edit; prompt; figures; files.

    The buttons call the studio's methods of their names; errors are shown beside them.
    """

    requests: ClassVar = {
        "play": {},
        "pause": {},
        "step": {},
        "stop": {},
        "animate": {"blocks": _blocks},
        "edit": {},
        "prompt": {"text": text},
        "export": {"kind": one_of(*EXPORTS), "name": text},
        "dismiss": {},
    }

    state = FreshDict(read_only=True).tag(sync=True)
    """Status, number of blocks, prompt, drags, and current work (text and fraction done)."""

    figures: Any = FreshList(read_only=True).tag(sync=True)
    """[name, value, unit, tip] of each figure."""

    failure = traitlets.Dict(default_value=None, allow_none=True, read_only=True).tag(sync=True)
    """The last error of the background: text and traceback, or None."""

    written = traitlets.Dict(default_value=None, allow_none=True, read_only=True).tag(sync=True)
    """The last export: text, and the code if it is code."""

    def __init__(self, studio: Any) -> None:
        self._studio = weakref.ref(studio)  # the bar must not keep the studio alive
        super().__init__()

    def refresh(self) -> None:
        """Update the status."""
        if (studio := self._studio()) is not None:
            studio.refresh()

    def update(self, state: dict[str, Any], figures: Sequence[Figure]) -> None:
        """Show a status."""
        self.set_trait("state", state)
        self.set_trait("figures", [list(astuple(figure)) for figure in figures])

    def fail(self, error: BaseException | None) -> None:
        """Show an error of the background with its traceback; None hides it."""
        if error is None:
            self.set_trait("failure", None)
            return
        lines = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
        text = f"{type(error).__name__}: {error}"
        self.set_trait("failure", {"text": text, "traceback": lines})

    @property
    def _actions(self) -> Any:
        studio = self._studio()
        if studio is None:
            raise RuntimeError("this studio is gone: run the cell again")
        return studio

    def _answer(self, kind: str) -> Callable[..., object]:
        """The bar's method for requests of a type, or else the studio's."""
        found: Callable[..., object] = getattr(self, f"_on_{kind}", None) or getattr(
            self._actions, kind
        )
        return found

    def _on_prompt(self, text: str) -> None:
        self._actions.say(text)

    def _on_export(self, kind: str, name: str) -> None:
        path = self._actions.export(kind, name)
        size = path.stat().st_size / 1e6
        code = path.read_text(encoding="utf-8") if kind == "py" else None
        self.set_trait("written", {"text": f"Written: {path} ({size:.2f} MB)", "code": code})

    def _on_dismiss(self) -> None:
        self.fail(None)

    def __repr__(self) -> str:
        return f"StudioBar({self.state.get('status', 'stopped')})"
