"""`Rotation`: the region turns about a point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import Point, check_degrees, check_point, set_fields
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.base import Dot, Line, Motion, Sketch
from dragstream.drags.paths import check_ease, check_frames, check_stops, progress
from dragstream.drags.shapes import BoolMask


@dataclass(frozen=True, init=False)
class Rotation(Motion):
    """Turn the region about a point (2D rotation, App. J).

    Args:
        center: The fixed point (x, y) in pixels.
        degrees: Positive clockwise on screen. A number, or an arc: a sequence of angles from 0
            (added in front if missing), reached at even intervals, linear in between.
        ease: Timing, a name in `EASINGS`; with `frames` it shapes each stretch between pins.
        frames: The latent frame of each angle of the arc, the first 0 included.

    Raises:
        TypeError: `degrees` is missing or no number or sequence of numbers.
        ValueError: All angles are 0, an angle is not finite or beyond a million, an unknown `ease`,
            or frames that do not rise from 0.
    """

    kind: ClassVar[str] = "rotation"

    center: Point
    degrees: float | tuple[float, ...]
    ease: str = "linear"
    frames: tuple[float, ...] | None = None

    def __init__(
        self,
        center: Sequence[float],
        degrees: float | Sequence[float] | NDArray[np.floating],
        ease: str = "linear",
        frames: Sequence[float] | None = None,
    ) -> None:
        stops = check_stops(degrees, "degrees", check_degrees, 0.0)
        set_fields(self, center=check_point(center, "center"), degrees=stops)
        set_fields(self, ease=check_ease(ease))
        set_fields(self, frames=check_frames(frames, len(self.arc), "angles"))
        if all(stop == 0 for stop in self.arc):
            raise ValueError(f"a rotation must turn, got degrees={self.degrees!r}")

    @property
    def arc(self) -> tuple[float, ...]:
        """The angles of the arc, the first of them 0."""
        return self.degrees if isinstance(self.degrees, tuple) else (0.0, self.degrees)

    def angle(self, fraction: float) -> float:
        """The angle in degrees at a fraction of the time, in [0, 1]."""
        arc = self.arc
        steps = range(len(arc))
        step = progress(fraction, steps, self.frames, self.ease)
        return float(np.interp(step, steps, arc))

    def at(self, fraction: float) -> Affine:
        return Affine.rotation(self.center, self.angle(fraction))

    def partway(self, fraction: float, share: float) -> Affine:
        return Affine.rotation(self.center, self.angle(fraction) * share)

    def displacement(self, fraction: float, mask: BoolMask) -> tuple[float, float]:  # noqa: ARG002
        return 0.0, abs(self.angle(fraction))

    @property
    def duration(self) -> float | None:
        return self.frames[-1] if self.frames else None

    def anchor(self, mask: BoolMask) -> Point:
        """See `Motion.anchor`: a pixel away from the centre c, where a turn is visible.

        At c there is no angle between p, c and p' (Eq. 1). The anchor is the pixel of the region
        nearest to half-way between c and the region's farthest pixel.
        """
        pixels = np.argwhere(mask)[:, ::-1].astype(np.float64)  # (x, y)
        center = np.array(self.center)
        farthest = pixels[np.linalg.norm(pixels - center, axis=1).argmax()]
        x, y = pixels[np.linalg.norm(pixels - (center + farthest) / 2, axis=1).argmin()]
        return float(x), float(y)

    def sketch(self, mask: BoolMask, latent_frames: int) -> Sketch:
        """See `Motion.sketch`: the centre, the arm before and after, and the arc between."""
        length = max(10.0, 1.4 * math.sqrt(mask.sum() / math.pi))
        rest = (self.center[0], self.center[1] - length)
        end = self._moved(rest, 1.0)
        lines = (
            Line((self.center, rest), 1.0),
            Line(self._trajectory(rest)),
            Line((self.center, end)),
        )
        dots = (*self._frame_dots(rest, latent_frames), Dot(self.center, 1.8), Dot(end, 2.2))
        return Sketch(lines, None, dots)
