"""A rectification: latents stay within the range of their neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class WithinRange:
    """No value leaves the range that its channel had in the frames before.

    Args:
        neighbours: How many preceding latent frames that range comes from.
    """

    neighbours: int = 9

    def prepare(self, own: Tensor, neighbours: Tensor | None) -> Callable[[Tensor], Tensor]:
        """See `dragstream.method.RectificationMethod`."""
        past = own[0] if neighbours is None else neighbours[-self.neighbours :]
        low, high = (
            extreme(dim=(0, 2, 3))[None, None, :, None, None] for extreme in (past.amin, past.amax)
        )
        return lambda latents: latents.clamp(low, high)
