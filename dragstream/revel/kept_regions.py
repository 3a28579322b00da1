"""Regions that a case keeps as they are: the mask M of the second term of Eq. 3."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Shape

_MARGIN = 16
"""Pixels around everything that moves; the background farther away is kept."""
_RIM = 3.0
"""Pixels around an object that are kept with it."""
_GAP = 4.0
"""Pixels between the kept part of an object and the moving part."""
_LEAST = 200
"""A kept object of fewer pixels than that would hardly count in the loss."""


def sample_kept_region(
    drag: Drag,
    moved: NDArray[np.bool_],
    others: NDArray[np.bool_],
    commands: Sequence[Affine],
    rng: np.random.Generator,
) -> Shape | None:
    """A region for one drag to keep: another object, or the background away from the drag."""
    area = moving_area([drag], moved, [commands])
    choices = [still_objects(others, area), background(area)]
    if rng.uniform() < 0.5:
        choices.reverse()
    return next((choice for choice in choices if choice is not None), None)


def moving_area(
    drags: Sequence[Drag], objects: NDArray[np.bool_], commands: Sequence[Sequence[Affine]]
) -> NDArray[np.bool_]:
    """Every pixel, bool (H, W), that handles and objects cover at the start or at a target."""
    area = objects.copy()
    for drag, targets in zip(drags, commands, strict=True):
        covered = objects | drag.mask(*objects.shape)
        area |= covered
        for target in targets:
            area |= regions.warp(covered, target) > 0
    return area


def background(area: NDArray[np.bool_]) -> Shape | None:
    """The frame without a box around `area`, 16 px wider; None where nothing is left."""
    height, width = area.shape
    left, top, right, bottom = regions.bounding_box(area)
    moving = regions.box(left - _MARGIN, top - _MARGIN, right + _MARGIN, bottom + _MARGIN)
    kept = regions.box(0, 0, width, height) - moving
    return kept if kept.paint(height, width).any() else None


def still_objects(objects: NDArray[np.bool_], area: NDArray[np.bool_]) -> Shape | None:
    """Objects with a rim of 3 px, off `area` by 4 px at least; None where too little is left."""
    if not objects.any():
        return None
    wide = ndimage.distance_transform_edt(~objects) <= _RIM
    kept = wide & (ndimage.distance_transform_edt(~area) >= _GAP)
    return regions.mask(kept) if kept.sum() >= _LEAST else None
