"""Side effects of a drag: drift of the latents' moments, and leak (change outside the drag)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from dragstream.drags.geometry import Affine
from dragstream.drags.regions import warp
from dragstream.method.moments import Moments, drift


@dataclass(frozen=True)
class Drift:
    """Moments of the latents of dragged frames, compared with those of their neighbours.

    Attributes:
        distance: root mean square over the channels of the 2-Wasserstein distance of the two
            Gaussians, latent units: the metric (:func:`dragstream.method.moments.drift`).
        mean_shift: mean over the channels of |mean - mean'|, latent units.
        std_ratio: geometric mean over the channels of std / std'; 1 = as spread as before.
    """

    distance: float
    mean_shift: float
    std_ratio: float

    @classmethod
    def between(cls, latents: Tensor, neighbours: Tensor) -> Drift:
        """The drift of `latents` (F, C, h, w) from the frames before them (N, C, h, w).

        Raises:
            ValueError: no frames, another number of channels, or constant neighbours.
        """
        now, before = Moments.of(latents), Moments.of(neighbours)
        distance = drift(now, before)
        if min(before.stds) <= 0:
            raise ValueError("the neighbours are constant in a channel, so nothing compares")
        shifts = [abs(a - b) for a, b in zip(now.means, before.means, strict=True)]
        # A constant channel has the ratio 0, whose logarithm is not finite.
        ratios = [max(a / b, 1e-6) for a, b in zip(now.stds, before.stds, strict=True)]
        return cls(
            distance=distance,
            mean_shift=sum(shifts) / len(shifts),
            std_ratio=math.exp(sum(map(math.log, ratios)) / len(ratios)),
        )


def swept(
    mask: NDArray[np.bool_], commands: Sequence[Affine], margin: float = 0.0
) -> NDArray[np.bool_]:
    """The handle region and all its target regions, bool (H, W), `margin` pixels wider."""
    area = np.array(mask, bool)
    for command in commands:
        area |= warp(mask, command) > 0
    if margin <= 0 or not area.any():
        return area
    wider: NDArray[np.bool_] = ndimage.distance_transform_edt(~area) <= margin
    return wider


def leak(dragged: NDArray[np.uint8], plain: NDArray[np.uint8], inside: NDArray[np.bool_]) -> float:
    """Mean absolute change of the pixels outside a region, in grey levels (0..255).

    Args:
        dragged: frames (T, H, W, 3) uint8 with the drag.
        plain: the same frames, from the same noise, without it.
        inside: bool (H, W) or (T, H, W): the area in which change is wanted and not counted.

    Raises:
        ValueError: arrays of different sizes, or nothing outside.
    """
    if dragged.shape != plain.shape or dragged.ndim != 4:
        raise ValueError(
            f"dragged and plain must be equal in shape (T, H, W, 3), "
            f"got {dragged.shape} and {plain.shape}"
        )
    if inside.shape not in (dragged.shape[1:3], dragged.shape[:3]):
        raise ValueError(
            f"inside must have shape {dragged.shape[1:3]} or {dragged.shape[:3]}, "
            f"got {inside.shape}"
        )
    outside = ~np.broadcast_to(inside, dragged.shape[:3])
    if not outside.any():
        raise ValueError("nothing lies outside the region")
    change = np.abs(dragged.astype(np.int16) - plain.astype(np.int16)).mean(axis=-1)
    return float(change[outside].mean())
