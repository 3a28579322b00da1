"""Plain steps: the flow is followed, and no noise is added on the way."""

from __future__ import annotations

import itertools

from torch import Tensor


class PlainSteps:
    """The way from each denoising step to the next by Euler's rule.

    next z = z - (s - s') (z - x0) / s, which keeps the noise that the block began with.

    Args:
        sigmas: Noise level of each denoising step.
        first: The step that is left first, counted from 0.
    """

    def __init__(self, sigmas: tuple[float, ...], first: int) -> None:
        self._levels = itertools.pairwise(sigmas[first:])

    def __call__(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """What the next denoising step is given."""
        level, lower = next(self._levels)
        return clean + (lower / level) * (noisy - clean)
