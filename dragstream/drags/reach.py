"""Checks that a drag does not end too far outside the frame (`check_reach`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dragstream.drags.motions import Motion
    from dragstream.drags.shapes import BoolMask


def check_reach(name: str, motion: Motion, mask: BoolMask) -> None:
    """Check that a motion ends at most one frame size outside the frame.

    A region may leave the frame, by up to the frame's width to the left or right and its height
    above or below. Motions beyond that have no visible effect, and are probably in another unit or
    for another video.

    Args:
        name: The drag's name in error messages.
        motion: The motion of the handle.
        mask: The handle, bool (H, W), with at least one pixel.

    Raises:
        ValueError: The whole handle ends farther outside than that.
    """
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    corners = np.array([(x, y) for x in columns[[0, -1]] for y in rows[[0, -1]]], dtype=np.float64)
    moved = motion.at(1.0).apply(corners)
    lowest, highest = moved.min(axis=0), moved.max(axis=0)
    size = np.array([width, height])
    # Distance of the nearest edge of the handle from the frame, in widths and heights.
    beyond = np.maximum(lowest - (size - 1), -highest) / size
    if beyond.max() <= 1:
        return
    x, y = moved.mean(axis=0)
    raise ValueError(
        f"{name} ends around ({x:.0f}, {y:.0f}), far outside the frame of {width} x {height} "
        f"pixels; to leave the frame, a drag ends at most one width or height beyond it"
    )
