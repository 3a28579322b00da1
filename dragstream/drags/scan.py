"""Scan conversion: the pixels of outlines and strokes, in time that grows with the rows reached."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
_Size = tuple[int, int]
_Change = tuple[Integers, Integers, Integers | int]
"""Rows and columns from which a winding number changes, and by how much."""

_PAIRS = 2**13
"""Pairs of piece and row that are processed at a time, which bounds the memory."""

_FLAT = 1e-9
"""Largest rise in pixels of a line that counts as level in the search for the farthest disc."""


def outline_rows(corners: Floats, height: int) -> tuple[Integers, Integers]:
    """The first row of each side of a closed outline (N, 2), and the one after its last."""
    ends = np.roll(corners[:, 1], -1)
    return _rows(np.minimum(corners[:, 1], ends), np.maximum(corners[:, 1], ends), height)


def stroke_rows(points: Floats, radius: float, height: int) -> tuple[Integers, Integers]:
    """The first row of a dab at the first point and of each line (N, 2), and the one after."""
    starts = np.concatenate([points[:1, 1], points[:-1, 1]])
    low = np.minimum(starts, points[:, 1]) - radius
    # the row that a line ends on belongs to it
    high = np.floor(np.maximum(starts, points[:, 1]) + radius) + 1
    return _rows(low, high, height)


def fill_outline(corners: Floats, height: int, width: int) -> Mask:
    """The pixels inside a closed outline (N, 2) by the non-zero rule, bool (height, width)."""
    ends = np.roll(corners, -1, axis=0)
    first, stop = outline_rows(corners, height)

    def crossings() -> Iterator[_Change]:
        for side, row in _pairs(first, stop):
            (x0, y0), (x1, y1) = corners[side].T, ends[side].T
            crossing = x0 + (row - y0) / (y1 - y0) * (x1 - x0)
            column = np.ceil(np.clip(crossing, 0, width)).astype(np.int64)
            yield row, column, np.where(y1 > y0, 1, -1)

    columns = _columns(corners, 0.0, width)
    return _wound(crossings(), _ends(first, stop), columns, (height, width))


def fill_stroke(points: Floats, radius: float, height: int, width: int) -> Mask:
    """The pixels at most `radius` from a line through points (N, 2), bool (height, width)."""
    starts = np.concatenate([points[:1], points[:-1]])
    first, stop = stroke_rows(points, radius, height)

    def runs() -> Iterator[_Change]:
        for piece, row in _pairs(first, stop):
            left, right = _covered(starts[piece], points[piece], radius, row)
            left, right = np.maximum(left, 0), np.minimum(right, width - 1)
            reached = left <= right
            yield row[reached], left[reached], 1
            yield row[reached], right[reached] + 1, -1

    columns = _columns(points, radius, width)
    return _wound(runs(), _ends(first, stop), columns, (height, width))


def _wound(
    changes: Iterator[_Change], rows: tuple[int, int], columns: tuple[int, int], shape: _Size
) -> Mask:
    """The pixels with a winding number other than 0, which changes from a column to the right."""
    (top, bottom), (left, right) = rows, columns
    stride = right - left + 1
    winding = np.zeros((bottom - top) * stride, dtype=np.int32)
    for row, column, by in changes:
        np.add.at(winding, (row - top) * stride + column - left, by)
    painted = np.zeros(shape, dtype=np.bool_)
    inside = np.cumsum(winding.reshape(-1, stride)[:, :-1], axis=1, dtype=np.int32) != 0
    painted[top:bottom, left:right] = inside
    return painted


def extent(
    first: Integers, stop: Integers, points: Floats, radius: float, width: int
) -> tuple[int, int]:
    """Numbers of rows and columns of the frame that a stroke or an outline reaches."""
    top, bottom = _ends(first, stop)
    left, right = _columns(points, radius, width)
    return bottom - top, right - left


def _ends(first: Integers, stop: Integers) -> tuple[int, int]:
    """The first row that any piece reaches, and the one after the last."""
    reached = first < stop
    return (int(first[reached].min()), int(stop[reached].max())) if reached.any() else (0, 0)


def _columns(points: Floats, radius: float, width: int) -> tuple[int, int]:
    """Bounds of the columns of all pixels: the first, and the one after the last."""
    left = np.clip(np.floor(points[:, 0].min() - radius) - 1, 0, width)
    right = np.clip(np.ceil(points[:, 0].max() + radius) + 2, 0, width)
    return int(left), int(right)


def _covered(
    starts: Floats, ends: Floats, radius: float, row: Integers
) -> tuple[Integers, Integers]:
    """The first and the last pixel of each row that a line with round ends covers.

    A line with round ends is convex, so it covers one run of each row. Its ends follow
    from the disc on the line that reaches farthest: the one whose radius to there is at right
    angles to the line. The pixels at the ends are then tested directly, so that rounding here has
    no effect.
    """
    x, y = starts.T
    along_x, along_y = (ends - starts).T
    square = along_x**2 + along_y**2
    down = row - y
    slope = np.divide(along_x, np.sqrt(square), out=np.zeros_like(x), where=square > 0)
    tilt = radius * slope * np.sign(along_y)

    def reach(side: int) -> Floats:
        """The end of the run, relative to the line's start, to the left (-1) or right (1)."""
        flat = np.where(along_x * side > 0, 1.0, 0.0)
        best = np.divide(down + side * tilt, along_y, out=flat, where=np.abs(along_y) > _FLAT)
        share = np.clip(best, 0, 1)
        inner = np.maximum(radius**2 - (down - share * along_y) ** 2, 0)
        far: Floats = share * along_x + side * np.sqrt(inner)
        return far

    def inside(column: Integers) -> NDArray[np.bool_]:
        across = column - x
        dot = across * along_x + down * along_y
        share = np.clip(np.divide(dot, square, out=np.zeros_like(x), where=square > 0), 0, 1)
        distance = (across - share * along_x) ** 2 + (down - share * along_y) ** 2
        near: NDArray[np.bool_] = distance <= radius**2
        return near

    left = np.ceil(x + reach(-1)).astype(np.int64)
    right = np.floor(x + reach(1)).astype(np.int64)
    left = np.where(inside(left - 1), left - 1, np.where(inside(left), left, left + 1))
    right = np.where(inside(right + 1), right + 1, np.where(inside(right), right, right - 1))
    return left, right


def _rows(low: Floats, high: Floats, height: int) -> tuple[Integers, Integers]:
    first, stop = (np.ceil(np.clip(y, 0, height)).astype(np.int64) for y in (low, high))
    return first, np.maximum(first, stop)


def _pairs(first: Integers, stop: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Each piece with each of its rows: indices and rows, some thousand pairs at a time."""
    counts = stop - first
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        done = ends[begin - 1] if begin else 0
        end = max(int(np.searchsorted(ends, done + _PAIRS, side="right")), begin + 1)
        part = np.arange(begin, end)
        index = np.repeat(part, counts[begin:end])
        offset = np.arange(len(index)) - np.repeat(ends[part] - counts[part] - done, counts[part])
        yield index, first[index] + offset
        begin = end
