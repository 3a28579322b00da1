"""`objects`: the objects in a frame, by the features and the colours of their borders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags.regions import bounding_box
from dragstream.drags.shapes import BoolMask
from dragstream.widgets.similarity import (
    Frame,
    around,
    closed,
    connected,
    directions,
    parting,
    suggested,
)

_LARGEST = 0.3
"""Largest share of the frame; larger regions are background."""

_SMALLEST = 0.002
"""Smallest share of the frame."""

_MOST_EDGE = 0.25
"""Share of an object's tokens that may lie along the frame's edges."""

_LEAST_FILL = 0.4
"""Share of its bounding box that an object fills."""

_SHARED = 0.3
"""Share of the smaller of two regions above which they are one object."""

_LEAST_STEP = 8.0
"""Gradient of the colours along an object's border, in levels of 255 per pixel."""

_LEAST_BORDER = 0.7
"""Share of an object's border that has such a gradient."""

_LEAST_BORDER_CLICKED = 0.4
"""The same for a region at a clicked point."""


def objects(features: Mapping[int, Any], frame: Frame) -> list[BoolMask]:
    """The objects in a frame: connected regions (H, W) with features of their own."""
    areas = _token_areas(features)
    rows, columns = areas.shape[1:]
    height, width = frame.shape[:2]
    steps = _steps(frame)
    untried = ~_is_background(areas)
    found: list[BoolMask] = []
    for token in np.argsort(-_agreement(areas), kind="stable"):
        if not untried[token]:
            continue
        row, column = divmod(int(token), columns)
        untried &= ~areas[token].ravel()
        point = (column + 0.5) * width / columns - 0.5, (row + 0.5) * height / rows - 0.5
        values = around(features, frame, point)
        region = connected(values, suggested(values, point), point)
        if (
            _is_compact(region)
            and _outlined(region, steps) >= _LEAST_BORDER
            and _is_new(region, found)
        ):
            found.append(closed(region))
    return sorted(found, key=lambda region: float(np.argwhere(region)[:, 1].mean()))


def is_object(region: BoolMask, frame: Frame) -> bool:
    """True for a region that is not too large and has a border; False for background.

    It needs less of a border than the regions that `objects` finds.
    """
    fits = _SMALLEST <= region.mean() <= _LARGEST
    return bool(fits and _outlined(region, _steps(frame)) >= _LEAST_BORDER_CLICKED)


def inner_point(region: BoolMask) -> tuple[float, float]:
    """The pixel (x, y) of a region that is farthest from its border."""
    depth = ndimage.distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return float(column), float(row)


def _token_areas(features: Mapping[int, Any]) -> NDArray[np.bool_]:
    """For each token the connected tokens that resemble it, bool (tokens, rows, columns)."""
    cosines = []
    for layer in features.values():
        tokens = directions(layer)
        cosines.append(np.einsum("rcd,nd->nrc", tokens, tokens.reshape(-1, tokens.shape[-1])))
    alike = np.clip(np.mean(cosines, axis=0), 0, 1).astype(np.float32)
    columns = alike.shape[2]
    areas = [
        connected(values, parting(values), (token % columns, token // columns))
        for token, values in enumerate(alike)
    ]
    return np.stack(areas)


def _is_background(areas: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which areas are large or lie along the frame's edges, bool (tokens,)."""
    edge = np.ones(areas.shape[1:], bool)
    edge[1:-1, 1:-1] = False
    large = areas.mean(axis=(1, 2)) > _LARGEST
    found: NDArray[np.bool_] = large | (
        (areas & edge).sum(axis=(1, 2)) > _MOST_EDGE * areas.sum(axis=(1, 2))
    )
    return found


def _agreement(areas: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean IoU of each token's area with the areas of the tokens in it, (tokens,)."""
    flat = areas.reshape(len(areas), -1).astype(np.float64)
    sizes = flat.sum(axis=1)
    shared = flat @ flat.T
    overlap = shared / (sizes[:, None] + sizes[None] - shared)
    agreement: NDArray[np.float64] = (flat * overlap).sum(axis=1) / sizes
    return agreement


def _is_compact(region: BoolMask) -> bool:
    """True for a region of an object's size that fills a good part of its bounding box."""
    left, top, right, bottom = bounding_box(region)
    fits = _SMALLEST <= region.mean() <= _LARGEST
    return bool(fits and region.sum() >= _LEAST_FILL * (right - left) * (bottom - top))


def _steps(frame: Frame) -> NDArray[np.float32]:
    """The largest gradient of the colours within a pixel of each pixel, (H, W)."""
    channels = np.moveaxis(frame.astype(np.float32), -1, 0)
    gradients = [ndimage.gaussian_gradient_magnitude(channel, 1.5) for channel in channels]
    steps: NDArray[np.float32] = ndimage.maximum_filter(np.linalg.norm(gradients, axis=0), 3)
    return steps


def _outlined(region: BoolMask, steps: NDArray[np.float32]) -> float:
    """Share of a region's border within the frame along which the colours change."""
    border = region & ~ndimage.binary_erosion(region, border_value=1)
    return float((steps[border] > _LEAST_STEP).mean()) if border.any() else 0.0


def _is_new(region: BoolMask, found: list[BoolMask]) -> bool:
    """True unless the region shares much with one that was found."""
    size = region.sum()
    return all((region & old).sum() <= _SHARED * min(size, old.sum()) for old in found)
