"""How far out of the frame a drag may end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dragstream.drags.motions import Motion
    from dragstream.drags.shapes import BoolMask


def check_reach(name: str, motion: Motion, mask: BoolMask) -> None:
    """Make sure that a motion ends in sight, or so near that leaving the frame is what is meant.

    What is dragged may leave the frame, by up to the frame's own width to the left or right and its
    own height above or below. Beyond that nothing can be seen to happen, and numbers of another
    unit or another video are likelier than a wish.

    Args:
        name: What messages call the drag.
        motion: What moves the handle.
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
    # How far the nearest edge of the handle is beyond the frame's, in widths and heights.
    beyond = np.maximum(lowest - (size - 1), -highest) / size
    if beyond.max() <= 1:
        return
    x, y = moved.mean(axis=0)
    raise ValueError(
        f"{name} ends around ({x:.0f}, {y:.0f}), far outside the frame of {width} x {height} "
        f"pixels; to leave the frame, a drag ends at most one width or height beyond it"
    )
