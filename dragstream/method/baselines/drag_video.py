"""DragVideo, adapted to streams: drag-style video editing (Deng et al., ECCV 2024).

The original edits a given video: its latents are inverted, handle points are tracked through its
frames, and in small steps the features around each point are moved towards the point's target,
the point being found again after each step. What was adapted, and why:

- A stream's new block has no video to invert. Its latents are those that the model is denoising,
  and each point begins, in each driven frame, where it stood before the block.
- Its handle points are clicked. Here they are spread over the inner half of the handle region,
  and their targets are where the drag takes them; so a region can turn, too.
- A point is found again by what it looked like in the frame that the drag was drawn on; in a
  block that is still to be made there is nothing to remember.
- Its constants belong to 50 steps of another model. Patches, steps and the search for points are
  counted in cells of the feature map, which are many pixels wide here: a point is looked for no
  farther away than a step leads, or it jumps to what only looks alike. The learning rate is a
  quarter of what suits the model for DragStream, whose few iterations go as far as these many.
- It penalises change outside of its mask. Under AdamW, whose steps hardly depend on the size of a
  gradient, the weight of a penalty says little, so the mask is put on the update itself: the
  limit of a heavy penalty. What `keep` covers stays as it is, to the bit.
- There is neither ADSR nor SFSO.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.checks import at_most, positive, whole
from dragstream.method.baselines.common import Baseline, BaselineDescent
from dragstream.method.baselines.points import handle_points, patch, read, supervise, track
from dragstream.method.descent import Step
from dragstream.method.placement import resize
from dragstream.method.pulls import Pull, check_mask

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec, VideoModel

__all__ = ["DragVideo", "PointDragging"]


@dataclass(frozen=True, kw_only=True)
class DragVideo(Baseline):
    """DragVideo's constants.

    Args:
        iterations: Optimisation steps, each of one small motion. Points that have arrived rest.
        learning_rate: Of AdamW. None: a quarter of what suits the model.
        denoising_step: At which denoising step, counted from 0. None: what suits the model.
        layers: Which layers' self-attention outputs are the features. None: what suits the model.
        upsampling: Cells of the feature map per token along each axis.
        weight_decay: Of AdamW.
        points: How many points of each handle region are dragged, at most.
        step_cells: Length of a small motion, in cells.
        patch_radius: Motion supervision moves squares of 2 r + 1 cells a side.
        search_radius: Points are looked for in squares of 2 r + 1 cells a side.

    Raises:
        TypeError: A value of the wrong kind.
        ValueError: A value out of bounds, naming it and what is allowed.
    """

    iterations: int = 20
    weight_decay: float = 0.0
    points: int = 4
    step_cells: float = 1.0
    patch_radius: int = 1
    search_radius: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least, most in (
            ("points", 1, 1000),
            ("patch_radius", 0, 100),
            ("search_radius", 0, 100),
        ):
            number = at_most(whole(getattr(self, name), name, least=least), most, name)
            object.__setattr__(self, name, number)
        object.__setattr__(self, "step_cells", positive(self.step_cells, "step_cells"))

    def resolve(self, spec: ModelSpec) -> Self:
        """The same with what suits the model in place of None.

        Raises:
            ValueError: Layers or a denoising step that the model lacks.
        """
        resolved = super().resolve(spec)
        if self.learning_rate is not None:
            return resolved
        return dataclasses.replace(resolved, learning_rate=spec.learning_rate / 4)

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
    ) -> PointDragging:
        """The iterations that drag one block; `generator` is not used: nothing is drawn."""
        del generator
        return PointDragging(
            model, latents, context, pulls, settings=self, neighbours=neighbours, keep=keep
        )


@dataclass(frozen=True, eq=False)
class _Points:
    """The points of one pull in one frame.

    Args:
        frame: Latent frame within the block.
        at: Where they are, pixels (N, 2).
        targets: Where they shall be, pixels (N, 2).
        templates: What they look like, (N, channels).
    """

    frame: int
    at: Tensor
    targets: Tensor
    templates: Tensor


class PointDragging(BaselineDescent):
    """The iterations of DragVideo on one block; arguments as in `BaselineDescent`.

    Args:
        keep: The region that must not change, bool (H, W), or None.
    """

    def __init__(
        self,
        model: VideoModel,
        latents: Tensor,
        context: Any,
        pulls: Sequence[Pull],
        *,
        settings: DragVideo,
        neighbours: Tensor | None,
        keep: NDArray[np.bool_] | None,
    ) -> None:
        super().__init__(model, latents, context, pulls, settings=settings, neighbours=neighbours)
        grid, device = self._grid, self._latents.device
        self._mask: Tensor | None = None
        if keep is not None:
            check_mask(keep, grid, "keep")
            kept = resize(keep, grid.latent_height, grid.latent_width)
            self._mask = 1 - kept.to(device)
        across, down = grid.pixels_per_token
        cell = across / settings.upsampling, down / settings.upsampling
        self._patch = patch(settings.patch_radius, cell, device)
        self._search = patch(settings.search_radius, cell, device)
        self._stride = settings.step_cells * min(cell)
        self._number = settings.points
        self._points: tuple[_Points, ...] = ()

    @property
    def positions(self) -> tuple[Tensor, ...]:
        """Where the points were found last, pixels (N, 2): for each pull, for each driven frame."""
        return tuple(points.at for points in self._points)

    def _advance(self, index: int) -> Step:
        with torch.enable_grad():
            point = self._latents.detach().requires_grad_()
            features = self._features.of(point)
            with torch.no_grad():
                found = self._start() if index == 0 else self._found(features.detach())
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

    def _start(self) -> tuple[_Points, ...]:
        """The points where they stood before the block."""
        device = self._latents.device
        points = []
        for pull in self._pulls:
            handles = handle_points(pull.mask, self._number)
            begin = torch.from_numpy(pull.motion.at(pull.start).apply(handles)).to(device)
            shown = torch.from_numpy(handles).to(device)
            templates = read(self._reference(pull), shown, self._grid)
            for frame, affine in pull.transforms().items():
                targets = torch.from_numpy(affine.apply(handles)).to(device)
                points.append(_Points(frame, begin, targets, templates))
        return tuple(points)

    def _found(self, features: Tensor) -> tuple[_Points, ...]:
        """The points where they are now."""
        return tuple(
            dataclasses.replace(
                points,
                at=track(
                    features[points.frame], points.templates, points.at, self._search, self._grid
                ),
            )
            for points in self._points
        )
