"""Latent region optimisation of one block at one denoising step (Section 4.2.1, Eq. 1-3, 9).

    run = Optimization(model, latents, context, pulls, settings=settings, generator=generator)
    for iteration in run:
        print(iteration.loss)
    dragged = run.latents

A run changes no state outside itself, so it may be abandoned at any iteration, also by an
exception.
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
from dragstream.method.aim import Aim, kept_cells, moved_frames, take_aim
from dragstream.method.descent import Descent, Step, newest
from dragstream.method.features import Features, check_predicting
from dragstream.method.iteration import Iteration
from dragstream.method.objective import Keeper, Objective
from dragstream.method.parts import FrequencyView
from dragstream.method.placement import resize
from dragstream.method.pulls import Pull, Reference, check_mask, check_pulls
from dragstream.method.settings import DragSettings
from dragstream.method.window import narrow

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel

__all__ = ["Iteration", "Optimization", "Pull", "Reference"]


class Optimization(Descent):
    """An iterator over the iterations that drag one block; see the module's example.

    Args:
        model: The model that computes the features.
        latents: Noisy latents of the block at the settings' denoising step, (1, F, C, h, w).
        context: The model's context (cache) of the preceding blocks.
        pulls: The drags.
        settings: The method's constants; fields that are None take the model's defaults.
        keep: The region M that must not change, bool (H, W), or None.
        neighbours: Noisy latents of the preceding latent frames at the same step, (N, C, h, w),
            newest last, for rectification and drift; None at the start of a stream.
        generator: Random generator on the CPU for the cutoffs; required if there are several.

    Raises:
        TypeError: A mask, generator or model of the wrong type.
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
        self._segments = max(settings.segments(*pull.displacement) for pull in pulls)
        count = self._segments * settings.iterations
        self._low_passes = _draw(settings, count, generator)
        self.sigma = spec.sigmas[settings.denoising_step or 0]
        keeper = _keeper(keep, spec.grid, settings)
        features = _features(
            model,
            Reference(latents, self.sigma, context, frame=0),
            self._low_passes,
            settings,
            predict=keeper is not None,
        )
        self._objective = Objective(
            features,
            pulls,
            settings.loss,
            keeper,
            settings.constraint.weight if settings.constraint else 0.0,
            prediction_weight=settings.prediction_weight or 0.0,
            nearest=settings.nearest_features,
        )
        self._pulls = tuple(pulls)
        self._grid = spec.grid
        super().__init__(latents, past, count, repr(settings))
        self._moved = list(moved_frames(self._pulls, settings))
        rectification = settings.rectification
        own = self._latents[:, self._moved]
        self._rectify = rectification.prepare(own, past) if rectification else None
        self._optimizer = self._new_optimizer()
        self._aim: Aim | None = None

    def _advance(self, index: int) -> Step:
        """Compute one iteration, in the paper's order: targets, loss, step, rectification."""
        low_pass = self._low_passes[index]  # Eq. 5-8
        segment, aim = self._aimed(index)  # Eq. 1 and 10
        loss, rec, cst, gradient = self._objective(self._latents, aim, low_pass)  # Eq. 3
        stepped = self._step(gradient, aim.focus)  # Eq. 2 and 9
        rectified = self._rectified(stepped)  # Eq. 4
        return Step(loss, rec, cst, gradient, stepped, rectified, segment, low_pass.cutoff)

    def _aimed(self, index: int) -> tuple[int, Aim]:
        """Return the segment of an iteration, and its targets."""
        segment, within = divmod(index, self.settings.iterations)
        if self._aim is None or within == 0:
            share = (segment + 1) / self._segments
            device = self._latents.device
            self._aim = take_aim(self._pulls, share, self._grid, self.settings, device)
        return segment, self._aim

    def _step(self, gradient: Tensor, focus: Tensor | None) -> Tensor:
        """Compute the latents after one update, weighted spatially by the focus (Eq. 9)."""
        settings = self.settings
        if focus is not None and settings.focus is not False and settings.focus.on_gradient:
            gradient, focus = gradient * focus, None
        if settings.gradient_clip is not None:
            norm = torch.linalg.vector_norm(gradient)
            gradient = gradient * (settings.gradient_clip / norm.clamp_min(1e-12)).clamp_max(1.0)
        if settings.fresh_optimizer:
            self._optimizer = self._new_optimizer()
        stepped = self._optimizer.step(self._latents, gradient)
        if focus is not None:
            stepped = self._latents + focus * (stepped - self._latents)
        return self._only_moved(stepped[:, self._moved])

    def _rectified(self, stepped: Tensor) -> Tensor:
        """Apply the rectification (Eq. 4 or a custom one) to the frames that updates modify.

        Raises:
            ValueError: The rectification changes the shape.
        """
        if self._rectify is None:
            return stepped
        frames = stepped[:, self._moved]
        rectified: object = self._rectify(frames)
        if not isinstance(rectified, Tensor) or rectified.shape != frames.shape:
            raise ValueError(
                f"a rectification must keep the latents' shape {tuple(frames.shape)}, "
                f"{self.settings.rectification!r} gave {getattr(rectified, 'shape', rectified)}"
            )
        return self._only_moved(rectified)

    def _only_moved(self, frames: Tensor) -> Tensor:
        """Replace only the frames that updates modify; the others stay identical, bit for bit.

        Otherwise weight decay would shrink the other frames, and rectification would give them the
        statistics of the modified ones.
        """
        if len(self._moved) == self._latents.shape[1]:
            return frames
        latents = self._latents.clone()
        latents[:, self._moved] = frames
        return latents

    def _new_optimizer(self) -> AdamW:
        settings = self.settings
        return AdamW(settings.learning_rate or 0.0, settings.weight_decay, epsilon=settings.epsilon)


