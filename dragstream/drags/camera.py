"""`with_camera`: the drags of a movement of the camera, and of objects beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from scipy import ndimage

from dragstream.drags.checks import check_int, check_kind, short_repr
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Camera, Combined, Drag, Motion, Poses, check_apart
from dragstream.drags.regions import centroid, rasterise
from dragstream.drags.shapes import BoolMask, Mask, Region

Relative = Literal["scene", "frame"]
"""Frame of reference of an object's target or of a region to keep."""

_STEPS = 12
"""Number of times at which an object's path over the ground is painted."""
_TOUCHED = 1e-5
"""Least share of a pixel that counts as covered; above rounding errors."""


def check_relative(value: object, name: str = "relative") -> Relative:
    """`value` if it is "scene" or "frame", else a ValueError."""
    if value not in get_args(Relative):
        raise ValueError(f"{name} must be 'scene' or 'frame', got {short_repr(value)}")
    return value  # type: ignore[return-value]  # checked


def with_camera(
    drags: Sequence[Drag],
    camera: Camera,
    height: int,
    width: int,
    *,
    relative: Relative | Sequence[Relative] = "scene",
    keep: Region | None = None,
    keep_relative: Relative = "scene",
) -> list[Drag]:
    """Drags of objects together with a movement of the camera.

    The camera's drag comes first. Its region is the frame without the objects and without the
    pixels that they cover on their way, since a target pixel belongs to one drag only. A region to
    keep becomes a drag too, after the camera's and behind the objects; `animate` gets no `keep`.

    Args:
        drags: The drags of objects; may be empty.
        camera: The movement.
        height: Of the frame in pixels.
        width: Of the frame in pixels.
        relative: "scene": objects move in the scene, and the camera's movement is added to theirs.
            "frame": their targets are places in the frame, whatever the camera does. One for all
            drags, or one for each.
        keep: The region to keep, or None.
        keep_relative: "scene": it moves as the camera moves the scene. "frame": it stays where it
            is, as a caption over the video, and the scene passes behind it.

    Raises:
        TypeError: `camera` is no `Camera`, or an element of `drags` no `Drag`.
        ValueError: Another `relative`, or not one for each drag; pinned drags beside a camera
            without `frames`; a region outside the frame; an object in `keep`; objects and `keep`
            cover all of the frame.
    """
    check_kind(camera, Camera, "camera")
    height, width = check_int(height, "height", least=1), check_int(width, "width", least=1)
    scene = camera.in_frame(height, width)
    moved = _moved(drags, scene, relative)
    check_relative(keep_relative, "keep_relative")
    masks = [rasterise(drag.region, height, width) for drag in moved]
    ground = np.ones((height, width), bool)
    for mask, drag in zip(masks, moved, strict=True):
        ground &= ~_covered(mask, drag.motion, scene)
    held = []
    if keep is not None:
        kept, motion = _kept(keep, moved, masks, scene, keep_relative, height, width)
        if kept.any():
            ground &= ~(kept if motion is scene else _covered(kept, motion, scene))
            held = [Drag(Mask(kept), motion)]
    if not ground.any():
        raise ValueError(
            "objects and the region to keep cover the frame: nothing is left for the camera to move"
        )
    return [Drag(Mask(ground), scene), *held, *moved]


def _kept(  # noqa: PLR0917
    keep: Region,
    moved: Sequence[Drag],
    masks: Sequence[BoolMask],
    scene: Camera,
    relative: Relative,
    height: int,
    width: int,
) -> tuple[BoolMask, Motion]:
    """Mask, bool (H, W), of a region to keep without the moved objects, and its motion."""
    check_apart([drag.mask(height, width) for drag in moved], keep, height, width)
    kept = rasterise(keep, height, width)
    motion = scene if relative == "scene" else at_rest(kept)
    for mask, drag in zip(masks, moved, strict=True):
        kept &= ~_covered(mask, drag.motion, motion)
    return kept, motion


def at_rest(mask: BoolMask) -> Poses:
    """The motion of a region (H, W) that stays where it is in the frame."""
    return Poses(centroid(mask), [(0.0, 0.0)])


def _moved(
    drags: Sequence[Drag], scene: Camera, relative: Relative | Sequence[Relative]
) -> list[Drag]:
    """The drags of objects with their motions in the frame."""
    if isinstance(relative, str) or not isinstance(relative, Sequence):
        relative = [check_relative(relative)] * len(drags)
    choices = [check_relative(choice) for choice in relative]
    if len(choices) != len(drags):
        raise ValueError(f"relative must be one for each of {len(drags)} drags, got {len(choices)}")
    moved = []
    for index, (drag, choice) in enumerate(zip(drags, choices, strict=True)):
        check_kind(drag, Drag, f"drags[{index}]")
        if choice == "scene":
            check_pinned(drag, scene, f"drags[{index}]")
            moved.append(Drag(drag.region, Combined([drag.motion, scene]), drag.source))
        else:
            moved.append(drag)
    return moved


def check_pinned(drag: Drag, camera: Camera, name: str) -> None:
    """Raise a ValueError for a pinned drag beside a camera without `frames`."""
    if drag.motion.duration is not None and camera.frames is None:
        raise ValueError(
            f"{name} is pinned to latent frames, so the camera must be, too: frames=..."
        )


def _covered(mask: BoolMask, motion: Motion, scene: Motion) -> BoolMask:
    """The pixels of the ground that a region covers, at rest or along its motion."""
    duration = max(filter(None, (motion.duration, scene.duration)), default=None)
    covered = mask.copy()
    for step in range(1, _STEPS + 1):
        there, ground = (_at(each, step / _STEPS, duration) for each in (motion, scene))
        _paint(covered, mask, there.then(ground.inverse()))
    return covered


def _paint(covered: BoolMask, mask: BoolMask, affine: Affine) -> None:
    """Add the pixels that a moved mask touches; only its surroundings are computed."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    (top, bottom), (left, right) = rows[[0, -1]], columns[[0, -1]]
    corners = affine.apply([(x, y) for x in (left - 1, right + 1) for y in (top - 1, bottom + 1)])
    size = np.array(mask.shape[::-1])
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, size).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, size).astype(int).tolist()
    if x0 >= x1 or y0 >= y1:
        return
    (a, b, c), (d, e, f) = affine.inverse().matrix
    moved = ndimage.affine_transform(
        mask[top : bottom + 1, left : right + 1].astype(np.float32),
        [[e, d], [b, a]],  # (row, column), from output to input pixels
        offset=(e * y0 + d * x0 + f - top, b * y0 + a * x0 + c - left),
        output_shape=(y1 - y0, x1 - x0),
        order=1,
        mode="grid-constant",
    )
    covered[y0:y1, x0:x1] |= moved > _TOUCHED


def _at(motion: Motion, share: float, duration: float | None) -> Affine:
    """The map of a motion after a share of the common duration of all motions."""
    if duration and motion.duration:
        return motion.at(min(1.0, share * duration / motion.duration))
    return motion.at(share)
