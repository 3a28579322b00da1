"""Cut-and-paste: the region's latents are pasted at the target, whatever the model predicts."""

from __future__ import annotations

from dataclasses import dataclass

from dragstream.drags.checks import check_choice
from dragstream.method.baselines.held_regions import HeldMethod, RegionHolder
from dragstream.method.dispatch import create_optimizer

__all__ = ["CutAndPaste"]

_HOLES = ("background", "model")


@dataclass(frozen=True, kw_only=True)
class CutAndPaste(HeldMethod):
    """Hold the targets to the warped latents of the reference frame until they are finished.

    Nothing is trained or optimised. The object looks exactly as in the reference frame.

    Args:
        denoising_step: Index of the denoising step from which the targets are held, from 0; the
            model denoises the rest around them. None: the model's drag step.
        hole: What fills the place that the region leaves: "background", its nearest surroundings,
            held as the targets are; or "model", which denoises it freely from the background at
            `denoising_step` (from noise at the first step).

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of bounds; the message names the field and the bounds.
    """

    hole: str = "background"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self.hole, _HOLES, "hole")

    def last_held(self, steps: int) -> int:
        """Return the last step."""
        return steps - 1

    @property
    def holds_hole(self) -> bool:
        """True if the background fills the hole."""
        return self.hole == "background"


create_optimizer.register(CutAndPaste, RegionHolder)
