"""Latent region optimisation of one block at one denoising step (Section 4.2.1, Eq. 1-3, 9)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.method.features import MapReader, Maps, References
from dragstream.method.loss import Constraint
from dragstream.method.optimizer import AdamW, DragOptimizer, Step
from dragstream.method.parts import DifferenceLoss, FrequencyView
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings
from dragstream.method.target_cells import TargetCells, resize, sample
from dragstream.method.targets import SegmentTargets, compute_targets, kept_cells, moved_frames
from dragstream.method.warm_start import WarmStart


@dataclass(frozen=True, eq=False)
class PreservationTerm:
    """The second term of Eq. 3: changes of the region to keep."""

    kept: Tensor  # fraction of each cell that must not change, (rows, columns) from 0 to 1
    cell: float  # number of pixels of a cell
    loss: DifferenceLoss
    constraint: Constraint

    def __call__(self, maps: Maps, initial: Maps | None, targets: SegmentTargets) -> Tensor:
        """Compute the term, a mean over channels, for the kept cells without the exempted ones."""
        name = "predictions" if self.constraint.predictions else "features"
        now, before = getattr(maps, name), getattr(initial, name, None)
        if now is None or before is None:
            raise ValueError(f"the constraint compares {name}, which were not read")
        kept = self.kept if targets.exempt is None else self.kept * (1.0 - targets.exempt)
        total = (self.loss(now - before).mean(dim=-1) * kept).sum()
        if self.constraint.per_element:
            return total / (len(now) * kept.numel())
        return total * (self.cell / targets.area)


@dataclass(frozen=True, eq=False)
class DragLoss:
    """The loss of one block (Eq. 3).

    Both terms are sums over pixels, divided by the area of the targets. This makes the losses of
    small and large regions comparable and keeps the paper's balance of the terms; AdamW is
    invariant to the scale. (In the release the second term is a separate mean, see `Constraint`.)
    """

    loss: DifferenceLoss
    preservation: PreservationTerm | None = None  # the second term, or None to omit it
    prediction_weight: float = 0.0
    """Weight of clean predictions x0 beside features in the first term."""
    nearest: bool = False  # sample references at the nearest cell instead of bilinearly

    def __post_init__(self) -> None:
        check_loss(self.loss)

    def __call__(
        self,
        maps: Maps,
        references: References,
        initial: Maps | None,
        targets: SegmentTargets,
        view: FrequencyView,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the loss of F(z'), with F_ref under `view` and F(z), and its two terms."""
        loss_rec = self._reconstruction(maps, references, targets, view) / targets.area
        if self.preservation is None:
            return loss_rec, loss_rec, torch.zeros_like(loss_rec)
        loss_cst = self.preservation(maps, initial, targets)
        return loss_rec + self.preservation.constraint.weight * loss_cst, loss_rec, loss_cst

    def _reconstruction(
        self, maps: Maps, references: References, targets: SegmentTargets, view: FrequencyView
    ) -> Tensor:
        """Compute the first term: a sum over the targets' pixels, a mean over channels."""
        total = maps.features.new_zeros(())
        for features, cells in zip(references.features, targets.cells, strict=True):
            total = total + self._misfit(maps.features, features[view], cells)
        if maps.predictions is not None:
            for clean, cells in zip(references.predictions, targets.latent_cells, strict=True):
                misfit = self._misfit(maps.predictions, clean, cells)
                total = total + self.prediction_weight * misfit
        return total

    def _misfit(self, maps: Tensor, reference: Tensor, cells: TargetCells) -> Tensor:
        """Compute the loss of maps (F, rows, columns, channels) to a reference at the targets."""
        wanted = sample(reference, cells.points, nearest=self.nearest)
        found = maps[cells.frames, cells.rows, cells.columns]
        return (self.loss(found - wanted).mean(dim=-1) * cells.areas).sum()


def check_loss(loss: DifferenceLoss) -> None:
    """Check a loss on a small difference."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        probe = torch.tensor(
            [[-1.0, 0.5, 2.0]], dtype=torch.float32, device="cpu", requires_grad=True
        )
        found: object = loss(probe)
    if not isinstance(found, Tensor) or found.shape != probe.shape or not found.requires_grad:
        raise ValueError(
            f"loss must give one differentiable number for each element of a difference, "
            f"{loss!r} gave {found!r} for one of shape {tuple(probe.shape)}"
        )


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
        self._references = References.read(
            self._reader, problem.drags, self._low_passes, predict=weight > 0
        )
        self._initial: Maps | None = None
        self._targets: tuple[int, SegmentTargets] | None = None
        self._start = self._start_warm() if settings.warm_start else None

    def adjust_prediction(self, clean: Tensor, sigma: float) -> Tensor:
        """After a warm start, hold the objects at their targets at the drag's own step.

        See `DragOptimizer.adjust_prediction`.
        """
        if self._start is None or sigma != self._sigma:
            return clean
        return self._start.objects.over(clean)

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

    def _start_warm(self) -> WarmStart:
        """Move the dragged objects in the latents to their targets."""
        with torch.inference_mode(mode=False), torch.no_grad():
            context = self._problem.context
            (maps,) = self._reader(self._latents, self._sigma, context, predict=True)
            assert maps.predictions is not None  # noqa: S101 - predict=True
            self._initial = maps if self._loss.preservation is not None else None
            start = WarmStart(self._problem)
            clean = maps.predictions.movedim(-1, 1)[None]
            self._latents = start.moved(self._latents, self._sigma, clean)
        return start

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
