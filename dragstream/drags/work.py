"""Estimates the work of rasterising a region before it is done (`painting_steps`)."""

from __future__ import annotations

import numpy as np

from dragstream.drags.scan import extent, outline_rows, stroke_rows
from dragstream.drags.shapes import Brush, Combination, Disc, Polygon, Shape

PIXELS_PER_STEP = 64
"""Pixels that are filled or combined in the time of one step."""


def painting_steps(shape: Shape, height: int, width: int) -> int:
    """Estimated steps of `shape.paint(height, width)`, each about a quarter of a microsecond.

    A step is one row that one straight piece of a stroke or outline reaches, or 64 pixels that are
    filled or combined.
    """
    frame = 1 + height * width // PIXELS_PER_STEP // 4  # allocating, copying or combining one frame
    if isinstance(shape, Combination):
        return sum(painting_steps(part, height, width) + frame for part in shape.of)
    if isinstance(shape, Disc | Brush):
        points = np.array(shape.points if isinstance(shape, Brush) else (shape.center,))
        radius = shape.radius
        first, stop = stroke_rows(points, radius, height)
    elif isinstance(shape, Polygon):
        points, radius = np.array(shape.points), 0.0
        first, stop = outline_rows(points, height)
    else:
        return frame
    rows, columns = extent(first, stop, points, radius, width)
    return frame + int((stop - first).sum()) + rows * columns // PIXELS_PER_STEP
