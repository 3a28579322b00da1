"""Targets of drags for display: the target Y, kept M and focus G of latent frames (Fig. 13, 14).

The optimisation has these on the grids of features and latents; here the regions are in pixels of
the video frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_int
from dragstream.drags.geometry import Affine, Grid
from dragstream.drags.motions import Drag, Motion
from dragstream.drags.regions import rasterise, warp
from dragstream.drags.shapes import Region, as_shape
from dragstream.method.focus import Focus
from dragstream.method.settings import DragSettings, Off
from dragstream.stream.block_plan import MotionSchedule
from dragstream.stream.records import Block, Mode


@dataclass(frozen=True, eq=False)
class DragTargets:
    """The targets, kept region and update weight of drags in one latent frame."""

    target: NDArray[np.float32]
    """The share of each pixel that moved regions should cover, (H, W), in [0, 1]."""
    keep: NDArray[np.bool_] | None
    """The pixels that must not change, (H, W); None where nothing is kept."""
    focus: NDArray[np.float32] | None
    """The weight of the update, (latent rows, latent columns), in [0, 1]; None: 1 everywhere."""


def target_places(block: Block, motion: Motion) -> Iterator[tuple[int, Affine]]:
    """The maps to a drag's targets, each with the video frame in the stream that shows it.

    That is the last video frame of each latent frame of a dragged block, or of an edit's last.
    """
    count = len(block.latent_frames)
    # Latent frames divide the block's video frames evenly; only the first one of a stream is a
    # single video frame.
    alone = int(block.latent_frames[0] == 0 and count > 1)
    per_frame = (len(block.frames) - alone) // (count - alone)
    for number, fraction in enumerate(MotionSchedule.of(block).fractions(motion), start=1):
        if fraction is not None:
            yield block.video_frames[-1] - (count - number) * per_frame, motion.at(fraction)


def anchor_track(motion: Motion, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The path (N, 2) of the region's point that represents a motion."""
    anchor = np.asarray(motion.anchor(mask))
    return np.stack([motion.at(step).apply(anchor) for step in np.linspace(0.0, 1.0, 33)])


def rest_frame(block: Block) -> int:
    """The number in the stream of the video frame on which a block's drags were drawn.

    Drags that make a whole clip again are drawn on its first frame.
    """
    if block.mode is Mode.EDIT:
        return block.video_frames[-1]
    return max(block.first_frame - 1, 0)


def block_targets(block: Block, frame: int, grid: Grid) -> DragTargets | None:
    """The targets of a block's drags in one of its latent frames, from 0.

    None where no drag acted: in plain blocks, and in an edit before its last frame.
    """
    count = len(block.latents)
    frame = check_int(frame, "frame", least=0)
    if frame >= count:
        raise ValueError(f"block {block.index} has latent frames 0 to {count - 1}, got {frame}")
    schedule = MotionSchedule.of(block)
    reached = ((drag, schedule.fractions(drag.motion)[frame]) for drag in block.drags)
    moved = [(drag, drag.motion.at(share)) for drag, share in reached if share is not None]
    # Other methods weight the update by 1 everywhere.
    focus = block.settings.focus if isinstance(block.settings, DragSettings) else False
    return _targets(moved, block.keep, focus, grid) if moved else None


def planned_targets(
    drags: Sequence[Drag], keep: Region | None, settings: DragSettings | None, grid: Grid
) -> DragTargets | None:
    """The targets of drags at the end of their motion; None without drags."""
    moved = [(drag, drag.motion.at(1.0)) for drag in drags]
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
