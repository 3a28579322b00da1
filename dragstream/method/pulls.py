"""Drags of one block: `Reference` and `Pull`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.checks import check_finite, check_int
from dragstream.drags.geometry import Affine, Grid
from dragstream.method.placement import Moving

if TYPE_CHECKING:
    from dragstream.models.base import Context, ModelSpec


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference frame of a drag: the model's inputs when it denoised that frame.

    References that share their `latents` and `context` objects share their feature passes.

    Args:
        latents: Noisy latents of the frame's whole block, (1, F, C, h, w).
        sigma: Noise level of the latents, in (0, 1].
        context: The model's context (cache) *before* that block.
        frame: Index of the latent frame within that block, from 0.
    """

    latents: Tensor
    sigma: float
    context: Context
    frame: int


@dataclass(frozen=True, eq=False)
class Pull:
    """The part of one drag that acts on one block.

    Args:
        reference: The frame whose features the targets should match (F_ref).
        mask: Handle region in the reference frame, bool (H, W).
        motion: Transforms from reference to target pixels, by fraction of the motion.
        fractions: Fraction of the motion for each latent frame of the block; None for a frame that
            is not driven.
        start: Fraction of the motion at the start of the block.
    """

    reference: Reference
    mask: NDArray[np.bool_]
    motion: Moving
    fractions: tuple[float | None, ...]
    start: float = 0.0

    def transforms(self, share: float = 1.0) -> dict[int, Affine]:
        """Return each driven frame's transform to `share` of its target displacement, in pixels.

        Displacements are from rest, also in later blocks of a drag, as in the release.
        """
        driven = self._driven()
        if share >= 1.0:
            return {frame: self.motion.at(fraction) for frame, fraction in driven.items()}
        return {frame: self.motion.partway(part, share) for frame, part in driven.items()}

    @property
    def displacement(self) -> tuple[float, float]:
        """Largest displacement from rest over the block's driven frames, (pixels, degrees)."""
        reached = [
            self.motion.displacement(fraction, self.mask) for fraction in self._driven().values()
        ]
        pixels, degrees = zip(*reached, strict=True)
        return max(pixels), max(degrees)

    def _driven(self) -> dict[int, float]:
        return {frame: part for frame, part in enumerate(self.fractions) if part is not None}


def check_pulls(pulls: Sequence[Pull], latents: Tensor, spec: ModelSpec) -> None:
    """Check pulls against the block that they act on.

    Raises:
        TypeError: A mask that is not a boolean array, values that are not numbers.
        ValueError: No pulls, shapes that do not fit, an empty mask, no driven frame.
    """
    shape = tuple(latents.shape)
    if latents.ndim != 5 or shape[0] != 1 or not latents.is_floating_point():
        raise ValueError(
            f"latents must be floats of shape (1, frames, channels, height, width), "
            f"got {latents.dtype} of shape {shape}"
        )
    expected = (spec.latent_channels, spec.grid.latent_height, spec.grid.latent_width)
    if shape[2:] != expected:
        raise ValueError(
            f"latents of {spec.name!r} have (channels, height, width) {expected}, got {shape[2:]}"
        )
    if not pulls:
        raise ValueError("an optimisation needs at least one pull, got none")
    for pull in pulls:
        _check_pull(pull, latents, spec.grid)


def _check_pull(pull: Pull, latents: Tensor, grid: Grid) -> None:
    check_mask(pull.mask, grid, "the handle mask")
    if not pull.mask.any():
        raise ValueError("the handle mask must cover at least one pixel, got an empty one")
    frames = latents.shape[1]
    if len(pull.fractions) != frames or all(part is None for part in pull.fractions):
        raise ValueError(
            f"fractions must hold one entry for each of the block's {frames} latent frames, not "
            f"all of them None, got {pull.fractions!r}"
        )
    for part in pull.fractions:
        if part is not None:
            check_finite(part, "a fraction")
    check_finite(pull.start, "start")
    reference = pull.reference
    if reference.latents.ndim != 5 or reference.latents.shape[2:] != latents.shape[2:]:
        raise ValueError(
            f"a reference's latents must have (channels, height, width) {tuple(latents.shape[2:])} "
            f"as the block's, got shape {tuple(reference.latents.shape)}"
        )
    if check_int(reference.frame, "a reference's frame", least=0) >= reference.latents.shape[1]:
        raise ValueError(
            f"a reference's frame must be one of the {reference.latents.shape[1]} of its block, "
            f"counted from 0, got {reference.frame}"
        )


def check_mask(mask: object, grid: Grid, name: str) -> None:
    """Check that a mask is bool (H, W).

    Raises:
        TypeError: Not a boolean array.
        ValueError: Another shape.
    """
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        found = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
        raise TypeError(f"{name} must be a boolean array, got {found}")
    if mask.shape != (grid.height, grid.width):
        raise ValueError(
            f"{name} must have shape ({grid.height}, {grid.width}) as the video frames, "
            f"got {mask.shape}"
        )
