"""`Scale`: the region grows or shrinks about a point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import Point, check_point, check_positive, set_fields
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.base import Dot, Line, Motion, Sketch
from dragstream.drags.paths import check_ease, check_frames, check_stops, progress
from dragstream.drags.shapes import BoolMask

MOST_FACTOR = 100.0
"""Largest factor; its inverse is the smallest."""


@dataclass(frozen=True, init=False)
class Scale(Motion):
    """Grow or shrink the region about a point; with the whole frame as region, zoom.

    The size changes by equal ratios in equal times: half-way to a factor of 4 it is 2.

    Args:
        center: The fixed point (x, y) in pixels.
        factor: Factor of lengths: 2 is twice as wide and high. A number, or a sequence of factors
            from 1 (added in front if missing), reached at even intervals.
        ease: Timing, a name in `EASINGS`; with `frames` it shapes each stretch between pins.
        frames: The latent frame of each factor of the sequence, the first 1 included.

    Raises:
        TypeError: `factor` is no number or sequence of numbers.
        ValueError: All factors are 1, a factor outside [1/100, 100], an unknown `ease`, or
            frames that do not rise from 0.
    """

    kind: ClassVar[str] = "scale"

    center: Point
    factor: float | tuple[float, ...]
    ease: str = "linear"
    frames: tuple[float, ...] | None = None

    def __init__(
        self,
        center: Sequence[float],
        factor: float | Sequence[float] | NDArray[np.floating],
        ease: str = "linear",
        frames: Sequence[float] | None = None,
    ) -> None:
        stops = check_stops(factor, "factor", check_factor, 1.0)
        set_fields(self, center=check_point(center, "center"), factor=stops)
        set_fields(self, ease=check_ease(ease))
        set_fields(self, frames=check_frames(frames, len(self.stops), "factors"))
        if all(stop == 1 for stop in self.stops):
            raise ValueError(f"a scale must change the size, got factor={self.factor!r}")

    @property
    def stops(self) -> tuple[float, ...]:
        """The factors of the sequence, the first of them 1."""
        return self.factor if isinstance(self.factor, tuple) else (1.0, self.factor)

    def size(self, fraction: float) -> float:
        """The factor reached at a fraction of the time, in [0, 1]."""
        steps = range(len(self.stops))
        step = progress(fraction, steps, self.frames, self.ease)
        return math.exp(float(np.interp(step, steps, np.log(self.stops))))

    def at(self, fraction: float) -> Affine:
        return Affine.scaling(self.center, self.size(fraction))

    def partway(self, fraction: float, share: float) -> Affine:
        return Affine.scaling(self.center, self.size(fraction) ** share)

    @property
    def duration(self) -> float | None:
        return self.frames[-1] if self.frames else None

    def anchor(self, mask: BoolMask) -> Point:
        """See `Motion.anchor`: the pixel farthest from the centre, where growth is visible."""
        pixels = np.argwhere(mask)[:, ::-1]  # (x, y)
        x, y = pixels[np.linalg.norm(pixels - np.array(self.center), axis=1).argmax()]
        return float(x), float(y)

    def sketch(self, mask: BoolMask, latent_frames: int) -> Sketch:
        """See `Motion.sketch`: the centre, and the trajectory of the region's farthest pixel."""
        rest = self.anchor(mask)
        lines = (Line((self.center, rest), 1.0), Line(self._trajectory(rest)))
        return Sketch(
            lines, "arrow", (*self._frame_dots(rest, latent_frames), Dot(self.center, 1.8))
        )


def check_factor(value: object, name: str) -> float:
    """`value` as a factor of lengths in [1/100, 100], or a TypeError or ValueError."""
    factor = check_positive(value, name)
    if not 1 / MOST_FACTOR <= factor <= MOST_FACTOR:
        raise ValueError(f"{name} must lie in [1/100, 100], got {factor!r}")
    return factor
