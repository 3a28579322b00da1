"""Converts the holds of a live stream to ordinary drags of one block.

The reference of each is the frame of its grip, also many blocks later: as the memory of Appendix
R, which archives, scripts and `Stream.animate` support. Targets are relative to that frame, so that
neither position errors nor changes of appearance accumulate from block to block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dragstream.drags.checks import Point
from dragstream.drags.geometry import Affine, Grid
from dragstream.drags.motions import Drag, Memory, Pose, Poses
from dragstream.drags.regions import centroid, moved, rasterise
from dragstream.drags.shapes import Mask, Shape
from dragstream.stream.hold import Grip, Hold, HoldPose

_OUTSIDE = 0.5
"""Farthest target of a region's centroid outside the frame, in widths and heights of it."""
_DIGITS = 3
"""Digits of recorded poses behind the point: thousandths of a pixel or degree."""


def drag_of(hold: Hold, newest: int, grid: Grid, frames: int) -> Drag:
    """The drag of a hold for the block that follows the stream's ``newest``."""
    grip, poses = hold.grip, hold.latch(frames)
    if grip.block.index == newest:
        return Drag(grip.region, _motion(grip, grip.pose[:2], poses, grid))
    memory = Memory(grip.block.index, grip.region)
    # The region as in the grip, shifted to its present place: the motion includes all of the turn
    # and growth since.
    to_x, to_y = (round(value, _DIGITS) for value in np.subtract(hold.at, grip.pose[:2]).tolist())
    shown = moved(grip.region, Affine.translation(to_x, to_y))
    area = shown.paint(grid.height, grid.width)
    if not area.any():  # outside the frame: from its place in the grip's frame
        shown, area = grip.region, grip.mask
    # A memory is shifted by the distance of the centroids before it moves.
    (new_x, new_y), (old_x, old_y) = centroid(area), centroid(grip.mask)
    x, y = grip.pose[:2]
    center = (x + new_x - old_x, y + new_y - old_y)
    return Drag(shown, _motion(grip, center, poses, grid), memory)


def _motion(grip: Grip, center: Point, targets: Sequence[HoldPose], grid: Grid) -> Poses:
    """The motion about the held point's place at rest to its target in each latent frame.

    Targets far outside the frame, which drags may not have, are moved to half a frame outside.
    """
    x, y = (round(value, _DIGITS) for value in center)
    size = np.array([grid.width, grid.height])
    middle = np.array(centroid(grip.mask))
    poses = []
    for each in targets:
        there = grip.to(each).apply(middle)
        excess = there - np.clip(there, -_OUTSIDE * size, (1 + _OUTSIDE) * size)
        dx, dy = (np.array(each[:2]) - excess - (x, y)).tolist()
        turn = round(each.degrees - grip.pose.degrees, _DIGITS)
        growth = each.factor / grip.pose.factor
        poses.append(Pose(round(dx, _DIGITS), round(dy, _DIGITS), turn, growth))
    return Poses((x, y), poses)


def kept_region(holds: Sequence[Hold], drags: Sequence[Drag], grid: Grid) -> Shape | None:
    """The region to keep of all holds, without the held objects, which may have moved into it."""
    size = grid.height, grid.width
    regions = list(dict.fromkeys(hold.keep for hold in holds if hold.keep is not None))
    if not regions:
        return None
    kept = np.any([rasterise(region, *size) for region in regions], axis=0)
    handles = np.any([drag.mask(*size) for drag in drags], axis=0)
    if len(regions) == 1 and not (kept & handles).any():
        return regions[0]
    kept &= ~handles
    return Mask(kept) if kept.any() else None
