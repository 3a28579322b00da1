"""Targets of drags in a latent frame, for display: target Y, kept M and focus G (Fig. 13, 14).

The optimisation has these on the grids of features and latents; here the regions are in pixels of
the video frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_fraction, check_int
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag
from dragstream.drags.regions import rasterise, warp
from dragstream.drags.shapes import as_shape
from dragstream.method.focus import Focus
from dragstream.method.settings import DragSettings, Off
from dragstream.stream.block_plan import MotionSchedule
from dragstream.stream.records import Block, Mode

if TYPE_CHECKING:
    from dragstream.drags.geometry import Grid
    from dragstream.drags.shapes import Region

__all__ = ["DragTargets", "block_targets", "planned_targets"]


@dataclass(frozen=True, eq=False)
class DragTargets:
    """The targets, kept region and update weight of drags in one latent frame.

    Attributes:
        target: The share of each pixel that moved regions should cover, float32 (H, W), in [0, 1].
        keep: The pixels that must not change, bool (H, W); None where nothing is kept.
        focus: The weight of the update, float32 (latent rows, latent columns), in [0, 1]; None
            where it is 1 everywhere.
    """

    target: NDArray[np.float32]
    keep: NDArray[np.bool_] | None
    focus: NDArray[np.float32] | None


def block_targets(block: Block, frame: int, grid: Grid) -> DragTargets | None:
    """The targets of a block's drags in one of its latent frames.

    Args:
        block: A block of a stream.
        frame: The latent frame within the block, from 0.
        grid: Sizes of a frame.

    Returns:
        None where no drag acted: in plain blocks, and in an edit before its last frame.

    Raises:
        ValueError: A frame that the block does not have.
    """
    count = len(block.latents)
    frame = check_int(frame, "frame", least=0)
    if frame >= count:
        raise ValueError(f"block {block.index} has latent frames 0 to {count - 1}, got {frame}")
    if not block.drags or block.settings is None:
        return None
    part, parts = block.part
    plain = block.mode is Mode.EDIT
    schedule = (
        MotionSchedule(count) if plain else MotionSchedule(count, part * count, parts * count)
    )
    reached = [schedule.fractions(drag.motion)[frame] for drag in block.drags]
    moved = [
        (drag, drag.motion.at(share))
        for drag, share in zip(block.drags, reached, strict=True)
        if share is not None
    ]
    # Other methods weight the update by 1 everywhere.
    focus = block.settings.focus if isinstance(block.settings, DragSettings) else False
    return _targets(moved, block.keep, focus, grid) if moved else None


def planned_targets(
    drags: Sequence[Drag],
    keep: Region | None,
    settings: DragSettings | None,
    grid: Grid,
    share: float = 1.0,
) -> DragTargets | None:
    """The targets of drags after a share of their motion, in (0, 1], before any block is generated.

    Args:
        drags: The drags; None is returned where there is none.
        keep: The region that must not change, or None.
        settings: The settings with the focus; None means the default.
        grid: Sizes of a frame.
        share: The share of the motion.

    Raises:
        ValueError: A share out of range, or regions that do not fit the frame.
    """
    share = check_fraction(share, "share")
    moved = [(drag, drag.motion.at(share)) for drag in drags]
    chosen = (settings or DragSettings()).focus
    return _targets(moved, keep, chosen, grid) if moved else None


def _targets(
    moved: Sequence[tuple[Drag, Affine]], keep: Region | None, focus: Focus | Off, grid: Grid
) -> DragTargets:
    size = (grid.height, grid.width)
    placed = [(drag.mask(*size), place) for drag, place in moved]
    target = np.max([warp(mask, place) for mask, place in placed], axis=0)
    return DragTargets(
        target,
        None if keep is None else rasterise(as_shape(keep), *size),
        focus.of(placed, grid).float().numpy() if focus else None,
    )
