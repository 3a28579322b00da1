"""Sampling of points in a region (`scatter`), and detection of lost ones (`without_sliding`).

Near an object's outline, a tracker's window holds part of the background. A point there may follow
the background and pass a forward-backward check, but its motion differs from that of the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.metrics.trackers import LucasKanade, opencv

_TOLERANCE = 3.0
"""Largest distance of a point from the common motion, pixels."""
_REACH = 2.0
"""Largest distance of an inlier (RANSAC), pixels."""
_WINDOW = 4
"""Frames over which a point's motion is compared with the object's and the background's."""
_SHARE = 0.25
"""Largest deviation of a sliding point from the background's motion, as a share of the difference
of the background's and the object's motions."""
_APART = 1.0
"""Least difference of the two motions over the window for a decision, pixels."""
_RING = (8.0, 48.0)
"""Distances from the handle region between which the background is read, pixels."""
_FEWEST = 6
"""Least number of points for a common motion."""


def scatter(mask: NDArray[np.bool_], count: int = 256, seed: int = 0) -> NDArray[np.float64]:
    """At most `count` points (N, 2) spread evenly, at random, over the True pixels of `mask`.

    Poisson disc sampling: pixels in a seeded random order, each taken unless it lies too close
    to one that was taken.
    """
    if count < 1:
        raise ValueError(f"the number of points must be at least 1, got {count!r}")
    rows, columns = np.nonzero(mask)
    if not len(rows):
        raise ValueError("cannot scatter points in an empty mask")
    candidates = np.random.default_rng(seed).permutation(
        np.stack([columns, rows], axis=1).astype(np.float64)
    )
    if len(candidates) <= count:
        return candidates
    # Random sequential placement jams at 0.70 area / spacing^2 points; aim just above `count`.
    spacing = np.sqrt(0.68 * len(candidates) / count)
    taken: list[NDArray[np.float64]] = []
    while len(candidates) and len(taken) < count:
        point = candidates[0]
        taken.append(point)
        candidates = candidates[np.linalg.norm(candidates - point, axis=1) >= spacing]
    return np.stack(taken)


def without_sliding(
    frames: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    tracks: NDArray[np.float64],
    consistent: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """The consistent points that have not slid onto the background, bool (T, N).

    In each frame an affine map is fitted to the consistent points (RANSAC). A point has slid if it
    lies more than 3 pixels off the map and has moved over the last 4 frames as the background did
    (to within a quarter of the difference of the background's motion and the map's). It is
    inconsistent from then on. Points with another motion, as in a deformable object, stay
    consistent; so do all points if the background cannot be followed.

    Args:
        frames: (T, H, W, 3) uint8.
        mask: the region that the points were scattered in, in `frames[0]`, bool (H, W).
        tracks: (T, N, 2) pixels.
        consistent: bool (T, N), by the tracker.
    """
    cv2 = opencv()
    kept = consistent.copy()
    start = tracks[0]
    common: list[Any] = [start] + [None] * (len(frames) - 1)
    behind: list[Any] | None = None
    for frame in range(1, len(frames)):
        common[frame] = _moved(cv2, start, start, tracks[frame], kept[frame], affine=True)
        if common[frame] is None:
            continue
        off = np.linalg.norm(tracks[frame] - common[frame], axis=1) > _TOLERANCE
        if not (off & kept[frame]).any():
            continue
        if behind is None:  # followed only when it is needed
            behind = _background(cv2, frames, mask, start)
        since = max(0, frame - _WINDOW)
        if common[since] is None or behind[frame] is None or behind[since] is None:
            continue
        own = tracks[frame] - tracks[since]
        still = behind[frame] - behind[since]
        apart = np.linalg.norm(common[frame] - common[since] - still, axis=1)
        stays = np.linalg.norm(own - still, axis=1) < _SHARE * apart
        kept[frame:] &= ~(off & stays & (apart > _APART))
    return kept


def _background(
    cv2: Any, frames: NDArray[np.uint8], mask: NDArray[np.bool_], points: NDArray[np.float64]
) -> list[Any]:
    """Per frame, the points under the background's motion; None if that is unknown."""
    distance = ndimage.distance_transform_edt(~mask)
    ring = (distance > _RING[0]) & (distance <= _RING[1])
    if not ring.any():
        return [None] * len(frames)
    start = scatter(ring, 128)
    tracks, consistent = LucasKanade().track(frames, start)
    return [
        _moved(cv2, points, start, there, good, affine=False)
        for there, good in zip(tracks, consistent, strict=True)
    ]


def _moved(
    cv2: Any,
    points: NDArray[np.float64],
    start: NDArray[np.float64],
    there: NDArray[np.float64],
    good: NDArray[np.bool_],
    *,
    affine: bool,
) -> NDArray[np.float64] | None:
    """`points` under the map fitted from `start` to `there` by the good ones (RANSAC)."""
    if good.sum() < _FEWEST:
        return None
    cv2.setRNGSeed(0)  # RANSAC draws from a generator of OpenCV's own
    fit = cv2.estimateAffine2D if affine else cv2.estimateAffinePartial2D
    matrix, _ = fit(
        start[good], there[good], ransacReprojThreshold=_REACH, maxIters=2000, confidence=0.999
    )
    return None if matrix is None else points @ matrix[:, :2].T + matrix[:, 2]
