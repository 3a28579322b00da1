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

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from dragstream.drags.checks import at_least, check_at_most, check_fields, check_positive
from dragstream.drags.geometry import Grid
from dragstream.method.baselines.common import BaselineOptimizer, OptimisedBaseline
from dragstream.method.dispatch import create_optimizer
from dragstream.method.optimizer import Step
from dragstream.method.problem import DragProblem
from dragstream.method.target_cells import resize, sample
from dragstream.models.base import ModelSpec


def handle_points(mask: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Select at most `count` pixels (x, y) of a region, (N, 2): its middle, then farthest points.

    Only the inner half of the region is used (by distance from its edge), so that the patch around
    a point lies on the object.
    """
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    rows, columns = np.nonzero(depth >= depth.max() / 2)
    inner = np.stack((columns, rows), axis=-1).astype(np.float64)
    gaps = np.linalg.norm(inner - inner.mean(axis=0), axis=-1)
    chosen = [inner[gaps.argmin()]]
    nearest = np.linalg.norm(inner - chosen[0], axis=-1)
    while len(chosen) < count and nearest.max() > 0:
        chosen.append(inner[nearest.argmax()])
        nearest = np.minimum(nearest, np.linalg.norm(inner - chosen[-1], axis=-1))
    return np.stack(chosen)


def patch(radius: int, cell: tuple[float, float], device: torch.device) -> Tensor:
    """Return the offsets (K, 2) in pixels of a square of cells around one, row by row."""
    reach = torch.arange(-radius, radius + 1, dtype=torch.float64)
    x, y = torch.meshgrid(reach * cell[0], reach * cell[1], indexing="xy")
    return torch.stack((x, y), dim=-1).reshape(-1, 2).to(device)


def read(features: Tensor, positions: Tensor, grid: Grid) -> Tensor:
    """Sample a map bilinearly at pixels (..., 2), giving (..., channels)."""
    size = torch.tensor((grid.width, grid.height), dtype=positions.dtype, device=positions.device)
    flat = (2 * (positions + 0.5) / size - 1).reshape(-1, 2)
    return sample(features, flat).reshape(*positions.shape[:-1], -1)


def supervise(
    features: Tensor,
    positions: Tensor,
    targets: Tensor,
    around: Tensor,
    *,
    grid: Grid,
    step: float,
) -> Tensor:
    """Compute motion supervision: `mean |F(q + d) - sg F(q)|` over patches around the points.

    d points from a point towards its target and is at most `step` pixels long, so minimising the
    loss moves the patch around the point a small step towards the target. The map `features` is
    differentiable; positions and targets have shape (N, 2), the offsets of a patch `around` (K, 2).
    """
    way = targets - positions
    length = torch.linalg.vector_norm(way, dim=-1, keepdim=True)
    move = way * (step / length.clamp_min(step))
    square = positions[:, None] + around
    held = read(features.detach(), square, grid)
    return (read(features, square + move[:, None], grid) - held).abs().mean()


def track(
    features: Tensor, templates: Tensor, positions: Tensor, around: Tensor, grid: Grid
) -> Tensor:
    """Track points: find the place near each point whose features are nearest to its template.

    Templates have shape (N, channels), previous and new positions (N, 2), and the offsets of the
    candidate places `around` (K, 2). Places are clamped to the frame.
    """
    places = positions[:, None] + around
    for axis, end in enumerate((grid.width - 1, grid.height - 1)):
        places[..., axis].clamp_(0, end)
    distances = (read(features, places, grid) - templates[:, None]).abs().sum(dim=-1)
    best = distances.argmin(dim=1)
    return places[torch.arange(len(places), device=places.device), best]


@dataclass(frozen=True, kw_only=True)
class DragVideo(OptimisedBaseline):
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
