"""What a segment of a drag pulls towards, and where: Eq. 1 and 10 for all drags of a block."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.method.focus import Focus, combine, target_bounds
from dragstream.method.placement import Placement, place
from dragstream.method.pulls import Pull
from dragstream.method.settings import DragSettings


@dataclass(frozen=True, eq=False)
class Aim:
    """The targets of one segment.

    Args:
        placements: For each pull, the features' target cells and what belongs there.
        latent_placements: The same of the latents' cells; empty where nothing is compared there.
        area: How many pixels all targets cover, at least one.
        focus: How far updates act, (1, F, 1, h, w) from 0 to 1; None: fully and everywhere.
    """

    placements: tuple[Placement, ...]
    latent_placements: tuple[Placement, ...]
    area: float
    focus: Tensor | None


def take_aim(
    pulls: Sequence[Pull],
    share: float,
    grid: Grid,
    settings: DragSettings,
    device: torch.device,
) -> Aim:
    """The targets after `share` (up to 1) of each pull's way through the block.

    A target outside the frame asks for nothing, so a drag may lead an object out of sight.
    """

    @functools.cache  # features may be compared on the cells of the latents
    def placed(cells: tuple[int, int]) -> tuple[Placement, ...]:
        return tuple(
            place(pull.mask, pull.transforms(share), cells, nearest=settings.nearest_masks)
            for pull in pulls
        )

    placements = placed(grid.cells(settings.cells))
    latents = placed((grid.latent_height, grid.latent_width)) if settings.prediction_weight else ()
    return Aim(
        tuple(placement.to(device) for placement in placements),
        tuple(placement.to(device) for placement in latents),
        max(1.0, sum(placement.area for placement in placements)),
        None
        if settings.focus is None
        else focus_map(pulls, share, grid, settings.focus).to(device),
    )


def focus_map(pulls: Sequence[Pull], share: float, grid: Grid, focus: Focus) -> Tensor:
    """G of Eq. 10 for every latent frame, (1, F, 1, h, w); 0 in frames that no pull drives."""
    frames: list[list[Tensor]] = [[] for _ in pulls[0].fractions]
    for pull in pulls:
        for frame, affine in pull.transforms(share).items():
            frames[frame].append(focus.gaussian(target_bounds(pull.mask, affine), grid))
    nothing = torch.zeros(grid.latent_height, grid.latent_width, dtype=torch.float64)
    maps = torch.stack([combine([nothing, *gaussians]) for gaussians in frames])
    return maps[None, :, None].float()
