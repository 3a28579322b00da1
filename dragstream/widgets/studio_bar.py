"""`StudioBar`: the Studio's buttons, its prompt box and its status line."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, ClassVar, Protocol

import traitlets

from dragstream.drags.checks import check_int, short_repr
from dragstream.widgets.export import EXPORTS
from dragstream.widgets.figures import Figure
from dragstream.widgets.page import PageWidget, text
from dragstream.widgets.visible import FreshDict, FreshList

_STATIC = Path(__file__).parent / "static"
_MOST_BLOCKS = 100
_LONGEST_TRACEBACK = 20_000


class Actions(Protocol):
    """The actions of the bar's buttons."""

    def play(self) -> None:
        """Generate without end."""

    def pause(self) -> None:
        """Stop after the block that is shown."""

    def step(self) -> None:
        """Generate one block."""

    def stop(self) -> None:
        """Drop the block under way."""

    def animate(self, blocks: int) -> None:
        """Generate blocks that follow the drags."""

    def edit(self) -> None:
        """Apply the drags to the newest frame."""

    def say(self, prompt: str) -> None:
        """Change the prompt."""

    def export(self, kind: str, name: str) -> Path:
        """Write the current branch to a file."""

    def refresh(self) -> None:
        """Update the bar's status."""


def _blocks(value: object, name: str) -> int:
    count = check_int(value, name, least=1)
    if count > _MOST_BLOCKS:
        raise ValueError(f"{name} must be at most {_MOST_BLOCKS}, got {count}")
    return count


def _kind(value: object, name: str) -> str:
    if value not in EXPORTS:
        raise ValueError(f"{name} must be one of {', '.join(EXPORTS)}, got {short_repr(value)}")
    return str(value)


class StudioBar(PageWidget):
    """Play, pause, step and stop; animate and edit; prompt; figures; files.

    Args:
        actions: The actions of the buttons. Their errors are shown beside the buttons.
    """

    _esm = _STATIC / "studio_bar.js"
    _css = _STATIC / "studio_bar.css"

    requests: ClassVar = {
        "play": {},
        "pause": {},
        "step": {},
        "stop": {},
        "animate": {"blocks": _blocks},
        "edit": {},
        "prompt": {"text": text},
        "export": {"kind": _kind, "name": text},
        "dismiss": {},
    }

    state = FreshDict(read_only=True).tag(sync=True)
    """Status, number of blocks, prompt, drags, and work under way (text and share done)."""

    figures: Any = FreshList(read_only=True).tag(sync=True)
    """[name, value, unit, tip] of each figure."""

    failure = traitlets.Dict(default_value=None, allow_none=True, read_only=True).tag(sync=True)
    """The last error of the background: text and traceback, or None."""

    written = traitlets.Dict(default_value=None, allow_none=True, read_only=True).tag(sync=True)
    """The last export: text, and the code if it is code."""

    def __init__(self, actions: Actions) -> None:
        self._known = weakref.ref(actions)  # anywidget keeps every widget that has a file
        super().__init__()

    @property
    def _actions(self) -> Actions:
        actions = self._known()
        if actions is None:
            raise RuntimeError("this studio is gone: run the cell again")
        return actions

    def refresh(self) -> None:
        """Update the status."""
        if (actions := self._known()) is not None:
            actions.refresh()

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

    def _on_play(self) -> None:
        self._actions.play()

    def _on_pause(self) -> None:
        self._actions.pause()

    def _on_step(self) -> None:
        self._actions.step()

    def _on_stop(self) -> None:
        self._actions.stop()

    def _on_animate(self, blocks: int) -> None:
        self._actions.animate(blocks)

    def _on_edit(self) -> None:
        self._actions.edit()

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
