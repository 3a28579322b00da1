"""The part of a drag that acts on one block: `BlockDrag`, with its `Reference`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Motion
from dragstream.models.base import Context


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference frame of a drag: the model's inputs when it denoised that frame.

    References that share their `latents` and `context` objects share their feature passes.

    Args:
        latents: Noisy latents of the frame's whole block, (1, F, C, h, w).
        sigma: Noise level of the latents, in (0, 1].
        context: The model's context (cache) *before* that block.
        frame: Index of the latent frame within that block, from 0.
        clean: Finished latents of the frame, (C, h, w); None: not known.
    """

    latents: Tensor
    sigma: float
    context: Context
    frame: int
    clean: Tensor | None = None


@dataclass(frozen=True, eq=False)
class BlockDrag:
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
    motion: Motion
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