def _draw(
    settings: DragSettings, count: int, generator: torch.Generator | None
) -> tuple[FrequencyView, ...]:
    """Draw the low-pass of each iteration's reference features at random (Section 4.2.2).

    Raises:
        TypeError: Several low-passes without a generator.
    """
    choices = settings.low_passes
    if len(choices) == 1:
        return choices * count
    if generator is None:
        raise TypeError(f"the choice among cutoffs={settings.cutoffs} needs a torch.Generator")
    drawn = torch.randint(len(choices), (count,), generator=generator)
    return tuple(choices[index] for index in drawn.tolist())


def _features(
    model: VideoModel,
    block: Reference,
    low_passes: Sequence[FrequencyView],
    settings: DragSettings,
    *,
    predict: bool,
) -> Features:
    """Create the features of a block; `predict` is True if the constraint compares predictions.

    Raises:
        TypeError: The settings need predictions that the model can't differentiate.
    """
    weight = settings.prediction_weight or 0.0
    predictor = None
    if weight > 0:
        predictor = check_predicting(model, f"prediction_weight={weight:g}")
    elif settings.keeps_predictions:  # checked also if this block has no region to keep
        found = check_predicting(model, "Constraint(predictions=True)")
        predictor = found if predict else None
    return Features(
        model,
        block,
        settings.layers or model.spec.layers,
        low_passes,
        settings.cells,
        corners=settings.nearest_features,
        predictor=predictor,
        predict_references=weight > 0,
    )


def _keeper(keep: NDArray[np.bool_] | None, grid: Grid, settings: DragSettings) -> Keeper | None:
    """Create the second term of Eq. 3, or None without a region to keep or a weight."""
    if keep is None:
        return None
    check_mask(keep, grid, "keep")
    constraint = settings.constraint
    if constraint is False or constraint.weight == 0.0:
        return None
    kept = resize(keep, *kept_cells(grid, settings), nearest=settings.nearest_masks)
    return Keeper(
        kept,
        grid.height * grid.width / kept.numel(),
        loss=settings.loss,
        predictions=constraint.predictions,
        per_element=constraint.per_element,
    )
