"""Latent region optimisation of one block at one denoising step (Section 4.2.1, Eq. 1-3, 9).

    run = Optimization(model, latents, context, pulls, settings=settings, generator=generator)
    for iteration in run:
        print(iteration.loss)
    dragged = run.latents

Nothing outside a run changes, so it may be left at any iteration, by an exception too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.method.adamw import AdamW
from dragstream.method.aim import Aim, take_aim
from dragstream.method.features import Features, Predicting
from dragstream.method.frequency import LowPass
from dragstream.method.iteration import Iteration
from dragstream.method.moments import Moments, drift, rows
from dragstream.method.objective import Keeper, Objective, Observe
from dragstream.method.pulls import Pull, Reference, check_mask, check_pulls
from dragstream.method.settings import DragSettings

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel

__all__ = ["Iteration", "Optimization", "Pull", "Reference"]


class Optimization(Iterator[Iteration]):
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
        past = _newest(neighbours, settings.neighbours, latents)
        self._segments = max(settings.segments(*pull.extent) for pull in pulls)
        self._low_passes = _draw(settings, len(self), generator)
        self.sigma = spec.sigmas[settings.denoising_step or 0]
        block = Reference(latents, self.sigma, context, frame=0)
        layers = settings.layers or spec.layers
        features = Features(model, block, layers, self._low_passes, settings.upsampling)
        observe = _observer(model, self.sigma, context, settings)
        keeper = _keeper(keep, observe, pulls, spec.grid, settings)
        weight = settings.constraint.weight if settings.constraint else 0.0
        self._objective = Objective(features, pulls, settings.loss, keeper, weight)
        self._pulls = tuple(pulls)
        self._grid = spec.grid
        self._dtype = latents.dtype
        with torch.inference_mode(mode=False):  # what inference mode made can't take gradients
            self._latents = latents.detach().float().clone()
        rectification = settings.rectification
        self._rectify = rectification.prepare(self._latents, past) if rectification else None
        self._anchor = Moments.of(self._latents if past is None else past)
        self._optimizer = self._new_optimizer()
        self._aim: Aim | None = None
        self._done = 0

    def __len__(self) -> int:
        """How many iterations the run has from beginning to end."""
        return self._segments * self.settings.iterations

    @property
    def latents(self) -> Tensor:
        """The latents after the iterations so far, (1, F, C, h, w), typed as they came."""
        return self._latents.to(self._dtype)

    def __next__(self) -> Iteration:
        """Carry out one iteration.

        Raises:
            StopIteration: After the last one.
            FloatingPointError: Loss, gradient or latents that are not finite.
        """
        if self._done >= len(self):
            raise StopIteration
        started = time.perf_counter()
        segment, within = divmod(self._done, self.settings.iterations)
        with torch.inference_mode(mode=False), torch.no_grad():
            if self._aim is None or within == 0:
                share = (segment + 1) / self._segments
                device = self._latents.device
                self._aim = take_aim(self._pulls, share, self._grid, self.settings, device)
            low_pass = self._low_passes[self._done]
            *losses, gradient = self._objective(self._latents, self._aim, low_pass)
            stepped = self._step(gradient, self._aim.focus)
            rectified = self._rectify(stepped) if self._rectify else stepped
            scalars = [*losses, torch.linalg.vector_norm(gradient)]
            numbers = _fetch(scalars, rows(stepped), rows(rectified))
        iteration = self._record(segment, low_pass, numbers, started)
        self._latents = rectified
        self._done += 1
        return iteration

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

    def _record(
        self, segment: int, low_pass: LowPass, numbers: list[list[float]], started: float
    ) -> Iteration:
        """The record of the iteration that `numbers` describe.

        Raises:
            FloatingPointError: Numbers that are not finite.
        """
        (loss, loss_rec, loss_cst, norm), *statistics = numbers
        if not all(math.isfinite(number) for row in numbers for number in row):
            raise FloatingPointError(
                f"iteration {self._done} of the drag is not finite: loss {loss}, gradient norm "
                f"{norm}, with {self.settings!r}; the block was left as it was"
            )
        before, after = Moments.from_rows(statistics[:4]), Moments.from_rows(statistics[4:])
        return Iteration(
            index=self._done,
            segment=segment,
            loss=loss,
            loss_rec=loss_rec,
            loss_cst=loss_cst,
            cutoff=low_pass.cutoff,
            gradient_norm=norm,
            moments_before=before,
            moments=after,
            drift_before=drift(before, self._anchor),
            drift=drift(after, self._anchor),
            seconds=time.perf_counter() - started,
        )


def _draw(
    settings: DragSettings, count: int, generator: torch.Generator | None
) -> tuple[LowPass, ...]:
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


def _newest(neighbours: Tensor | None, count: int, latents: Tensor) -> Tensor | None:
    """The last `count` of the neighbours; None if there are none.

    Raises:
        ValueError: Another shape than (N, C, h, w).
    """
    if neighbours is None or len(neighbours) == 0:
        return None
    if neighbours.shape[1:] != latents.shape[2:]:
        raise ValueError(
            f"neighbours must have shape (N, {', '.join(map(str, latents.shape[2:]))}), "
            f"got {tuple(neighbours.shape)}"
        )
    return neighbours[-count:]


def _observer(model: VideoModel, sigma: float, context: Any, settings: DragSettings) -> Observe:
    """What the constraint compares.

    Raises:
        TypeError: Predictions are wanted of a model that can't differentiate them.
    """
    if settings.constraint is None or not settings.constraint.predictions:
        return lambda _latents, features: features
    if not isinstance(model, Predicting):
        raise TypeError(
            f"Constraint(predictions=True) needs a model with predict(latents, sigma, context), "
            f"which {model.spec.name!r} lacks"
        )
    return lambda latents, _features: model.predict(latents, sigma, context)[0].movedim(1, -1)


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
    shape = (grid.token_height * settings.upsampling, grid.token_width * settings.upsampling)
    if constraint.predictions:
        shape = (grid.latent_height, grid.latent_width)
    nearest = settings.nearest_masks
    return Keeper(keep, observe, shape, grid, loss=settings.loss, nearest=nearest)


def _fetch(scalars: list[Tensor], *tables: Tensor) -> list[list[float]]:
    """Scalars and the rows of tables as numbers, in one transfer from the device."""
    parts = [torch.stack(scalars), *(row for table in tables for row in table)]
    flat = torch.cat(parts).tolist()
    numbers, start = [], 0
    for part in parts:
        numbers.append(flat[start : start + len(part)])
        start += len(part)
    return numbers
