"""Dragged objects placed at their targets without a gradient: the warm start of a drag.

In clean latents x0 of the block, the region's finished latents in the reference frame stand at each
target cell y of Eq. 1, in the share a of the cell that the moved region covers:

    x0'(y) = x0(y) + a (ref(Π(y)) - x0(y))

Where the region was, the object would stay behind, because the model sees it there in the frames
before. So the cells that the region leaves, the hole, are filled with the reference frame's nearest
cells outside of all regions. None of this is part of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from scipy import ndimage
from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.drags.regions import warp
from dragstream.method.block_drags import BlockDrag
from dragstream.method.features import MapReader, References
from dragstream.method.frequency import LowPass
from dragstream.method.problem import DragProblem
from dragstream.method.target_cells import find_target_cells, resize, sample

__all__ = ["Placement", "WarmStart", "carry_over"]


@dataclass(frozen=True, eq=False)
class Placement:
    """Latents that partly cover a block.

    Args:
        values: Latents, each times its share, (F, h, w, C).
        shares: Share of each cell that they cover, (F, h, w, 1).
    """

    values: Tensor
    shares: Tensor

    def cover(self, cells: Any, share: Tensor, latents: Tensor) -> None:
        """Blend latents in front at some cells, each with its share, (..., 1)."""
        self.values[cells] += share * (latents - self.values[cells])
        self.shares[cells] += share * (1 - self.shares[cells])

    def over(self, clean: Tensor) -> Tensor:
        """Return clean latents (1, F, C, h, w) with these in front."""
        shares, values = (part.movedim(-1, 1)[None] for part in (self.shares, self.values))
        return clean * (1 - shares) + values


class WarmStart:
    """The objects of a block's drags at their targets, later drags in front.

    Args:
        problem: The block and its drags.
    """

    def __init__(self, problem: DragProblem) -> None:
        references = _clean_references(problem)
        self.whole = _place(problem, references, hole=True)
        """Objects and the holes behind all of them."""
        self.objects = _place(problem, references, hole=False)
        """Objects alone."""

    def moved(self, latents: Tensor, sigma: float, clean: Tensor) -> Tensor:
        """Replace the clean part of noisy latents; their noise stays as it is.

        Args:
            latents: Noisy latents of the block, (1, F, C, h, w).
            sigma: Their noise level.
            clean: Clean prediction x0 of them, likewise.
        """
        return latents + (1 - sigma) * (self.whole.over(clean) - clean)


def carry_over(
    drag: BlockDrag, reference: Tensor, grid: Grid
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor, Tensor]:
    """Warp the clean latents of a drag's region from its reference frame to its targets (Eq. 1).

    Args:
        drag: The drag.
        reference: Clean latents of its reference frame, (h, w, C).
        grid: Sizes of a frame.

    Returns:
        The K target cells as (frames, rows, columns), the share of each that the moved region
        covers, (K, 1), and the warped latents there, (K, C).
    """
    cells = grid.latent_height, grid.latent_width
    area = grid.height * grid.width / (cells[0] * cells[1])
    targets = find_target_cells(drag.mask, drag.transforms(), cells).to(reference.device)
    where = targets.frames, targets.rows, targets.columns
    return where, (targets.areas / area)[:, None], sample(reference, targets.points)


def _clean_references(problem: DragProblem) -> list[Tensor]:
    """Finished latents (h, w, C) of each drag's reference; predicted ones where none are known."""
    known = [drag.reference.clean for drag in problem.drags]
    if any(clean is None for clean in known):
        reader = MapReader(problem.model, problem.model.spec.layers)
        read = References.read(reader, problem.drags, (LowPass(1.0),), predict=True)
        return list(read.predictions)
    return [clean.float().movedim(0, -1) for clean in known if clean is not None]


def _place(problem: DragProblem, references: list[Tensor], *, hole: bool) -> Placement:
    """The moved regions, with or without the holes behind all of them."""
    frames, channels, *cells = problem.latents.shape[1:]
    device = problem.latents.device
    values = torch.zeros(frames, *cells, channels, dtype=torch.float32, device=device)
    shares = torch.zeros(frames, *cells, 1, dtype=torch.float32, device=device)
    placement = Placement(values, shares)
    if hole:
        inside = torch.stack([resize(drag.mask, *cells) for drag in problem.drags]).amax(dim=0) > 0
        for drag, reference in zip(problem.drags, references, strict=True):
            background = _background(reference, inside)
            left = warp(drag.mask, drag.motion.at(drag.start))
            share = resize(left, *cells).to(device)[..., None]
            for frame in drag.transforms():
                placement.cover(frame, share, background)
    for drag, reference in zip(problem.drags, references, strict=True):
        placement.cover(*carry_over(drag, reference, problem.model.spec.grid))
    return placement


def _background(frame: Tensor, inside: Tensor) -> Tensor:
    """A frame (h, w, C) in which each cell inside (h, w) is the nearest cell outside."""
    if inside.all():
        return frame
    rows, columns = ndimage.distance_transform_edt(
        inside.numpy(), return_distances=False, return_indices=True
    )
    return frame[torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]
