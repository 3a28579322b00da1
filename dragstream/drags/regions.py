"""Handle regions: shapes and masks, their pixels, centroids, extents and edges."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from dragstream.drags.checks import Point, check_int, check_point, check_size, short_repr
from dragstream.drags.geometry import Affine
from dragstream.drags.mask_files import read_mask
from dragstream.drags.scan import extent, outline_rows, stroke_rows
from dragstream.drags.shapes import (
    BoolMask,
    Box,
    Brush,
    Combination,
    Difference,
    Disc,
    Intersection,
    Mask,
    Polygon,
    Region,
    Shape,
    Union,
    as_shape,
)

__all__ = [
    "BoolMask",
    "Box",
    "Brush",
    "Difference",
    "Disc",
    "Intersection",
    "Mask",
    "Polygon",
    "Region",
    "Shape",
    "Union",
    "as_shape",
    "bounding_box",
    "box",
    "brush",
    "centroid",
    "disc",
    "edge",
    "mask",
    "moved",
    "painting_steps",
    "polygon",
    "rasterise",
    "read_mask",
    "span",
    "warp",
]


Extents = tuple[float, float, float, float]

_PIXELS_PER_STEP = 64
"""Pixels that are filled or combined in the time of one step."""


disc, box, polygon, brush, mask = Disc, Box, Polygon, Brush, Mask


def rasterise(region: Region, height: int, width: int) -> BoolMask:
    """The pixels of a region as a boolean mask (height, width).

    Pixels outside the frame are cut off. The returned mask is a writable copy.

    Raises:
        TypeError: The region is neither a shape nor a boolean array.
        ValueError: No pixel is left, or a mask has another size than the frame.
    """
    shape = as_shape(region)
    height, width = check_int(height, "height", least=1), check_int(width, "width", least=1)
    painted = shape.paint(height, width)
    if not painted.any():
        raise ValueError(
            f"the region covers no pixel of a frame {width} wide and {height} high: "
            f"{short_repr(shape)}"
        )
    # a `Mask` returns its own, read-only pixels
    return painted if painted.flags.writeable else painted.copy()


def warp(mask: NDArray[np.bool_] | NDArray[np.floating], affine: Affine) -> NDArray[np.float32]:
    """A moved mask as the coverage of each pixel: float32 (H, W) in [0, 1].

    Sampled bilinearly; pixels that leave the frame are lost. The result may be moved again. A map
    without an inverse is a ValueError.
    """
    source = np.asarray(mask, dtype=np.float32)
    if source.ndim != 2:
        raise ValueError(f"mask must have shape (H, W), got {source.shape}")
    (a, b, c), (d, e, f) = affine.inverse().matrix
    # ndimage takes (row, column), which is (y, x), and the map from output to input pixels
    moved: NDArray[np.float32] = ndimage.affine_transform(
        source, [[e, d], [b, a]], offset=(f, c), order=1, mode="grid-constant"
    )
    return moved.clip(0.0, 1.0)


def moved(region: Shape, affine: Affine) -> Shape:  # noqa: PLR0911  # one a kind of shape
    """A shape turned, scaled and shifted; masks lose what leaves the frame."""
    growth = math.sqrt(abs(affine.determinant))
    match region:
        case Disc():
            return Disc(tuple(affine.apply(region.center).tolist()), region.radius * growth)
        case Brush():
            return Brush(affine.apply(region.points), region.radius * growth)
        case Polygon():
            return Polygon(affine.apply(region.points))
        case Box() if (growth, 0.0) == affine.matrix[0][:2]:  # not turned
            left, top = affine.apply((region.left, region.top)).tolist()
            right, bottom = affine.apply((region.right, region.bottom)).tolist()
            return Box(left, top, right, bottom)
        case Box():
            across, down = (region.left, region.right), (region.top, region.bottom)
            corners = [(across[i], down[j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
            return Polygon(affine.apply(corners))
        case Mask():
            return Mask(warp(region.array, affine) >= 0.5)
        case Combination():
            return type(region)(tuple(moved(part, affine) for part in region.of))
        case _:
            raise TypeError(f"a region of class {type(region).__name__} cannot be moved")


def centroid(mask: NDArray[np.bool_] | NDArray[np.floating]) -> Point:
    """The mean (x, y) of a mask's pixels, weighted by coverage; ValueError if there is none."""
    weights = np.asarray(mask, dtype=np.float64)
    total = weights.sum()
    if weights.ndim != 2 or not total > 0:
        raise ValueError(f"a mask of shape {weights.shape} and area {total} has no centroid")
    rows, columns = np.ogrid[: weights.shape[0], : weights.shape[1]]
    return float((weights * columns).sum() / total), float((weights * rows).sum() / total)


