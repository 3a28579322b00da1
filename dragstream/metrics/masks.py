"""Masks of objects: overlap with the commanded mask, and pieces that were left behind."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["mask_iou", "pieces_outside"]


def mask_iou(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks, |A & B| / |A | B|, bool (H, W), in [0, 1].

    NaN where nothing is `wanted`: the target lies outside the frame.

    Raises:
        TypeError: masks that are not boolean.
        ValueError: masks of different sizes.
    """
    _check(found, wanted)
    if not wanted.any():
        return math.nan
    return float((found & wanted).sum() / (found | wanted).sum())


def pieces_outside(
    mask: NDArray[np.bool_], target: NDArray[np.bool_], least_area: int = 1
) -> tuple[int, ...]:
    """Areas of the connected parts of a mask that do not touch a target, pixels, largest first.

    Both are bool (H, W); pixels are connected to their eight neighbours, and parts smaller than
    `least_area` do not count.

    Raises:
        TypeError: masks that are not boolean.
        ValueError: masks of different sizes.
    """
    _check(mask, target)
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    every = np.arange(1, count + 1)
    outside = every[ndimage.maximum(target, labels, every) == 0] if count else every
    areas = [int(area) for area in ndimage.sum_labels(mask, labels, outside)]
    return tuple(sorted((area for area in areas if area >= least_area), reverse=True))


def _check(*masks: object) -> None:
    shapes = []
    for mask in masks:
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"a mask must be a boolean array, got {getattr(mask, 'dtype', mask)}")
        shapes.append(mask.shape)
    if shapes[0] != shapes[1] or len(shapes[0]) != 2:
        raise ValueError(f"masks must be equal in shape (H, W), got {shapes[0]} and {shapes[1]}")
