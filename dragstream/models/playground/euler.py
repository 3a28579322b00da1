"""Plain Euler steps along the flow, without added noise."""

from __future__ import annotations

import itertools

from torch import Tensor


class EulerSteps:
    """The update from each denoising step to the next by Euler's rule.

    next z = z - (s - s') (z - x0) / s, which keeps the block's initial noise.
    """

    def __init__(self, sigmas: tuple[float, ...], first: int) -> None:
        self._levels = itertools.pairwise(sigmas[first:])

    def __call__(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """Return the noisy latents of the next denoising step."""
        level, lower = next(self._levels)
        return clean + (lower / level) * (noisy - clean)
