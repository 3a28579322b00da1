"""Curves along which a pointer leads an object while the video plays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dragstream.drags import regions
from dragstream.drags.checks import Point
from dragstream.drags.paths import Path
from dragstream.models.playground import world
from dragstream.revel.detection import Detection

_MARGIN = 4.0
"""Curves keep the object this far from the frame's sides, pixels."""
_STRIDE = 40.0
"""Least distance of a curve's waypoints, pixels."""
_CURVES = 24
"""Curves that are drawn, of which the one farthest from the other objects is taken."""


def curve(
    seen: Detection, others: Sequence[Point], length: float, rng: np.random.Generator
) -> Path:
    """A smooth curve from an object's centre on which it stays in the frame."""
    left, top, right, bottom = regions.bounding_box(seen.mask)
    x, y = seen.center
    low = np.array([x - left + _MARGIN, max(y - top + _MARGIN, world.HORIZON)])
    high = np.array([world.WIDTH - (right - x) - _MARGIN, world.HEIGHT - (bottom - y) - _MARGIN])
    high = np.maximum(low, high)
    drawn = []
    for _ in range(_CURVES):
        points: list[Point] = [(x, y)]
        while len(points) < 3 or Path.spline(points).length < length:
            tried = rng.uniform(low, high, (16, 2))
            away = np.hypot(*(tried - points[-1]).T)
            far = away >= _STRIDE
            index = int(far.argmax() if far.any() else away.argmax())
            points.append((float(tried[index][0]), float(tried[index][1])))
        drawn.append(Path.spline(points))

    def clearance(path: Path) -> float:
        steps = [path.at(share) for share in np.linspace(0, 1, 33)]
        gaps = (math.dist(step, other) for step in steps for other in others)
        return min(gaps, default=math.inf)

    return max(drawn, key=clearance)
