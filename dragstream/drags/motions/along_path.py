"""`PathMotion`: the base class of motions along a path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from dragstream.drags.checks import Point
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.base import Dot, Line, Motion, Sketch, Tip
from dragstream.drags.paths import Path
from dragstream.drags.regions import centroid
from dragstream.drags.shapes import BoolMask


@dataclass(frozen=True, init=False)
class PathMotion(Motion):
    """A motion along a path, by the displacement from its start."""

    mean_tells: ClassVar[bool] = True
    tip: ClassVar[Tip] = "arrow"

    path: Path

    def at(self, fraction: float) -> Affine:
        return Affine.translation(*self.path.displacement(fraction))

    def partway(self, fraction: float, share: float) -> Affine:
        """See `Motion.partway`: a straight line to the displacement at `fraction`."""
        x, y = self.path.displacement(fraction)
        return Affine.translation(x * share, y * share)

    def displacement(self, fraction: float, mask: BoolMask) -> tuple[float, float]:  # noqa: ARG002
        return math.hypot(*self.path.displacement(fraction)), 0.0

    @property
    def duration(self) -> float | None:
        return self.path.frames[-1] if self.path.frames else None

    def sketch(self, mask: BoolMask, latent_frames: int) -> Sketch:
        """See `Motion.sketch`: the path, from the region's centroid if it starts outside."""
        start = _on_region(mask, self.path.points[0])
        dots = (*self._frame_dots(start, latent_frames), Dot(start, 1.6))
        return Sketch((Line(self._trajectory(start)),), self.tip, dots)


def _on_region(mask: BoolMask, start: Point) -> Point:
    x, y = round(start[0]), round(start[1])
    inside = 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x]
    return start if inside else centroid(mask)
