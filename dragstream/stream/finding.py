"""`find`: locates a held object in a new frame by matching its pixels in the grip's frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags.geometry import Affine
from dragstream.drags.regions import bounding_box, warp
from dragstream.stream.hold import Grip, HoldPose

_REACH = 1 / 6
"""Farthest distance from the expected place, in heights of the frame."""
_ROWS = 160
"""Frames with at least twice as many rows are thinned out for the search."""
_IN_SIGHT = 0.3
"""Least share of the object that must lie in the frame."""
_DISTINCT = 0.5
"""A match must have less than this share of the median squared difference."""
_NEAR = 0.1
"""Weight of the squared distance from the expected place, as a share of the farthest one."""

Floats = NDArray[np.float32]


def find(grip: Grip, frame: NDArray[np.uint8], expected: HoldPose) -> HoldPose:
    """The pose of a grip's object in a frame (H, W, 3): the expected one, shifted.

    The object's pixels, turned and scaled as expected, are compared with the frame around the
    expected place. Without a distinct match near it, as behind another object or outside the
    frame, the expected pose is returned.
    """
    step = max(1, frame.shape[0] // _ROWS)
    reach = max(1, int(_REACH * frame.shape[0] / step))
    there = grip.to(expected)
    weight = warp(grip.mask, there)[::step, ::step]
    if weight.sum() < _IN_SIGHT * grip.mask[::step, ::step].sum():
        return expected
    pixels = _warped(grip.block.frames[-1], there)[::step, ::step]
    left, top, right, bottom = (round(side + 0.5) for side in bounding_box(weight))
    part = np.s_[top:bottom, left:right]
    scene = np.pad(_scaled(frame)[::step, ::step], ((reach, reach), (reach, reach), (0, 0)))
    seen = np.pad(np.ones(weight.shape, np.float32), reach)
    around = np.s_[top : bottom + 2 * reach, left : right + 2 * reach]
    differences = _differences(pixels[part], weight[part], scene[around], seen[around])
    offsets = np.arange(-reach, reach + 1)
    away = (offsets[:, None] ** 2 + offsets**2) / reach**2
    usual = float(np.median(differences))
    row, column = np.unravel_index(np.argmin(differences + _NEAR * usual * away), differences.shape)
    if not differences[row, column] < _DISTINCT * usual:
        return expected
    return expected._replace(
        x=expected.x + step * float(offsets[column]), y=expected.y + step * float(offsets[row])
    )


def _differences(pixels: Floats, weight: Floats, scene: Floats, seen: Floats) -> Floats:
    """The mean squared difference of an object from a scene at each place in it.

    The object has `pixels` (h, w, 3) and the coverage `weight` (h, w); the scene (h + 2 r, w + 2 r,
    3) is known where `seen` is 1, and else 0. The result is (2 r + 1, 2 r + 1); where too little of
    the object would lie in the scene, it is the largest value elsewhere.
    """
    covered = _correlated(seen, weight)
    total = _correlated(seen, weight * np.square(pixels).sum(-1))
    total += _correlated(np.square(scene).sum(-1), weight)
    for channel in range(pixels.shape[-1]):
        total -= 2 * _correlated(scene[..., channel], weight * pixels[..., channel])
    enough = covered >= _IN_SIGHT * weight.sum()
    mean = np.maximum(total, 0.0) / np.maximum(covered, 1e-6)
    return np.where(enough, mean, mean[enough].max(initial=np.float32(0)))


def _correlated(scene: Floats, kernel: Floats) -> Floats:
    from scipy.signal import fftconvolve  # slow to import

    return np.asarray(fftconvolve(scene, kernel[::-1, ::-1], mode="valid"), np.float32)


def _scaled(frame: NDArray[np.uint8]) -> Floats:
    return np.asarray(frame, np.float32) / np.float32(255)


def _warped(frame: NDArray[np.uint8], there: Affine) -> Floats:
    """A frame (H, W, 3) moved by a map, from 0 to 1; 0 where it has no pixels."""
    (a, b, c), (d, e, f) = there.inverse().matrix
    moved = [
        ndimage.affine_transform(channel, [[e, d], [b, a]], offset=(f, c), order=1)
        for channel in np.moveaxis(_scaled(frame), -1, 0)
    ]
    return np.stack(moved, axis=-1)
