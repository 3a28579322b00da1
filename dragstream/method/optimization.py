"""Latent region optimisation of one block at one denoising step (Section 4.2.1, Eq. 1-3, 9).

    run = Optimization(model, latents, context, pulls, settings=settings, generator=generator)
    for iteration in run:
        print(iteration.loss)
    dragged = run.latents

Nothing outside a run changes, so it may be left at any iteration, by an exception too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.method.adamw import AdamW
from dragstream.method.aim import Aim, take_aim
from dragstream.method.descent import Descent, Step, newest
from dragstream.method.features import Features, check_predicting
from dragstream.method.iteration import Iteration
from dragstream.method.objective import Keeper, Objective, Observe
from dragstream.method.parts import FrequencyView
from dragstream.method.pulls import Pull, Reference, check_mask, check_pulls
from dragstream.method.settings import DragSettings
from dragstream.method.window import narrow

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel

__all__ = ["Iteration", "Optimization", "Pull", "Reference"]


class Optimization(Descent):
    """An iterator over the iterations that drag one block; see the module's recipe.

    Args:
        model: Where features come from.
        latents: Noisy latents of the block at the settings' denoising step, (1, F, C, h, w).
        context: What the model remembers of the blocks before.
        pulls: The drags.
        settings: The method's constants; what they leave open comes from the model.
        keep: The region M that must not change, bool (H, W), or None.
        neighbours: Noisy latents of the preceding latent frames at the same step, (N, C, h, w),
            newest last, for rectification and drift; None where there is no past.
        generator: Draws the cutoffs, on the CPU; needed where there are several.

    Raises:
        TypeError: A mask, generator or model of the wrong kind.
        ValueError: Shapes that do not fit, an empty region, layers or steps that the model lacks.
    """

    def __init__(
        self,
        model: VideoModel,
        latents: Tensor,
        context: Any,
        pulls: Sequence[Pull],
        *,
        settings: DragSettings,
        keep: NDArray[np.bool_] | None = None,
        neighbours: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        spec = model.spec
        self.settings = settings = settings.resolve(spec)
        check_pulls(pulls, latents, spec)
        context, pulls = narrow(model, context, pulls, settings.window)
        past = newest(neighbours, settings.neighbours, latents)
        self._segments = max(settings.segments(*pull.extent) for pull in pulls)
        count = self._segments * settings.iterations
        self._low_passes = _draw(settings, count, generator)
        self.sigma = spec.sigmas[settings.denoising_step or 0]
        block = Reference(latents, self.sigma, context, frame=0)
        layers = settings.layers or spec.layers
        share = settings.prediction_weight or 0.0
        predictor = check_predicting(model, f"prediction_weight={share:g}") if share else None
        features = Features(
            model, block, layers, self._low_passes, settings.cells, predictor=predictor
        )
        observe = _observer(model, self.sigma, context, settings)
        keeper = _keeper(keep, observe, pulls, spec.grid, settings)
        weight = settings.constraint.weight if settings.constraint else 0.0
        self._objective = Objective(
            features, pulls, settings.loss, keeper, weight, prediction_weight=share
        )
        self._pulls = tuple(pulls)
        self._grid = spec.grid
        super().__init__(latents, past, count, repr(settings))
        rectification = settings.rectification
        self._rectify = rectification.prepare(self._latents, past) if rectification else None
        self._optimizer = self._new_optimizer()
        self._aim: Aim | None = None

    def _advance(self, index: int) -> Step:
        segment, within = divmod(index, self.settings.iterations)
        if self._aim is None or within == 0:
            share = (segment + 1) / self._segments
            device = self._latents.device
            self._aim = take_aim(self._pulls, share, self._grid, self.settings, device)
        low_pass = self._low_passes[index]
        loss, rec, cst, gradient = self._objective(self._latents, self._aim, low_pass)
        stepped = self._step(gradient, self._aim.focus)
        rectified = self._rectified(stepped)
        return Step(loss, rec, cst, gradient, stepped, rectified, segment, low_pass.cutoff)

    def _rectified(self, stepped: Tensor) -> Tensor:
        """Eq. 4, or what stands in its place.

        Raises:
            ValueError: A rectification that changes the shape.
        """
        if self._rectify is None:
            return stepped
        rectified: object = self._rectify(stepped)
        if not isinstance(rectified, Tensor) or rectified.shape != stepped.shape:
            raise ValueError(
                f"a rectification must keep the latents' shape {tuple(stepped.shape)}, "
                f"{self.settings.rectification!r} gave {getattr(rectified, 'shape', rectified)}"
            )
        return rectified

    def _step(self, gradient: Tensor, focus: Tensor | None) -> Tensor:
        """Eq. 9: the latents after one update, of which the focus decides how much acts where."""
        on_gradient = self.settings.focus is not None and self.settings.focus.on_gradient
        if focus is not None and on_gradient:
            gradient = gradient * focus
        if self.settings.gradient_clip is not None:
            norm = torch.linalg.vector_norm(gradient)
            gradient = gradient * (self.settings.gradient_clip / norm.clamp_min(1e-12)).clamp_max(
                1.0
            )
        if self.settings.fresh_optimizer:
            self._optimizer = self._new_optimizer()
        stepped = self._optimizer.step(self._latents, gradient)
        if focus is None or on_gradient:
            return stepped
        return self._latents + focus * (stepped - self._latents)

    def _new_optimizer(self) -> AdamW:
        rate, decay = self.settings.learning_rate or 0.0, self.settings.weight_decay
        # The loss is a mean, so gradients are small: the usual 1e-8 would brake their steps.
        return AdamW(rate, decay, epsilon=1e-12)


def _draw(
    settings: DragSettings, count: int, generator: torch.Generator | None
) -> tuple[FrequencyView, ...]:
    """The low-pass of each iteration's reference features, drawn at random (Section 4.2.2).

    Raises:
        TypeError: A choice without a generator.
    """
    choices = settings.low_passes
    if len(choices) == 1:
        return choices * count
    if generator is None:
        raise TypeError(f"the choice among cutoffs={settings.cutoffs} needs a torch.Generator")
    drawn = torch.randint(len(choices), (count,), generator=generator)
    return tuple(choices[index] for index in drawn.tolist())


def _observer(model: VideoModel, sigma: float, context: Any, settings: DragSettings) -> Observe:
    """What the constraint compares.

    Raises:
        TypeError: Predictions are wanted of a model that can't differentiate them.
    """
    if settings.constraint is None or not settings.constraint.predictions:
        return lambda _latents, features: features
    predicting = check_predicting(model, "Constraint(predictions=True)")
    return lambda latents, _features: predicting.predict(latents, sigma, context)[0].movedim(1, -1)


def _keeper(
    keep: NDArray[np.bool_] | None,
    observe: Observe,
    pulls: Sequence[Pull],
    grid: Grid,
    settings: DragSettings,
) -> Keeper | None:
    """The second term of Eq. 3, if there is something to keep."""
    if keep is None:
        return None
    check_mask(keep, grid, "keep")
    constraint = settings.constraint
    if constraint is None or constraint.weight == 0.0:
        return None
    if constraint.spare_handles:
        keep = keep & ~np.logical_or.reduce([pull.mask for pull in pulls])
    shape = grid.cells(settings.cells)
    if constraint.predictions:
        shape = (grid.latent_height, grid.latent_width)
    nearest = settings.nearest_masks
    return Keeper(keep, observe, shape, grid, loss=settings.loss, nearest=nearest)
