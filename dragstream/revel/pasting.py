"""A frame with a part cut out and pasted elsewhere: the ideal result of a drag, without a model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags.geometry import Affine
from dragstream.drags.regions import warp

_RIM = 2
"""Pixels around the part that are cut out with it: its smoothed outline."""


def cut_and_paste(
    frame: NDArray[np.uint8], part: NDArray[np.bool_], target: Affine
) -> NDArray[np.uint8]:
    """Move a part of a frame; where it was, each pixel takes the colour nearest to it."""
    hole = ndimage.binary_dilation(part, iterations=_RIM)
    if hole.all():
        hole = part
    rows, columns = ndimage.distance_transform_edt(
        hole, return_distances=False, return_indices=True
    )
    filled = frame[rows, columns].astype(np.float32)
    covered = warp(part, target)[..., None]
    scaled = frame.astype(np.float32) / 255 * part[..., None]
    moved = 255 * np.stack([warp(scaled[..., channel], target) for channel in range(3)], axis=-1)
    image: NDArray[np.uint8] = (moved + (1 - covered) * filled).round().astype(np.uint8)
    return image
