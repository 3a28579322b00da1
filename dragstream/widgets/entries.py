"""`Entry`: a drag in the list beside a canvas, with its colour and other looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dragstream.drags.camera import Relative, check_relative
from dragstream.drags.checks import check_bool, check_finite, check_int, check_kind, short_repr
from dragstream.drags.motions import Drag
from dragstream.widgets.picture import PALETTE

Arm = tuple[float, float]
Look = dict[str, Any]

MOST_COLOURS = 1000
"""Limit of colour numbers, which repeat the palette."""

_FIELDS = frozenset({"colour", "muted", "arm"})


@dataclass(frozen=True)
class Entry:
    """A drag in the list beside the canvas.

    Args:
        drag: The drag.
        colour: Its index in the palette, whatever its place in the list.
        muted: A muted drag stays in the list, and is not in `canvas.drags`.
        arm: Of a rotation, where its arm is drawn before it turns: the bearing in degrees
            clockwise from the x axis, and the length in pixels. None: upright.
        relative: Beside a camera: "scene" if the object moves in the scene, "frame" if its target
            is a place in the frame. Of the camera itself: the same for the region to keep.

    Raises:
        TypeError, ValueError: An argument of another kind, or out of range.
    """

    drag: Drag
    colour: int = 0
    muted: bool = False
    arm: Arm | None = None
    relative: Relative = "scene"

    def __post_init__(self) -> None:
        check_kind(self.drag, Drag, "drag")
        object.__setattr__(self, "colour", _colour(self.colour))
        check_bool(self.muted, "muted")
        object.__setattr__(self, "arm", _arm(self.arm))
        check_relative(self.relative)

    @property
    def look(self) -> Look:
        """Its looks as JSON; "relative" only where it is not "scene"."""
        look = {
            "colour": self.colour,
            "muted": self.muted,
            "arm": None if self.arm is None else list(self.arm),
        }
        return look if self.relative == "scene" else look | {"relative": self.relative}


def next_colour(colours: Sequence[int]) -> int:
    """The colour that the fewest entries have, the first of them in the palette."""
    uses = Counter(colour % len(PALETTE) for colour in colours)
    return min(range(len(PALETTE)), key=lambda colour: uses[colour])


def listed(drags: Sequence[Drag], known: Sequence[Entry] = ()) -> list[Entry]:
    """Entries for drags: known ones unchanged, new ones in colours of their own."""
    left = [entry for entry in known if not entry.muted]
    kept: list[Entry | None] = []
    for drag in drags:
        same = next((entry for entry in left if entry.drag == drag), None)
        if same is not None:
            left.remove(same)
        kept.append(same)
    colours = [entry.colour for entry in kept if entry is not None]
    entries = []
    for drag, entry in zip(drags, kept, strict=True):
        if entry is None:
            colours.append(next_colour(colours))
        entries.append(entry or Entry(drag, colours[-1]))
    return entries


def with_looks(drags: Sequence[Drag], looks: object) -> list[Entry]:
    """Drags with looks that came from the page, one for each, which are checked."""
    if not isinstance(looks, list):
        raise TypeError(f"looks must be a list, got {short_repr(looks)}")
    if len(looks) != len(drags):
        raise ValueError(
            f"looks must hold one look for each of {len(drags)} drags, got {len(looks)}"
        )
    return [_entry(drag, looks[index], index) for index, drag in enumerate(drags)]


def _entry(drag: Drag, look: object, index: int) -> Entry:
    if not isinstance(look, Mapping):
        raise TypeError(f"looks[{index}] must be an object, got {short_repr(look)}")
    if set(look) - {"relative"} != _FIELDS:
        raise ValueError(
            f"looks[{index}] must have the fields arm, colour, muted and maybe relative, "
            f"got {short_repr(look)}"
        )
    try:
        return Entry(drag, **look)
    except (TypeError, ValueError) as error:
        raise type(error)(f"looks[{index}].{error}") from error


def _colour(colour: object) -> int:
    index = check_int(colour, "colour", least=0)
    if index >= MOST_COLOURS:
        raise ValueError(f"colour must be less than {MOST_COLOURS}, got {short_repr(colour)}")
    return index


def _arm(arm: object) -> Arm | None:
    if arm is None:
        return None
    if not isinstance(arm, list | tuple) or len(arm) != 2:
        raise TypeError(f"arm must be (bearing, length) or None, got {short_repr(arm)}")
    bearing, length = (check_finite(value, "arm") for value in arm)
    if length < 0:
        raise ValueError(f"arm must have a length of at least 0 pixels, got {short_repr(arm)}")
    return bearing, length
