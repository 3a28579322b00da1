"""Latent region optimisation of one block at one denoising step (Section 4.2.1, Eq. 1-3, 9)."""

from __future__ import annotations

import torch
from torch import Tensor

from dragstream.method.adamw import AdamW
from dragstream.method.drag_loss import DragLoss, PreservationTerm
from dragstream.method.features import MapReader, Maps, References
from dragstream.method.frequency import LowPass
from dragstream.method.optimizer import DragOptimizer, Step
from dragstream.method.parts import FrequencyView
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings
from dragstream.method.target_cells import resize
from dragstream.method.targets import SegmentTargets, compute_targets, kept_cells, moved_frames
from dragstream.method.warm_start import warm_start


class LatentOptimization(DragOptimizer):
    """An iterator over the iterations that drag one block; then `latents` are the dragged ones.

    The drags' references are read when it is created, if there are any iterations. It changes no
    state outside itself, so it may be abandoned at any iteration, also by an exception.

    Args:
        settings: The method's constants; fields that are None take the model's defaults.
        problem: The block and its drags.

    Raises:
        TypeError: Several cutoffs to draw from, and no generator.
        ValueError: Layers, steps or a window that the model lacks.
    """

    def __init__(self, settings: DragSettings, problem: DragProblem) -> None:
        model, spec = problem.model, problem.model.spec
        self.settings = settings = settings.resolve(spec)
        self._segments = max(settings.segments(*drag.displacement) for drag in problem.drags)
        count = self._segments * settings.iterations
        super().__init__(settings, problem, count)
        self._problem = problem
        self._low_passes = _draw(settings, count, problem.generator)
        preservation = _preservation(settings, problem)
        weight = settings.prediction_weight or 0.0
        self._loss = DragLoss(settings.loss, preservation, weight, settings.nearest_features)
        self._predict = weight > 0 or (
            preservation is not None and preservation.constraint.predictions
        )
        self._moved = list(moved_frames(problem.drags, settings))
        own, past = self._latents[:, self._moved], problem.recent(settings.neighbours)
        rectification = settings.rectification
        self._rectify = rectification.prepare(own, past) if rectification else None
        self._optimizer = self._new_optimizer()
        self._sigma = spec.sigmas[settings.denoising_step or 0]
        self._reader = MapReader(
            model,
            settings.layers or spec.layers,
            settings.cells,
            corners=settings.nearest_features,
            window=settings.window,
        )
        warm = settings.warm_start
        views = self._low_passes or ((LowPass(1.0),) if warm else ())
        self._references = References.read(
            self._reader, problem.drags, views, predict=weight > 0 or warm
        )
        self._initial: Maps | None = None
        self._targets: tuple[int, SegmentTargets] | None = None
        if warm:
            self._start_warm()

    def _advance(self, index: int) -> Step:
        """Compute one iteration, in the paper's order: targets, features, loss, step, ADSR."""
        low_pass = self._low_passes[index]  # of F_ref: Eq. 5-8
        segment, targets = self._targets_at(index)  # Y and Π: Eq. 1; G: Eq. 10
        with torch.enable_grad():
            point = self._latents.detach().requires_grad_()
            (maps,) = self._reader(
                point, self._sigma, self._problem.context, predict=self._predict
            )  # F(z'), never filtered
            if self._initial is None and self._loss.preservation is not None:
                self._initial = maps.detach()  # F(z): no pass of its own, to save time
            loss, loss_rec, loss_cst = self._loss(  # Eq. 3
                maps, self._references, self._initial, targets, low_pass
            )
            (gradient,) = torch.autograd.grad(loss, point)
        stepped = self._step(gradient, targets.focus)  # Eq. 2 and 9
        rectified = self._rectified(stepped)  # Eq. 4
        return Step(
            loss.detach(),
            loss_rec.detach(),
            loss_cst.detach(),
            gradient,
            stepped,
            rectified,
            segment,
            low_pass.cutoff,
        )

    def _start_warm(self) -> None:
        """Move the dragged objects in the latents to their targets."""
        with torch.inference_mode(mode=False), torch.no_grad():
            context = self._problem.context
            (maps,) = self._reader(self._latents, self._sigma, context, predict=True)
            assert maps.predictions is not None  # noqa: S101 - asked for
            self._initial = maps if self._loss.preservation is not None else None
            self._latents = warm_start(
                self._latents,
                self._sigma,
                maps.predictions,
                drags=self._problem.drags,
                references=self._references.predictions,
                grid=self._problem.model.spec.grid,
            )

    def _targets_at(self, index: int) -> tuple[int, SegmentTargets]:
        """Return the segment of an iteration, and its targets."""
        segment = index // self.settings.iterations
        if self._targets is None or self._targets[0] != segment:
            share = (segment + 1) / self._segments
            drags, grid = self._problem.drags, self._problem.model.spec.grid
            device = self._latents.device
            self._targets = segment, compute_targets(drags, share, grid, self.settings, device)
        return self._targets

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
        """Apply the rectification (Eq. 4 or a custom one) to the frames that updates modify."""
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
        """Replace only the frames that updates modify; the others stay identical, bit for bit."""
        # Otherwise weight decay would shrink them, and rectification change their statistics.
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
    """Draw the low-pass of each iteration's reference features at random (Section 4.2.2)."""
    choices = settings.low_passes
    if len(choices) == 1:
        return choices * count
    if generator is None:
        raise TypeError(f"the choice among cutoffs={settings.cutoffs} needs a torch.Generator")
    drawn = torch.randint(len(choices), (count,), generator=generator)
    return tuple(choices[index] for index in drawn.tolist())


def _preservation(settings: DragSettings, problem: DragProblem) -> PreservationTerm | None:
    """Create the second term of Eq. 3, or None without a region to keep or a weight."""
    constraint = settings.constraint
    if problem.keep is None or constraint is False or constraint.weight == 0.0:
        return None
    grid = problem.model.spec.grid
    kept = resize(problem.keep, *kept_cells(grid, settings), nearest=settings.nearest_masks)
    return PreservationTerm(
        kept.to(problem.latents.device),
        grid.height * grid.width / kept.numel(),
        settings.loss,
        constraint,
    )
