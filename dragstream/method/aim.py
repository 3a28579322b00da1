"""Targets of a segment: target cells, focus and exempted cells of a block's drags (Eq. 1, 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.method.placement import Placement, move, place, resize
from dragstream.method.pulls import Pull
from dragstream.method.settings import DragSettings


@dataclass(frozen=True, eq=False)
class Aim:
    """The targets of one segment.

    Args:
        placements: For each pull, the target cells on the feature grid and their source points.
        latent_placements: The same on the latent grid; empty if predictions are not compared.
        area: Number of pixels that all targets cover, at least 1.
        focus: Weight of the update, (1, F, 1, h, w) from 0 to 1; None: 1 everywhere.
        spared: Largest fraction of each constraint cell that targets cover in any frame,
            (rows, columns) from 0 to 1; these cells are exempt from the constraint to that extent.
            None: no cell is exempt.
    """

    placements: tuple[Placement, ...]
    latent_placements: tuple[Placement, ...]
    area: float
    focus: Tensor | None
    spared: Tensor | None


def take_aim(
    pulls: Sequence[Pull],
    share: float,
    grid: Grid,
    settings: DragSettings,
    device: torch.device,
) -> Aim:
    """Compute the targets at `share` (up to 1) of each pull's displacement.

    A target outside the frame contributes nothing to the loss, so a drag may move an object out of
    the frame.
    """

    def placed(cells: tuple[int, int]) -> tuple[Placement, ...]:
        parts = [
            place(
                pull.mask,
                pull.transforms(share),
                cells,
                nearest=settings.nearest_masks,
                from_nearest=settings.nearest_features,
            )
            for pull in pulls
        ]
        return tuple(part.to(device) for part in parts)

    placements = placed(grid.cells(settings.cells))
    latents = placed((grid.latent_height, grid.latent_width)) if settings.prediction_weight else ()
    focus = focus_map(pulls, share, grid, settings)
    spared = _spared(pulls, share, grid, settings)
    return Aim(
        placements,
        latents,
        max(1.0, sum(placement.area for placement in placements)),
        None if focus is None else focus.to(device),
        None if spared is None else spared.to(device),
    )


def driven_frames(pulls: Sequence[Pull]) -> set[int]:
    """Return the latent frames of the block that at least one pull drives."""
    return {frame for pull in pulls for frame in pull.transforms()}


def moved_frames(pulls: Sequence[Pull], settings: DragSettings) -> tuple[int, ...]:
    """Return the latent frames of the block that updates modify: the driven ones, or all.

    All frames are modified if there is no focus, or if the focus acts across frames.
    """
    count = len(pulls[0].fractions)
    if settings.focus is False:
        return tuple(range(count))
    return settings.focus.moves(driven_frames(pulls), count)


def focus_map(
    pulls: Sequence[Pull], share: float, grid: Grid, settings: DragSettings
) -> Tensor | None:
    """Compute G of Eq. 10 for every latent frame, (1, F, 1, h, w); 0 in unmodified frames."""
    if settings.focus is False:
        return None
    moved, driven = moved_frames(pulls, settings), driven_frames(pulls)
    frames = len(pulls[0].fractions)
    maps = torch.zeros(frames, grid.latent_height, grid.latent_width, dtype=torch.float32)
    ways = [(pull.mask, pull.transforms(share)) for pull in pulls]
    for frame in driven:
        targets = [(mask, way[frame]) for mask, way in ways if frame in way]
        followers = list(moved) if len(driven) == 1 else [frame]
        maps[followers] = settings.focus.of(targets, grid).float()
    return maps[None, :, None]


def kept_cells(grid: Grid, settings: DragSettings) -> tuple[int, int]:
    """Return the rows and columns of the maps that the constraint compares."""
    if settings.constraint is not False and settings.constraint.predictions:
        return grid.latent_height, grid.latent_width
    return grid.cells(settings.cells)


def _spared(
    pulls: Sequence[Pull], share: float, grid: Grid, settings: DragSettings
) -> Tensor | None:
    if settings.constraint is False or not settings.constraint.spare_targets:
        return None
    nearest = settings.nearest_masks
    covered = torch.zeros(kept_cells(grid, settings), dtype=torch.float32)
    for pull in pulls:
        for affine in pull.transforms(share).values():
            moved = move(pull.mask, affine, nearest=nearest)
            covered = torch.maximum(covered, resize(moved, *covered.shape, nearest=nearest))
    return covered
