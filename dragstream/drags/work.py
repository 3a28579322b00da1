"""How much work it is to rasterise a region, known before it is done."""

from __future__ import annotations

import numpy as np

from dragstream.drags.scan import outline_rows, stroke_rows
from dragstream.drags.shapes import Brush, Combination, Disc, Polygon, Shape

PIXELS_PER_STEP = 64
"""Pixels that are filled or combined in the time in which one end of a row is computed."""


def painting_steps(shape: Shape, height: int, width: int) -> int:
    """About how many steps `shape.paint(height, width)` takes; one is a quarter of a microsecond.

    A step is one row that one straight piece of a stroke or outline reaches, or 64 pixels that are
    filled or combined.
    """
    frame = 1 + height * width // PIXELS_PER_STEP // 16  # a frame that is only made and combined
    if isinstance(shape, Combination):
        return sum(painting_steps(part, height, width) + frame for part in shape.of)
    if isinstance(shape, Disc | Brush):
        points = shape.points if isinstance(shape, Brush) else (shape.center,)
        first, stop = stroke_rows(np.array(points), shape.radius, height)
    elif isinstance(shape, Polygon):
        first, stop = outline_rows(np.array(shape.points), height)
    else:
        return frame
    reached = first < stop
    rows = int(stop[reached].max() - first[reached].min()) if reached.any() else 0
    return frame + int((stop - first).sum()) + rows * width // PIXELS_PER_STEP
