"""`Drag` (a region and its motion), `Memory` (of an object), and their checks for a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dragstream.drags.checks import check_int, check_kind, set_fields, short_repr
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.base import Motion
from dragstream.drags.reading import located
from dragstream.drags.regions import centroid, rasterise
from dragstream.drags.shapes import BoolMask, Region, Shape, as_shape


@dataclass(frozen=True, init=False)
class Memory:
    """An object's appearance in the last latent frame of an earlier block (App. R).

    Args:
        block: The number of the block, from 0; ValueError below.
        region: The object's region there: a shape, or a boolean mask (H, W).
    """

    block: int
    region: Shape

    def __init__(self, block: int, region: Region) -> None:
        set_fields(self, block=check_int(block, "block", least=0), region=as_shape(region))


@dataclass(frozen=True, init=False)
class Drag:
    """A region and its motion.

    Args:
        region: A shape, or a boolean mask (H, W), in the frame that the drag starts from.
        motion: `Translation`, `Deformation`, `Rotation`, `Scale`, or a `Motion` of your own.
        source: Take the object's appearance from this memory instead of that frame, as when it
            comes back into view: the memory's region is first shifted to `region`, centroid on
            centroid, and moved from there.

    Raises:
        TypeError: An argument is of another kind.
    """

    region: Shape
    motion: Motion
    source: Memory | None

    def __init__(self, region: Region, motion: Motion, source: Memory | None = None) -> None:
        if not isinstance(motion, Motion):
            raise TypeError(
                f"motion must be a Translation, Deformation, Rotation, Scale or another Motion, "
                f"got {short_repr(motion)}"
            )
        if not (source is None or isinstance(source, Memory)):
            raise TypeError(f"source must be a Memory or None, got {short_repr(source)}")
        set_fields(self, region=as_shape(region), motion=motion, source=source)

    def mask(self, height: int, width: int) -> BoolMask:
        """The handle that the method moves: bool (height, width).

        That is the region, or for a deformation its edge toward the pull.
        """
        return self.motion.handle(rasterise(self.region, height, width))

    def origin(self, height: int, width: int) -> Affine:
        """The map from the frame of the object's appearance to the drag's first frame.

        The identity without a `source`; else the shift of the memory's centroid to the region's.
        """
        if self.source is None:
            return Affine.identity()
        old_x, old_y = centroid(rasterise(self.source.region, height, width))
        new_x, new_y = centroid(rasterise(self.region, height, width))
        return Affine.translation(new_x - old_x, new_y - old_y)


def validate(drags: Sequence[Drag], keep: Region | None, height: int, width: int) -> list[BoolMask]:
    """Check drags against a frame and the region to keep.

    Targets may leave the frame; streams check how far (`check_reach`).

    Args:
        drags: At least one drag.
        keep: The non-editable region M, a shape or a boolean mask (H, W), or None.
        height: Of the video frame in pixels.
        width: Of the video frame in pixels.

    Returns:
        The handle mask of each drag, bool (height, width).

    Raises:
        TypeError: `drags` is no sequence of drags, or `keep` no region.
        ValueError: There is no drag; a region is empty, out of frame or of another size; a handle
            shares pixels with `keep`. The message names the drag, counted from 0.
    """
    given: Any = drags
    if isinstance(given, str | bytes | Drag) or not isinstance(given, Sequence):
        raise TypeError(f"drags must be a sequence of Drag, got {type(given).__name__}")
    for index, drag in enumerate(given):
        check_kind(drag, Drag, f"drags[{index}]")
    if not given:
        raise ValueError("drags is empty: give at least one Drag")
    masks = [_handle(f"drags[{i}]", drag, height, width) for i, drag in enumerate(drags)]
    check_apart(masks, keep, height, width)
    return masks


def check_apart(masks: Sequence[BoolMask], keep: Region | None, height: int, width: int) -> None:
    """Check that handles, as `validate` returns them, share no pixel with the region to keep."""
    if keep is None:
        return
    try:
        kept = rasterise(keep, height, width)
    except ValueError as error:
        raise ValueError(f"keep: {error}; use None for no region to keep") from error
    for index, mask in enumerate(masks):
        shared = int((mask & kept).sum())
        if shared:
            raise ValueError(
                f"the handle of drags[{index}] lies inside keep with {shared} of its "
                f"{int(mask.sum())} pixels: it cannot both move and stay"
            )


def _handle(name: str, drag: Drag, height: int, width: int) -> BoolMask:
    with located(name, ValueError):
        mask = drag.mask(height, width)
    if drag.source is not None:
        with located(f"{name}.source", ValueError):
            rasterise(drag.source.region, height, width)
    return mask


def check_reach(name: str, motion: Motion, mask: BoolMask) -> None:
    """Check that a motion ends at most one frame size outside the frame."""
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
