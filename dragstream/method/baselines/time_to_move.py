"""Time-to-Move, adapted to streams: dual-clock denoising (Singer et al., 2025).

The original animates a picture: it warps the picture along the motion, adds noise to the whole
warped clip up to a high level, denoises, and replaces the moved region by the noisy warped clip
down to a lower level, which follows the command more closely than the rest. Nothing is optimised.
Changes to the original, with their reasons:

- The warped picture is the drag's reference frame, in finished latents; a stream has no other.
- A stream's block has its past, so the rest denoises freely from noise. Only the place that the
  region leaves starts as background at `denoising_step`, as the original's inpainted picture does
  at its higher level; the model would draw the object there again.
- The region is held through the clean predictions: the next latents of a deterministic solver are
  then (1 - s') ref + s' noise with the block's own noise, where the original draws noise afresh.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dragstream.drags.checks import at_least, check_fields
from dragstream.method.baselines.held_regions import HeldMethod, RegionHolder
from dragstream.method.dispatch import create_optimizer

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec

__all__ = ["TimeToMove"]


@dataclass(frozen=True, kw_only=True)
class TimeToMove(HeldMethod):
    """Hold the targets to warped latents for some steps, then denoise them as the rest.

    Args:
        denoising_step: Index of the denoising step from which the targets are held, from 0; the
            original's weaker clock. None: the model's drag step, or an earlier one where it
            leaves less than `held_steps`.
        held_steps: Number of denoising steps, from that one on, whose predictions are held; the
            original's stronger clock. More is closer to the command and less the model's own;
            where the model has no more steps, it is cut-and-paste.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of bounds; the message names the field and the bounds.
    """

    held_steps: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, held_steps=at_least(1))

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with a step of the model in place of None, see `denoising_step`.

        Raises:
            ValueError: A denoising step that the model lacks.
        """
        chosen = super().resolve(spec)
        if self.denoising_step is not None:
            return chosen
        latest = max(0, len(spec.sigmas) - self.held_steps)
        return dataclasses.replace(chosen, denoising_step=min(chosen.denoising_step or 0, latest))

    def last_held(self, steps: int) -> int:
        """Return the step before the targets denoise freely, or the last one."""
        return min(steps, (self.denoising_step or 0) + self.held_steps) - 1

    @property
    def holds_hole(self) -> bool:
        """False: the hole only starts as background."""
        return False


create_optimizer.register(TimeToMove, RegionHolder)
