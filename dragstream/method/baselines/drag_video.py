"""DragVideo, adapted to streams: drag-style video editing (Deng et al., ECCV 2024).

The original edits a given video. It inverts the latents of the video and tracks handle points
through its frames. In small steps it moves the features around each point towards the point's
target, and tracks the point again after each step. Changes to the original, with their reasons:

- A new block of a stream has no video to invert. The optimised latents are those that the model is
  denoising, and each point starts, in each driven frame, at its position before the block.
- The original's handle points are clicked. Here they are spread over the inner half of the handle
  region, and the drag's motion maps them to their targets, so that a region can also rotate.
- Tracking compares with a point's features in the frame that the drag was drawn on, since a block
  that is not yet generated has no features of its own to compare with.
- The original's constants are for 50 steps of another model. Patch radius, step length and search
  radius are in cells of the feature map, which are many pixels wide here. The search radius is no
  larger than a step; otherwise a point jumps to a place that is merely similar. The learning rate
  is a quarter of the model's default for DragStream, whose few iterations cover the same distance.
- The original penalises change outside of its mask. The steps of AdamW hardly depend on the size
  of the gradient, so the weight of a penalty has little effect. The mask is therefore applied to
  the update, which is the limit of a heavy penalty. The region `keep` stays identical, bit for bit.
- The method has neither ADSR nor SFSO.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from dragstream.drags.checks import at_least, check_at_most, check_fields, check_positive
from dragstream.method.baselines.common import Baseline, BaselineOptimizer
from dragstream.method.baselines.points import handle_points, patch, read, supervise, track
from dragstream.method.dispatch import create_optimizer
from dragstream.method.optimizer import Step
from dragstream.method.problem import DragProblem
from dragstream.method.target_cells import resize
from dragstream.models.base import ModelSpec


@dataclass(frozen=True, kw_only=True)
class DragVideo(Baseline):
    """Constants of DragVideo.

    Args:
        iterations: Optimisation steps, each of one small motion. Points at their targets stay.
        learning_rate: Learning rate of AdamW. None: a quarter of the model's default. The other
            common constants are those of `DragSettings`.
        points: Largest number of points dragged in each handle region.
        step_cells: Length of a small motion, in cells.
        patch_radius: Radius r of the patches of motion supervision: squares of 2 r + 1 cells.
        search_radius: Radius r of the search for a point: a square of 2 r + 1 cells.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of bounds; the message names the field and the bounds.
    """

    iterations: int = 20
    weight_decay: float = 0.0
    points: int = 4
    step_cells: float = 1.0
    patch_radius: int = 1
    search_radius: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_fields(self, points=at_least(1), patch_radius=at_least(0), search_radius=at_least(0))
        check_fields(self, step_cells=check_positive)
        for name, most in (("points", 1000), ("patch_radius", 100), ("search_radius", 100)):
            check_at_most(getattr(self, name), most, name)

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with the model's defaults in place of None.

        Raises:
            ValueError: Layers or a denoising step that the model lacks.
        """
        resolved = super().resolve(spec)
        if self.learning_rate is not None:
            return resolved
        return dataclasses.replace(resolved, learning_rate=spec.learning_rate / 4)


@dataclass(frozen=True, eq=False)
class _Points:
    """Tracked points of one drag in one frame."""

    frame: int  # latent frame within the block
    at: Tensor  # current positions, pixels (N, 2)
    targets: Tensor  # target positions, pixels (N, 2)
    templates: Tensor  # reference features of the points, (N, channels)


class PointDragging(BaselineOptimizer):
    """The optimiser of one block by DragVideo; nothing in it is random."""

    def __init__(self, settings: DragVideo, problem: DragProblem) -> None:
        super().__init__(settings, problem)
        self._grid = grid = problem.model.spec.grid
        device = self._latents.device
        self._mask: Tensor | None = None
        if problem.keep is not None:
            kept = resize(problem.keep, grid.latent_height, grid.latent_width)
            self._mask = 1 - kept.to(device)
        across, down = grid.pixels_per_token
        cell = across / settings.upsampling, down / settings.upsampling
        self._patch = patch(settings.patch_radius, cell, device)
        self._search = patch(settings.search_radius, cell, device)
        self._stride = settings.step_cells * min(cell)
        self._points = self._start(settings.points)

    @property
    def positions(self) -> tuple[Tensor, ...]:
        """Last tracked positions, pixels (N, 2): for each drag, for each driven frame."""
        return tuple(points.at for points in self._points)

    def _advance(self, index: int) -> Step:
        with torch.enable_grad():
            point = self._latents.detach().requires_grad_()
            features = self._features(point)
            with torch.no_grad():
                found = self._tracked(features.detach()) if index else self._points
            parts = [
                supervise(
                    features[points.frame],
                    points.at,
                    points.targets,
                    self._patch,
                    grid=self._grid,
                    step=self._stride,
                )
                for points in found
            ]
            loss = torch.stack(parts).mean()
            (gradient,) = torch.autograd.grad(loss, point)
        self._points = found
        loss = loss.detach()
        stepped = self._optimizer.step(self._latents, gradient)
        if self._mask is not None:
            stepped = self._latents + self._mask * (stepped - self._latents)
        return Step(loss, loss, torch.zeros_like(loss), gradient, stepped, stepped)

    def _start(self, count: int) -> tuple[_Points, ...]:
        """Return at most `count` points of each drag, at their positions before the block."""
        device = self._latents.device
        points = []
        for drag, reference in zip(self._problem.drags, self._references, strict=True):
            handles = handle_points(drag.mask, count)
            begin = torch.from_numpy(drag.motion.at(drag.start).apply(handles)).to(device)
            shown = torch.from_numpy(handles).to(device)
            templates = read(reference, shown, self._grid)
            for frame, affine in drag.transforms().items():
                targets = torch.from_numpy(affine.apply(handles)).to(device)
                points.append(_Points(frame, begin, targets, templates))
        return tuple(points)

    def _tracked(self, features: Tensor) -> tuple[_Points, ...]:
        """Track the points in the current features."""
        return tuple(
            dataclasses.replace(
                points,
                at=track(
                    features[points.frame], points.templates, points.at, self._search, self._grid
                ),
            )
            for points in self._points
        )


create_optimizer.register(DragVideo, PointDragging)
