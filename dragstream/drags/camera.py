"""`Camera`: a movement of the camera, as a drag of the whole frame beside those of objects.

```python
camera = Camera(pan=(40, 0), zoom=1.2)
stream.animate(with_camera(drags, camera, height, width, relative="scene"), blocks=3)
```
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from dragstream.drags.checks import (
    Point,
    check_degrees,
    check_int,
    check_point,
    check_positive,
    set_fields,
    short_repr,
)
from dragstream.drags.motions import Combined, Drag, Motion, Path, Rotation, Scale, Translation
from dragstream.drags.paths import check_ease
from dragstream.drags.regions import rasterise, warp
from dragstream.drags.shapes import BoolMask, Mask

Relative = Literal["scene", "frame"]

_STEPS = 12
"""Moments at which the way of an object over the ground is painted."""


@dataclass(frozen=True, init=False)
class Camera:
    """A movement of the camera: pan, zoom and roll at once.

    What the frame shows moves the other way: a pan to the right moves the scene to the left.

    Args:
        pan: Displacement (x, y) of the camera's view in pixels of the final size.
        zoom: Factor by which the scene grows about the middle of the frame.
        roll: Degrees by which the camera turns clockwise about the middle of the frame.
        ease: Timing, a name in `EASINGS`.
        frames: Latent frames that the movement lasts; None: as long as the animation.

    Raises:
        TypeError, ValueError: Values that are no numbers or out of range, an unknown `ease`, or a
            camera that does not move.
    """

    pan: Point
    zoom: float
    roll: float
    ease: str
    frames: float | None

    def __init__(
        self,
        pan: Sequence[float] = (0.0, 0.0),
        zoom: float = 1.0,
        roll: float = 0.0,
        *,
        ease: str = "linear",
        frames: float | None = None,
    ) -> None:
        check_ease(ease)
        set_fields(self, pan=check_point(pan, "pan"), zoom=check_positive(zoom, "zoom"), ease=ease)
        set_fields(self, roll=check_degrees(roll, "roll"))
        set_fields(self, frames=None if frames is None else check_positive(frames, "frames"))
        if self.pan == (0.0, 0.0) and self.zoom == 1 and self.roll == 0:
            raise ValueError("a camera must move: give pan, zoom or roll")

    def motion(self, height: int, width: int) -> Motion:
        """The motion of the scene in a frame of this size, in pixels."""
        middle = ((width - 1) / 2, (height - 1) / 2)
        pins = None if self.frames is None else (0.0, self.frames)
        parts: list[Motion] = []
        if self.zoom != 1:
            parts.append(Scale(middle, [self.zoom], self.ease, pins))
        if self.roll:
            parts.append(Rotation(middle, [-self.roll], self.ease, pins))
        if self.pan != (0.0, 0.0):
            end = (-self.pan[0], -self.pan[1])
            parts.append(Translation(Path.polyline([(0.0, 0.0), end], self.ease, pins)))
        return parts[0] if len(parts) == 1 else Combined(parts)


def with_camera(
    drags: Sequence[Drag],
    camera: Camera,
    height: int,
    width: int,
    *,
    relative: Relative = "scene",
) -> list[Drag]:
    """Drags of objects together with a movement of the camera.

    The camera's drag comes first. Its region is the frame without the objects and without what they
    come to cover, since a pixel of a target can show one thing only. Nothing is left to keep.

    Args:
        drags: The drags of objects; may be empty.
        camera: The movement.
        height: Of the frame in pixels.
        width: Of the frame in pixels.
        relative: "scene": objects move in the scene, and the camera's movement is added to theirs.
            "frame": their targets are places in the frame, whatever the camera does.

    Raises:
        TypeError: `camera` is no `Camera`, or an element of `drags` no `Drag`.
        ValueError: Another `relative`; pinned drags beside a camera without `frames`; a region
            outside the frame; objects that cover all of it.
    """
    if not isinstance(camera, Camera):
        raise TypeError(f"camera must be a Camera, got {short_repr(camera)}")
    if relative not in get_args(Relative):
        raise ValueError(f"relative must be 'scene' or 'frame', got {short_repr(relative)}")
    height, width = check_int(height, "height", least=1), check_int(width, "width", least=1)
    moved, scene = [], camera.motion(height, width)
    for index, drag in enumerate(drags):
        if not isinstance(drag, Drag):
            raise TypeError(f"drags[{index}] must be a Drag, got {short_repr(drag)}")
        if relative == "frame":
            moved.append(drag)
            continue
        if drag.motion.duration is not None and camera.frames is None:
            raise ValueError(
                f"drags[{index}] is pinned to latent frames, so the camera must be, too: frames=..."
            )
        moved.append(Drag(drag.region, Combined([drag.motion, scene]), drag.source))
    ground = np.ones((height, width), bool)
    for drag in moved:
        ground &= ~_covered(drag, scene, height, width)
    if not ground.any():
        raise ValueError("the objects cover the frame: nothing is left for the camera to move")
    return [Drag(Mask(ground), scene), *moved]


def _covered(drag: Drag, scene: Motion, height: int, width: int) -> BoolMask:
    """The pixels of the ground that an object covers at rest or, once moved, on its way."""
    mask = rasterise(drag.region, height, width)
    lasts = max(filter(None, (drag.motion.duration, scene.duration)), default=None)
    covered = mask.copy()
    for step in range(1, _STEPS + 1):
        there, ground = (
            motion.at(min(1.0, step / _STEPS * lasts / motion.duration))
            if lasts and motion.duration
            else motion.at(step / _STEPS)
            for motion in (drag.motion, scene)
        )
        covered |= warp(mask, there.then(ground.inverse())) > 0
    return covered
