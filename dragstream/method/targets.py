"""Targets of a segment: target cells, focus and exempted cells of a block's drags (Eq. 1, 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.method.block_drags import BlockDrag
from dragstream.method.settings import DragSettings
from dragstream.method.target_cells import TargetCells, find_target_cells, move, resize


@dataclass(frozen=True, eq=False)
class SegmentTargets:
    """The targets of one segment."""

    cells: tuple[TargetCells, ...]
    """For each drag, the target cells on the feature grid and their source points."""
    latent_cells: tuple[TargetCells, ...]
    """The same on the latent grid; empty if predictions are not compared."""
    area: float  # number of pixels that all targets cover, at least 1
    focus: Tensor | None  # weight of the update, (1, F, 1, h, w) from 0 to 1; None: 1 everywhere
    exempt: Tensor | None
    """Largest fraction of each constraint cell that targets cover in any frame, (rows, columns)
    from 0 to 1; these cells are exempt from the constraint to that extent. None: no cell is
    exempt."""


def compute_targets(
    drags: Sequence[BlockDrag],
    share: float,
    grid: Grid,
    settings: DragSettings,
    device: torch.device,
) -> SegmentTargets:
    """Compute the targets at `share` (up to 1) of the displacements; none outside the frame."""

    def cells_of(size: tuple[int, int]) -> tuple[TargetCells, ...]:
        parts = [
            find_target_cells(
                drag.mask,
                drag.transforms(share),
                size,
                nearest=settings.nearest_masks,
                from_nearest=settings.nearest_features,
            )
            for drag in drags
        ]
        return tuple(part.to(device) for part in parts)

    cells = cells_of(grid.cells(settings.cells))
    latents = (
        cells_of((grid.latent_height, grid.latent_width)) if settings.prediction_weight else ()
    )
    focus = focus_map(drags, share, grid, settings)
    exempt = _exempt(drags, share, grid, settings)
    return SegmentTargets(
        cells,
        latents,
        max(1.0, sum(part.area for part in cells)),
        None if focus is None else focus.to(device),
        None if exempt is None else exempt.to(device),
    )


def driven_frames(drags: Sequence[BlockDrag]) -> set[int]:
    """Return the latent frames of the block that at least one drag drives."""
    return {frame for drag in drags for frame in drag.transforms()}


def moved_frames(drags: Sequence[BlockDrag], settings: DragSettings) -> tuple[int, ...]:
    """Return the frames of the block that updates modify: the driven ones, or all without focus."""
    count = len(drags[0].fractions)
    if settings.focus is False:
        return tuple(range(count))
    return settings.focus.moves(driven_frames(drags), count)


def focus_map(
    drags: Sequence[BlockDrag], share: float, grid: Grid, settings: DragSettings
) -> Tensor | None:
    """Compute G of Eq. 10 for every latent frame, (1, F, 1, h, w); 0 in unmodified frames."""
    if settings.focus is False:
        return None
    moved, driven = moved_frames(drags, settings), driven_frames(drags)
    frames = len(drags[0].fractions)
    maps = torch.zeros(frames, grid.latent_height, grid.latent_width, dtype=torch.float32)
    moves = [(drag.mask, drag.transforms(share)) for drag in drags]
    for frame in driven:
        targets = [(mask, affines[frame]) for mask, affines in moves if frame in affines]
        followers = list(moved) if len(driven) == 1 else [frame]
        maps[followers] = settings.focus.of(targets, grid).float()
    return maps[None, :, None]


def kept_cells(grid: Grid, settings: DragSettings) -> tuple[int, int]:
    """Return the rows and columns of the maps that the constraint compares."""
    if settings.constraint is not False and settings.constraint.predictions:
        return grid.latent_height, grid.latent_width
    return grid.cells(settings.cells)


def _exempt(
    drags: Sequence[BlockDrag], share: float, grid: Grid, settings: DragSettings
) -> Tensor | None:
    if settings.constraint is False or not settings.constraint.spare_targets:
        return None
    nearest = settings.nearest_masks
    covered = torch.zeros(kept_cells(grid, settings), dtype=torch.float32)
    for drag in drags:
        for affine in drag.transforms(share).values():
            moved = move(drag.mask, affine, nearest=nearest)
            covered = torch.maximum(covered, resize(moved, *covered.shape, nearest=nearest))
    return covered