def bounding_box(
    mask: NDArray[np.bool_] | NDArray[np.floating], affine: Affine | None = None
) -> Extents:
    """The borders (left, top, right, bottom) around a mask's non-zero pixels, moved by `affine`.

    They run along the sides of the pixels, half a pixel outside the centres: right - left is the
    width in pixels, (left + right) / 2 the middle, and `box(*bounding_box(mask))` holds exactly
    the same rows and columns. They may lie outside the frame. A mask without pixels is a
    ValueError.
    """
    occupied = np.asarray(mask) > 0
    if occupied.ndim != 2 or not occupied.any():
        raise ValueError(f"a mask of shape {occupied.shape} without pixels has no bounding box")
    # The corners of each row's first and last pixel include all extreme points of the region.
    rows = np.flatnonzero(occupied.any(axis=1))
    lit = occupied[rows]
    left = lit.argmax(axis=1) - 0.5
    right = occupied.shape[1] - 0.5 - lit[:, ::-1].argmax(axis=1)
    x = np.concatenate((left, left, right, right))
    y = np.concatenate((rows - 0.5, rows + 0.5, rows - 0.5, rows + 0.5))
    corners = np.stack((x, y), axis=-1)
    corners = corners if affine is None else affine.apply(corners)
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return low[0], low[1], high[0], high[1]


def span(mask: BoolMask, direction: ArrayLike) -> float:
    """The length in pixels of a mask along a direction (x, y), from side to side of its pixels."""
    along, unit = _project(mask, direction)
    return float(along.max() - along.min()) + abs(unit[0]) + abs(unit[1])


def edge(mask: BoolMask, direction: ArrayLike, thickness: float) -> BoolMask:
    """The outermost `thickness` pixels of a mask toward a direction (x, y).

    An empty mask, and a direction or thickness of 0, are ValueErrors.
    """
    thickness = check_size(thickness, "thickness")
    along, _ = _project(mask, direction)
    # slightly less, so that rounding in the projection does not add a row
    held = (along > along.max() - thickness + 1e-9) | (along == along.max())
    outermost = np.zeros_like(mask)
    outermost[mask] = held
    return outermost


def _project(mask: BoolMask, direction: ArrayLike) -> tuple[NDArray[np.float64], Point]:
    if not mask.any():
        raise ValueError(f"a mask of shape {mask.shape} without pixels has no edge")
    x, y = check_point(np.asarray(direction, dtype=np.float64), "direction")
    length = math.hypot(x, y)
    if length == 0:
        raise ValueError("direction must have a length, got (0, 0)")
    unit = (x / length, y / length)
    inner = np.flatnonzero(mask.any(axis=1))
    top, bottom = int(inner[0]), int(inner[-1]) + 1
    rows, columns = np.ogrid[top:bottom, : mask.shape[1]]
    return (columns * unit[0] + rows * unit[1])[mask[top:bottom]], unit


def painting_steps(shape: Shape, height: int, width: int) -> int:
    """Estimated steps of `shape.paint(height, width)`, each about a quarter of a microsecond.

    A step is one row that one straight piece of a stroke or outline reaches, or 64 pixels that are
    filled or combined.
    """
    # allocating, copying or combining one frame
    frame = 1 + height * width // _PIXELS_PER_STEP // 4
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
    return frame + int((stop - first).sum()) + rows * columns // _PIXELS_PER_STEP
