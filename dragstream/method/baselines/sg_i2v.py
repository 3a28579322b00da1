"""SG-I2V, adapted to streams: self-guided trajectory control (Namekata et al., ICLR 2025).

The original controls a whole image-to-video clip of a bidirectional model. It optimises the noisy
latents so that, in each frame, the features within a box that follows the trajectory equal those
within the box in the first frame. Changes to the original, with their reasons:

- The "first frame" is the frame that the drag was drawn on; a stream has no other. The boxes are
  the bounding boxes of the handle regions. In each new latent frame, a box is translated so that
  its middle follows the drag's motion; it is never rotated, as in the original.
- The original takes features from spatial self-attention with the keys and values of the first
  frame, so that features of different frames can be compared. A causal video transformer already
  attends from each frame to the past frames, so its features are used unchanged.
- The original optimises at many of 50 denoising steps. A distilled model has four, so only one of
  them is optimised, the model's default, as in DragStream.
- The original's learning rate, 0.21, is for latents of another scale; the default is the model's.
- The method has neither ADSR nor SFSO; the Gaussian weights the loss, not the update.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dragstream.drags.checks import at_least, check_fields, check_fraction, check_positive
from dragstream.drags.geometry import Affine, Grid
from dragstream.drags.regions import Box, bounding_box
from dragstream.method.baselines.common import BaselineOptimizer, OptimisedBaseline
from dragstream.method.block_drags import BlockDrag
from dragstream.method.dispatch import create_optimizer
from dragstream.method.frequency import LowPass
from dragstream.method.optimizer import Step
from dragstream.method.problem import DragProblem
from dragstream.method.target_cells import TargetCells, find_target_cells, sample


@dataclass(frozen=True, kw_only=True)
class SGI2V(OptimisedBaseline):
    """Constants of SG-I2V: the original's values, except those that depend on the model.

    Args:
        iterations: Optimisation steps; this and the other common constants as in `DragSettings`.
        cutoff: Low-pass cutoff in cycles per latent cell, in (0, 1]: frequencies above it are
            restored from the original latents. Nyquist is 0.5; 1 restores nothing.
        filter_order: Order of the Butterworth filter.
        spread: Standard deviation of the Gaussian on the loss, in half boxes.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of bounds; the message names the field and the bounds.
    """

    iterations: int = 5
    cutoff: float = 0.25
    filter_order: int = 4
    spread: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, cutoff=check_fraction, filter_order=at_least(1), spread=check_positive)


class SelfGuidance(BaselineOptimizer):
    """The optimiser of one block by SG-I2V: it has no mask, and is not random."""

    def __init__(self, settings: SGI2V, problem: DragProblem) -> None:
        super().__init__(settings, problem)
        grid, device = problem.model.spec.grid, self._latents.device
        boxes = [_box(drag, grid, settings.upsampling, settings.spread) for drag in problem.drags]
        self._boxes = [(cells.to(device), weights.to(device)) for cells, weights in boxes]
        self._total = max(1e-8, sum(float(weights.sum()) for _, weights in boxes))
        self._low_pass = LowPass(settings.cutoff, settings.filter_order)

    def _advance(self, index: int) -> Step:
        with torch.enable_grad():
            point = self._latents.detach().requires_grad_()
            loss = self._misfit(self._features(point))
            (gradient,) = torch.autograd.grad(loss, point)
        loss = loss.detach()
        stepped = self._optimizer.step(self._latents, gradient)
        last = index + 1 == len(self)
        latents = self._with_original_detail(stepped) if last else stepped
        return Step(loss, loss, torch.zeros_like(loss), gradient, stepped, latents)

    def _misfit(self, features: Tensor) -> Tensor:
        """Compute the weighted mean squared difference from the first frame over the boxes."""
        misfit = features.new_zeros(())
        for reference, (cells, weights) in zip(self._references, self._boxes, strict=True):
            wanted = sample(reference, cells.points)
            found = features[cells.frames, cells.rows, cells.columns]
            misfit = misfit + ((found - wanted).square().mean(dim=-1) * weights).sum()
        return misfit / self._total

    def _with_original_detail(self, latents: Tensor) -> Tensor:
        """Combine low frequencies of the latents with high frequencies of the initial latents."""
        change = (latents - self._first).movedim(-3, -1)
        return self._first + self._low_pass(change).movedim(-1, -3)


def _box(drag: BlockDrag, grid: Grid, upsampling: int, spread: float) -> tuple[TargetCells, Tensor]:
    """Compute a drag's box in each driven frame, and the weight of each of its cells (K,)."""
    left, top, right, bottom = bounding_box(drag.mask)
    box = Box(left, top, right, bottom).paint(*drag.mask.shape)
    middle = np.array((left + right, top + bottom)) / 2
    half = np.array((right - left, bottom - top)) / 2
    shifts = {
        frame: Affine.translation(*(affine.apply(middle) - middle))
        for frame, affine in drag.transforms().items()
    }
    cells = find_target_cells(box, shifts, grid.cells(upsampling))
    size = torch.tensor((grid.width, grid.height))
    # `points` are the cells' positions in the reference frame, in which the box is at rest.
    pixels = (cells.points + 1) / 2 * size - 0.5
    distance = (pixels - torch.from_numpy(middle)) / torch.from_numpy(spread * half)
    weights = torch.exp(-distance.square().sum(dim=-1) / 2) * cells.areas
    return cells, weights.float()


create_optimizer.register(SGI2V, SelfGuidance)
