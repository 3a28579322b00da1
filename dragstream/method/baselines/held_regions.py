"""Methods without a gradient: regions of the prediction are held to warped latents of the past.

`HeldMethod` has the constants, `RegionHolder` the work. From the method's denoising step on, the
model's clean prediction x0 is replaced, at each target cell y of Eq. 1, by the finished latents of
the reference frame at Π(y), in the share a of the cell that the moved region covers:

    x0'(y) = x0(y) + a (ref(Π(y)) - x0(y))

Where the region was, the object would stay behind, because the model sees it there in the frames
before. So the cells that the region leaves, the hole, are filled with the reference frame's
nearest cells outside of all regions.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch
from scipy import ndimage
from torch import Tensor

from dragstream.drags.checks import check_int
from dragstream.drags.regions import warp
from dragstream.method.baselines.common import to_document
from dragstream.method.features import MapReader, References
from dragstream.method.frequency import LowPass
from dragstream.method.optimizer import DragOptimizer, Step
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings
from dragstream.method.target_cells import resize
from dragstream.method.warm_start import carry_over

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec

__all__ = ["HeldMethod", "RegionHolder"]


@dataclass(frozen=True, kw_only=True)
class HeldMethod(ABC):
    """Constants of the methods that hold regions to warped latents.

    Args:
        denoising_step: Index of the denoising step from which regions are held, from 0. None: the
            model's drag step.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of bounds; the message names the field and the bounds.
    """

    denoising_step: int | None = None

    def __post_init__(self) -> None:
        if self.denoising_step is not None:
            step = check_int(self.denoising_step, "denoising_step", least=0)
            object.__setattr__(self, "denoising_step", step)

    @property
    def neighbours(self) -> int:
        """Number of preceding latent frames that drift is measured against, as in the paper."""
        return DragSettings().neighbours

    @property
    def prediction_blocks(self) -> int:
        """Always 0: predictions are not normalised."""
        return 0

    @abstractmethod
    def last_held(self, steps: int) -> int:
        """Return the index of the last of a model's denoising steps whose prediction is held.

        Args:
            steps: Number of the model's denoising steps.
        """

    @property
    @abstractmethod
    def holds_hole(self) -> bool:
        """True if the hole is held as the targets are; False if it only starts as background."""

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with the model's drag step in place of None.

        Raises:
            ValueError: A denoising step that the model lacks.
        """
        step = DragSettings(denoising_step=self.denoising_step).resolve(spec).denoising_step
        return dataclasses.replace(self, denoising_step=step)

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain values, with the method's name under "method"."""
        return to_document(self)


@dataclass(frozen=True, eq=False)
class _Overlay:
    """Latents that partly cover a block.

    Args:
        values: Latents, each times its share, (F, h, w, C).
        shares: Share of each cell that they cover, (F, h, w, 1).
    """

    values: Tensor
    shares: Tensor

    def over(self, clean: Tensor) -> Tensor:
        """Return clean latents (1, F, C, h, w) with these in front."""
        shares, values = (part.movedim(-1, 1)[None] for part in (self.shares, self.values))
        return clean * (1 - shares) + values


class RegionHolder(DragOptimizer):
    """Holds the predictions of one block; it has no iterations, and nothing in it is random."""

    def __init__(self, settings: HeldMethod, problem: DragProblem) -> None:
        spec = problem.model.spec
        settings = settings.resolve(spec)
        super().__init__(settings, problem, 0)
        with torch.inference_mode(mode=False), torch.no_grad():
            references = _clean_references(problem)
            both = _overlay(problem, references, hole=True)
            self._held = both if settings.holds_hole else _overlay(problem, references, hole=False)
            self._lowest = spec.sigmas[settings.last_held(len(spec.sigmas))]
            sigma = spec.sigmas[settings.denoising_step or 0]
            if sigma < 1:  # pure noise has no clean part
                read = problem.model.read(
                    self._latents, sigma, problem.context, spec.layers, predict=True
                )
                assert read.x0 is not None  # noqa: S101 - asked for
                clean = read.x0.float()
                self._latents = self._latents + (1 - sigma) * (both.over(clean) - clean)

    def adjust_prediction(self, clean: Tensor, sigma: float) -> Tensor:
        """Hold the prediction at the targets; see `DragOptimizer.adjust_prediction`."""
        return self._held.over(clean) if sigma >= self._lowest else clean

    def _advance(self, index: int) -> Step:
        raise AssertionError(f"a method without iterations has no iteration {index}")


def _clean_references(problem: DragProblem) -> list[Tensor]:
    """Finished latents (h, w, C) of each drag's reference; predicted ones where none are known."""
    known = [drag.reference.clean for drag in problem.drags]
    if any(clean is None for clean in known):
        reader = MapReader(problem.model, problem.model.spec.layers)
        read = References.read(reader, problem.drags, (LowPass(1.0),), predict=True)
        return list(read.predictions)
    return [clean.float().movedim(0, -1) for clean in known if clean is not None]


def _overlay(problem: DragProblem, references: list[Tensor], *, hole: bool) -> _Overlay:
    """The moved regions, later drags in front, with or without the holes behind all of them."""
    frames, channels, *cells = problem.latents.shape[1:]
    device = problem.latents.device
    values = torch.zeros(frames, *cells, channels, dtype=torch.float32, device=device)
    shares = torch.zeros(frames, *cells, 1, dtype=torch.float32, device=device)
    if hole:
        for drag, reference in zip(problem.drags, references, strict=True):
            background = _background(problem, reference)
            left = warp(drag.mask, drag.motion.at(drag.start))
            share = resize(left, *cells).to(device)[..., None]
            for frame in drag.transforms():
                values[frame] += share * (background - values[frame])
                shares[frame] += share * (1 - shares[frame])
    for drag, reference in zip(problem.drags, references, strict=True):
        where, share, carried = carry_over(drag, reference, problem.model.spec.grid)
        values[where] += share * (carried - values[where])
        shares[where] += share * (1 - shares[where])
    return _Overlay(values, shares)


def _background(problem: DragProblem, reference: Tensor) -> Tensor:
    """A reference (h, w, C) in which each cell of a region is that of the nearest cell outside."""
    cells = reference.shape[:2]
    inside = torch.stack([resize(drag.mask, *cells) for drag in problem.drags]).amax(dim=0) > 0
    if inside.all():
        return reference
    rows, columns = ndimage.distance_transform_edt(
        inside.numpy(), return_distances=False, return_indices=True
    )
    return reference[torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]
