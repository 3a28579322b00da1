"""`StudioBar`: the Studio's buttons, its prompt box and its status line."""

from __future__ import annotations

import traceback
import weakref
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, ClassVar, Protocol

import traitlets

from dragstream.drags.checks import short, whole
from dragstream.widgets.figures import Figure
from dragstream.widgets.page import PageWidget, text
from dragstream.widgets.visible import FreshDict, FreshList

_STATIC = Path(__file__).parent / "static"
_MOST_BLOCKS = 100
_LONGEST_TRACEBACK = 20_000
EXPORTS = ("mp4", "gif", "dragstream", "py")


class Deeds(Protocol):
    """What the bar's buttons do."""

    def play(self) -> None:
        """Generate without end."""

    def pause(self) -> None:
        """Stop after what is shown."""

    def step(self) -> None:
        """One block."""

    def stop(self) -> None:
        """Drop what is being made."""

    def animate(self, blocks: int) -> None:
        """Go on, following the drags."""

    def edit(self) -> None:
        """Change the newest frame."""

    def say(self, prompt: str) -> None:
        """Change the prompt."""

    def export(self, kind: str, name: str) -> Path:
        """Write the take to a file."""

    def refresh(self) -> None:
        """Tell the bar how things stand."""


def _blocks(value: object, name: str) -> int:
    count = whole(value, name, least=1)
    if count > _MOST_BLOCKS:
        raise ValueError(f"{name} must be at most {_MOST_BLOCKS}, got {count}")
    return count


def _kind(value: object, name: str) -> str:
    if value not in EXPORTS:
        raise ValueError(f"{name} must be one of {', '.join(EXPORTS)}, got {short(value)}")
    return str(value)


class StudioBar(PageWidget):
    """Play, pause, step and stop; animate and edit; prompt; figures; files.

    Args:
        deeds: What the buttons do. What it raises is answered beside them.
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
    """Status, number of blocks, prompt, drags, and what is under way (text and share done)."""

    figures: Any = FreshList(read_only=True).tag(sync=True)
    """[name, value, unit, tip] of each figure."""

    failure = traitlets.Dict(default_value=None, allow_none=True, read_only=True).tag(sync=True)
    """What went wrong in the background: text and traceback; None if nothing did."""

    written = traitlets.Dict(default_value=None, allow_none=True, read_only=True).tag(sync=True)
    """What was exported last: text, and the code if it is code."""

    def __init__(self, deeds: Deeds) -> None:
        self._known = weakref.ref(deeds)  # anywidget keeps every widget that has a file
        super().__init__()

    @property
    def _deeds(self) -> Deeds:
        deeds = self._known()
        if deeds is None:
            raise RuntimeError("this studio is gone: run the cell again")
        return deeds

    def refresh(self) -> None:
        """Ask how things stand."""
        if (deeds := self._known()) is not None:
            deeds.refresh()

    def tell(self, state: dict[str, Any], figures: Sequence[Figure]) -> None:
        """Show how things stand."""
        self.set_trait("state", state)
        self.set_trait("figures", [list(astuple(figure)) for figure in figures])

    def fail(self, error: BaseException | None) -> None:
        """Show an error of the background with its traceback, or show none any more."""
        if error is None:
            self.set_trait("failure", None)
            return
        lines = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
        text = f"{type(error).__name__}: {error}"
        self.set_trait("failure", {"text": text, "traceback": lines})

    def _on_play(self) -> None:
        self._deeds.play()

    def _on_pause(self) -> None:
        self._deeds.pause()

    def _on_step(self) -> None:
        self._deeds.step()

    def _on_stop(self) -> None:
        self._deeds.stop()

    def _on_animate(self, blocks: int) -> None:
        self._deeds.animate(blocks)

    def _on_edit(self) -> None:
        self._deeds.edit()

    def _on_prompt(self, text: str) -> None:
        self._deeds.say(text)

    def _on_export(self, kind: str, name: str) -> None:
        path = self._deeds.export(kind, name)
        size = path.stat().st_size / 1e6
        code = path.read_text(encoding="utf-8") if kind == "py" else None
        self.set_trait("written", {"text": f"Written: {path} ({size:.2f} MB)", "code": code})

    def _on_dismiss(self) -> None:
        self.fail(None)

    def __repr__(self) -> str:
        return f"StudioBar({self.state.get('status', 'stopped')})"
