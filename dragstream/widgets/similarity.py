"""Similarity of each pixel to a clicked one, and regions from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from dragstream.drags.shapes import BoolMask

Floats = NDArray[np.float32]
Frame = NDArray[np.uint8]

_REACH = 0.7
"""Standard deviation of a token's spatial weight, in tokens."""

_COLOUR_REACH = 36.0
"""Standard deviation of a token's colour weight, in levels of 255."""

_GAP = 1 / 27
"""Radius of the largest gap in an object that is closed, in heights of the frame."""


def token_similarity(features: Mapping[int, Any], weights: Floats) -> Floats:
    """The cosine between each token's features and a weighted mean of them, mean over layers.

    The mean over all tokens is taken off first: it is large, and the same everywhere. Features are
    {layer: (rows, columns, channels)}; the result is (rows, columns), from 0 (unlike) to 1.
    """
    maps = []
    for layer in features.values():
        tokens = directions(layer)
        query = np.tensordot(weights, tokens, 2)
        maps.append(tokens @ (query / max(float(np.linalg.norm(query)), 1e-12)))
    similarity: Floats = np.clip(np.mean(maps, axis=0), 0, 1).astype(np.float32)
    return similarity


def token_weights(shape: tuple[int, int], frame: Frame, point: tuple[float, float]) -> Floats:
    """Weights (rows, columns) of the nine tokens around (x, y), those of `refined`; else zero."""
    rows, columns = shape
    height, width = frame.shape[:2]
    down = (point[1] + 0.5) * rows / height - 0.5
    across = (point[0] + 0.5) * columns / width - 0.5
    row, column = np.mgrid[:rows, :columns]
    away = (down - row) ** 2 + (across - column) ** 2
    pixel = frame[round(point[1]), round(point[0])].astype(np.float32)
    weights = _weights(away, pixel - _tints(shape, frame))
    near = np.maximum(np.abs(row - round(down)), np.abs(column - round(across))) <= 1
    found: Floats = np.where(near, weights, 0).astype(np.float32)
    return found


def refined(similarity: Floats, frame: Frame) -> Floats:
    """A map of tokens as a map of pixels, with borders where the frame's colours change.

    Each pixel is a weighted mean of the nine tokens around it, with larger weights for near ones
    and for those of a similar mean colour (joint bilateral upsampling): (rows, columns) to (H, W).
    """
    rows, columns = similarity.shape
    height, width = frame.shape[:2]
    tints = _tints((rows, columns), frame)
    pixels = frame.astype(np.float32)
    down = (np.arange(height) + 0.5) * rows / height - 0.5
    across = (np.arange(width) + 0.5) * columns / width - 0.5
    total = np.zeros((height, width), np.float32)
    weights = np.zeros((height, width), np.float32)
    for shift_down in (-1, 0, 1):
        for shift_across in (-1, 0, 1):
            row = np.clip(np.round(down) + shift_down, 0, rows - 1).astype(int)
            column = np.clip(np.round(across) + shift_across, 0, columns - 1).astype(int)
            away = (down - row)[:, None] ** 2 + (across - column)[None] ** 2
            weight = _weights(away, pixels - tints[np.ix_(row, column)])
            total += weight * similarity[np.ix_(row, column)]
            weights += weight
    return total / weights


def _tints(shape: tuple[int, int], frame: Frame) -> Floats:
    """The mean colour of each token, (rows, columns, 3)."""
    reduced = Image.fromarray(frame).resize(shape[::-1], Image.Resampling.BOX)
    return np.asarray(reduced, dtype=np.float32)


def _weights(away: NDArray[Any], difference: Floats) -> Floats:
    """Weights of tokens by their squared distance in tokens and their difference in colour."""
    unlike = (difference**2).sum(axis=-1) / _COLOUR_REACH**2
    weights: Floats = np.exp(-0.5 * (away / _REACH**2 + unlike)).astype(np.float32) + 1e-6
    return weights


def directions(layer: Any) -> NDArray[np.float64]:
    """Features of one layer as unit vectors, without the mean over all tokens."""
    tokens = np.asarray(layer, dtype=np.float64)
    tokens = tokens - tokens.mean(axis=(0, 1))
    directions: NDArray[np.float64] = tokens / np.maximum(
        np.linalg.norm(tokens, axis=-1, keepdims=True), 1e-12
    )
    return directions


def parting(values: Floats) -> float:
    """The threshold that parts values in [0, 1] best into two groups (Otsu), from 0.05 to 0.95."""
    counts, edges = np.histogram(values, bins=256, range=(0, 1))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = values.size - below
    sums = np.cumsum(counts * middles)
    means = sums[:-1] / np.maximum(below, 1), (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    between = below * above * (means[0] - means[1]) ** 2
    best = np.flatnonzero(between >= between.max() - 1e-12)  # a gap parts equally well all along
    return float(np.clip(edges[1:-1][best].mean(), 0.05, 0.95))


def suggested(values: Floats, point: tuple[float, float]) -> float:
    """A threshold to begin with: halfway from what parts all values to that of the clicked pixel.

    Around an object lies a margin that resembles it a little, which is wider than tokens are.
    """
    clicked = float(values[round(point[1]), round(point[0])])
    return float(np.clip((parting(values) + clicked) / 2, 0.05, 0.95))


def connected(values: Floats, threshold: float, point: tuple[float, float]) -> BoolMask:
    """The pixels of at least `threshold` that are connected with the one at `point` (x, y).

    The clicked pixel always belongs to them.
    """
    row, column = round(point[1]), round(point[0])
    alike = values >= threshold
    alike[row, column] = True
    areas, _ = ndimage.label(alike)
    found: BoolMask = areas == areas[row, column]
    return found


def closed(region: BoolMask) -> BoolMask:
    """A region without holes and narrow gaps, such as an eye of another colour at its border."""
    radius = max(1, round(_GAP * region.shape[0]))
    away = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1])
    wide = np.pad(region, 2 * radius)
    bridged = ndimage.binary_closing(wide, away <= radius + 0.5)
    found: BoolMask = ndimage.binary_fill_holes(bridged)
    return found[2 * radius : -2 * radius, 2 * radius : -2 * radius]


def around(features: Mapping[int, Any], frame: Frame, point: tuple[float, float]) -> Floats:
    """Similarity (H, W) of each pixel to that at (x, y), 0 to 1; see `token_similarity`."""
    shape = next(iter(features.values())).shape[:2]
    return refined(token_similarity(features, token_weights(shape, frame, point)), frame)
