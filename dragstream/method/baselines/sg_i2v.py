"""SG-I2V, adapted to streams: self-guided trajectory control (Namekata et al., ICLR 2025).

The original drives a whole image-to-video clip of a bidirectional model. It optimises the noisy
latents so that, in each frame, the features within a box that follows the trajectory equal those
within the box in the first frame. What was adapted, and why:

- The "first frame" is the frame that the drag was drawn on; a stream has no other. The boxes are
  the bounding boxes of the handle regions, moved (never turned: its boxes do not turn) to where
  the drag commands their middle to be in each new latent frame.
- Its features come from spatial self-attention whose keys and values are replaced by the first
  frame's, so that features of different frames can be compared. A causal video transformer
  attends from each frame to the past frames anyway, so its features are taken as they are.
- It optimises over many of 50 steps; a distilled model has four, so it is done at one of them, the
  one that suits the model, as in DragStream.
- Its learning rate, 0.21, belongs to latents of another scale; the default is the model's own.
- There is neither ADSR nor SFSO; the Gaussian weighs the loss, not the update.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.checks import fraction, positive, whole
from dragstream.drags.geometry import Affine, Grid
from dragstream.method.baselines.common import Baseline, BaselineDescent
from dragstream.method.descent import Step
from dragstream.method.frequency import LowPass
from dragstream.method.placement import Placement, place, sample
from dragstream.method.pulls import Pull

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel

__all__ = ["SGI2V", "SelfGuidance"]


@dataclass(frozen=True, kw_only=True)
class SGI2V(Baseline):
    """SG-I2V's constants; its own, but for what depends on the model.

    Args:
        iterations: Optimisation steps.
        learning_rate: Of AdamW. None: what suits the model.
        denoising_step: At which denoising step, counted from 0. None: what suits the model.
        layers: Which layers' self-attention outputs are the features. None: what suits the model.
        upsampling: Features are compared at this many cells per token along each axis.
        weight_decay: Of AdamW.
        cutoff: Low-pass cutoff in cycles per latent cell, in (0, 1]: frequencies above it are
            the original latents'. Nyquist is 0.5; 1 keeps nothing of the original.
        filter_order: Order of the Butterworth filter.
        spread: Deviation of the Gaussian on the loss, in half boxes.

    Raises:
        TypeError: A value of the wrong kind.
        ValueError: A value out of bounds, naming it and what is allowed.
    """

    iterations: int = 5
    cutoff: float = 0.25
    filter_order: int = 4
    spread: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "cutoff", fraction(self.cutoff, "cutoff"))
        order = whole(self.filter_order, "filter_order", least=1)
        object.__setattr__(self, "filter_order", order)
        object.__setattr__(self, "spread", positive(self.spread, "spread"))

    def optimization(
        self,
        model: VideoModel,
        latents: Tensor,
        context: Any,
        pulls: Sequence[Pull],
        *,
        keep: NDArray[np.bool_] | None = None,
        neighbours: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> SelfGuidance:
        """The iterations that drag one block.

        `keep` and `generator` are not used: the method has no mask and draws nothing.
        """
        del keep, generator
        return SelfGuidance(model, latents, context, pulls, settings=self, neighbours=neighbours)


class SelfGuidance(BaselineDescent):
    """The iterations of SG-I2V on one block; arguments as in `BaselineDescent`."""

    def __init__(
        self,
        model: VideoModel,
        latents: Tensor,
        context: Any,
        pulls: Sequence[Pull],
        *,
        settings: SGI2V,
        neighbours: Tensor | None,
    ) -> None:
        super().__init__(model, latents, context, pulls, settings=settings, neighbours=neighbours)
        device = self._latents.device
        boxes = [_box(pull, self._grid, settings.upsampling, settings.spread) for pull in pulls]
        self._boxes = [(cells.to(device), weights.to(device)) for cells, weights in boxes]
        self._total = max(1e-8, sum(float(weights.sum()) for _, weights in boxes))
        self._low_pass = LowPass(settings.cutoff, settings.filter_order)

    def _advance(self, index: int) -> Step:
        with torch.enable_grad():
            point = self._latents.detach().requires_grad_()
            features = self._features.of(point)
            loss = self._misfit(features)
            (gradient,) = torch.autograd.grad(loss, point)
        loss = loss.detach()
        stepped = self._optimizer.step(self._latents, gradient)
        last = index + 1 == len(self)
        latents = self._with_original_detail(stepped) if last else stepped
        return Step(loss, loss, torch.zeros_like(loss), gradient, stepped, latents)

    def _misfit(self, features: Tensor) -> Tensor:
        """The weighted mean square, over the boxes, of the distance from the first frame's."""
        misfit = features.new_zeros(())
        for pull, (cells, weights) in zip(self._pulls, self._boxes, strict=True):
            wanted = sample(self._reference(pull), cells.points)
            found = features[cells.frames, cells.rows, cells.columns]
            misfit = misfit + ((found - wanted).square().mean(dim=-1) * weights).sum()
        return misfit / self._total

    def _with_original_detail(self, latents: Tensor) -> Tensor:
        """Low frequencies of the latents, high ones of those before the first iteration."""
        change = (latents - self._first).movedim(-3, -1)
        return self._first + self._low_pass(change).movedim(-1, -3)


def _box(pull: Pull, grid: Grid, upsampling: int, spread: float) -> tuple[Placement, Tensor]:
    """Where a pull's box lies in each driven frame, and the weight of each of its cells (K,)."""
    rows, columns = np.flatnonzero(pull.mask.any(axis=1)), np.flatnonzero(pull.mask.any(axis=0))
    box = np.zeros_like(pull.mask)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    middle = np.array(((columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2))
    half = np.array((columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1)) / 2
    shifts = {
        frame: Affine.translation(*(affine.apply(middle) - middle))
        for frame, affine in pull.transforms().items()
    }
    cells = place(box, shifts, grid.cells(upsampling))
    size = torch.tensor((grid.width, grid.height))
    # `points` are the cells in the reference frame, where the box has not moved yet.
    pixels = (cells.points + 1) / 2 * size - 0.5
    distance = (pixels - torch.from_numpy(middle)) / torch.from_numpy(spread * half)
    weights = torch.exp(-distance.square().sum(dim=-1) / 2) * cells.areas
    return cells, weights.float()
