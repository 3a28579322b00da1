"""`Sketch`: the drawing of a motion in still pictures, as lines and dots in pixels of the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dragstream.drags.checks import Point

Tip = Literal["arrow", "bar"]


@dataclass(frozen=True)
class Line:
    """A line through points (x, y); `weight` is its width in units of a picture's pen."""

    points: tuple[Point, ...]
    weight: float = 2.4


@dataclass(frozen=True)
class Dot:
    """A disc at a point (x, y), in the drag's colour or white; `radius` is in units of the pen."""

    point: Point
    radius: float
    white: bool = False


@dataclass(frozen=True)
class Sketch:
    """A drawing of a motion: lines first, then the tip of the last line, then dots."""

    lines: tuple[Line, ...]
    tip: Tip | None = None
    dots: tuple[Dot, ...] = ()
