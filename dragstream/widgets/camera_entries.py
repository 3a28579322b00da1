"""The camera in the list of a canvas: from entries to drags for a stream, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dragstream.drags.camera import Relative, check_pinned, with_camera
from dragstream.drags.motions import Camera, Combined, Drag, Pose, Poses
from dragstream.drags.motions.combined import parts_of
from dragstream.drags.regions import rasterise
from dragstream.drags.shapes import Box, Shape
from dragstream.widgets.entries import Entry, listed


def camera_drag(camera: Camera, height: int, width: int) -> Drag:
    """The drag of the whole frame that represents a camera in the list."""
    return Drag(Box(0, 0, width, height), camera.in_frame(height, width))


def active_camera(entries: Sequence[Entry]) -> tuple[Entry, Camera] | None:
    """The entry of the camera that is not muted, and the camera; or None."""
    found = [
        (entry, entry.drag.motion)
        for entry in entries
        if not entry.muted and isinstance(entry.drag.motion, Camera)
    ]
    if len(found) > 1:
        raise ValueError(f"a canvas has at most one camera that is not muted, got {len(found)}")
    if not found:
        return None
    camera = found[0][1]
    for index, entry in enumerate(entries):
        if not (entry.muted or entry.drag.motion is camera or entry.relative == "frame"):
            check_pinned(entry.drag, camera, f"drags[{index}]")
    return found[0]


def drags_of(
    entries: Sequence[Entry], keep: Shape | None, height: int, width: int
) -> tuple[list[Drag], Shape | None]:
    """The drags and the region to keep that a stream takes: all that is not muted.

    With a camera, the drags of objects and of the kept region are combined with it.
    """
    found = active_camera(entries)
    if found is None:
        return [entry.drag for entry in entries if not entry.muted], keep
    chosen, camera = found
    objects = [entry for entry in entries if not entry.muted and entry is not chosen]
    return with_camera(
        [entry.drag for entry in objects],
        camera,
        height,
        width,
        relative=[entry.relative for entry in objects],
        keep=keep,
        keep_relative=chosen.relative,
    ), None


def drawn(entries: Sequence[Entry]) -> list[Drag]:
    """The drags of entries for a still picture, combined with the camera."""
    found = active_camera(entries)
    return [
        entry.drag
        if found is None or entry is found[0] or entry.relative == "frame"
        else Drag(entry.drag.region, Combined([entry.drag.motion, found[1]]))
        for entry in entries
    ]


def entries_of(
    drags: Sequence[Drag], known: Sequence[Entry], keep: Shape | None, height: int, width: int
) -> tuple[list[Entry], Shape | None]:
    """The entries and the region to keep of drags: the inverse of `drags_of`.

    The first drag by a `Camera` is the camera. A second one by the same camera, or one by `Poses`
    at rest, is the region to keep. Drags whose motion ends with that camera move with the scene,
    others with the frame.
    """
    camera = next((each.motion for each in drags if isinstance(each.motion, Camera)), None)
    if camera is None:
        return listed(drags, known), keep
    first = next(drag for drag in drags if drag.motion == camera)
    rest = [drag for drag in drags if drag is not first]
    held = next((drag for drag in rest if drag.motion == camera or _rests(drag)), None)
    moving = [drag for drag in rest if drag is not held]
    objects: list[Drag] = []
    relatives: list[Relative] = []
    for drag in moving:
        *own, last = parts_of(drag.motion)
        if own and last == camera:
            motion = own[0] if len(own) == 1 else Combined(own)
            objects.append(Drag(drag.region, motion, drag.source))
            relatives.append("scene")
        else:
            objects.append(drag)
            relatives.append("frame")
    entries = listed([camera_drag(camera, height, width), *objects], known)
    with_choice = [
        replace(entry, relative=relative)
        for entry, relative in zip(entries[1:], relatives, strict=True)
    ]
    if held is None:
        return [entries[0], *with_choice], keep
    if not _same(held.region, keep, height, width):
        keep = held.region
    goes: Relative = "frame" if _rests(held) else "scene"
    return [replace(entries[0], relative=goes), *with_choice], keep


def _rests(drag: Drag) -> bool:
    """True for a region that stays where it is."""
    motion = drag.motion
    return isinstance(motion, Poses) and all(pose == Pose(0.0, 0.0) for pose in motion.poses)


def _same(region: Shape, other: Shape | None, height: int, width: int) -> bool:
    """True if two regions are the same pixels."""
    if other is None:
        return False
    return bool((rasterise(region, height, width) == rasterise(other, height, width)).all())
