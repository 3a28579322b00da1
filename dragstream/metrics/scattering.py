"""Points spread evenly over a region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
