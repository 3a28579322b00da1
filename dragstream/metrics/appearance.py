"""Similarity of pictures by a network's features, with masks: `feature_similarity`, `cut_out`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dragstream.metrics.extractors import Extractor

__all__ = ["cut_out", "feature_similarity", "without"]

GREY = 127
"""Colour of hidden pixels: about 0 after the networks' normalisation."""
_MARGIN = 4
"""Pixels of grey around an object that is cut out."""


def feature_similarity(
    first: NDArray[np.uint8], second: NDArray[np.uint8], extractor: Extractor
) -> float:
    """Cosine of the features f of two pictures, <f, g> / (|f| |g|); 1 for equal ones.

    Pictures are uint8 (H, W, 3), of any sizes: the extractor scales them. NaN where one has no
    features at all (all 0). Name the extractor with every figure.
    """
    one, other = (extractor.features(picture[None])[0] for picture in (first, second))
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / lengths if lengths else math.nan


def cut_out(frame: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """An object alone: the square around its mask, grey outside of the mask, (S, S, 3).

    The result does not depend on the object's position or background; after an extractor's scaling
    it does not depend on its size.

    Raises:
        ValueError: an empty mask.
    """
    if not mask.any():
        raise ValueError("a mask must cover at least one pixel, got an empty one")
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    part = without(frame, ~mask)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = part.shape[:2]
    side = max(height, width) + 2 * _MARGIN
    square = np.full((side, side, 3), GREY, np.uint8)
    y, x = (side - height) // 2, (side - width) // 2
    square[y : y + height, x : x + width] = part
    return square


def without(frame: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A copy of a frame (H, W, 3) with a region, bool (H, W), painted grey."""
    painted = frame.copy()
    painted[hidden] = GREY
    return painted
