"""`Camera`: a movement of the camera (pan, zoom and roll), as a motion of what the frame shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import ClassVar

from dragstream.drags.checks import (
    Point,
    check_degrees,
    check_fields,
    check_int,
    check_point,
    check_positive,
    optional,
)
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.base import Dot, Line, Motion, Sketch
from dragstream.drags.motions.combined import Combined
from dragstream.drags.motions.rotation import Rotation
from dragstream.drags.motions.scale import Scale, check_factor
from dragstream.drags.motions.translation import Translation
from dragstream.drags.paths import Path, check_ease
from dragstream.drags.shapes import BoolMask


@dataclass(frozen=True)
class Camera(Motion):
    """A movement of the camera: pan, zoom and roll at once.

    What the frame shows moves the other way: a pan to the right moves the scene to the left. As a
    motion, a camera is that movement of the scene: zoom, then roll, then pan. `with_camera` makes
    the drags of a camera and of objects beside it.

    Args:
        pan: Displacement (x, y) of the camera's view in pixels of the final size.
        zoom: Factor in [1/100, 100] by which the scene grows about the centre.
        roll: Degrees by which the camera turns clockwise about the centre.
        ease: Timing, a name in `EASINGS`.
        frames: Latent frames that the movement lasts; None: as long as the animation.
        center: The point (x, y) in pixels about which it zooms and rolls; None: the middle of the
            frame, see `in_frame`.

    Raises:
        TypeError, ValueError: Values that are no numbers or out of range, an unknown `ease`, or a
            camera that does not move.
    """

    kind: ClassVar[str] = "camera"
    whole_frame: ClassVar[bool] = True

    pan: Point = (0.0, 0.0)
    zoom: float = 1.0
    roll: float = 0.0
    _: KW_ONLY
    ease: str = "linear"
    frames: float | None = None
    center: Point | None = None

    def __post_init__(self) -> None:
        check_fields(self, pan=check_point, zoom=check_factor, roll=check_degrees, ease=check_ease)
        check_fields(self, frames=optional(check_positive), center=optional(check_point))
        if self.pan == (0.0, 0.0) and self.zoom == 1 and self.roll == 0:
            raise ValueError("a camera must move: give pan, zoom or roll")

    def in_frame(self, height: int, width: int) -> Camera:
        """The same camera about the middle of a frame of this size, unless it has a centre."""
        height, width = check_int(height, "height", least=1), check_int(width, "width", least=1)
        if self.center is not None:
            return self
        return replace(self, center=((width - 1) / 2, (height - 1) / 2))

    @cached_property
    def _movement(self) -> Motion:
        """Zoom, roll and pan of the scene."""
        pins = None if self.frames is None else (0.0, self.frames)
        parts: list[Motion] = []
        if self.center is None and (self.zoom != 1 or self.roll):
            raise ValueError(
                "a camera that zooms or rolls needs a centre: camera.in_frame(height, width)"
            )
        middle = self.center or (0.0, 0.0)
        if self.zoom != 1:
            parts.append(Scale(middle, [self.zoom], self.ease, pins))
        if self.roll:
            parts.append(Rotation(middle, [-self.roll], self.ease, pins))
        if self.pan != (0.0, 0.0):
            end = (-self.pan[0], -self.pan[1])
            parts.append(Translation(Path.polyline([(0.0, 0.0), end], self.ease, pins)))
        return parts[0] if len(parts) == 1 else Combined(parts)

    def at(self, fraction: float) -> Affine:
        """See `Motion.at`: the map of the scene."""
        return self._movement.at(fraction)

    def partway(self, fraction: float, share: float) -> Affine:
        """See `Motion.partway`: each of zoom, roll and pan at that share."""
        return self._movement.partway(fraction, share)

    def displacement(self, fraction: float, mask: BoolMask) -> tuple[float, float]:
        return self._movement.displacement(fraction, mask)

    @property
    def duration(self) -> float | None:
        return self.frames

    def anchor(self, mask: BoolMask) -> Point:
        """See `Motion.anchor`: a pixel that a roll or zoom alone moves, too."""
        return self._movement.anchor(mask)

    def sketch(self, mask: BoolMask, latent_frames: int) -> Sketch:
        """See `Motion.sketch`: the frame's final outline in the scene, and its middle's path."""
        height, width = mask.shape
        camera = self.in_frame(height, width)
        right, bottom = width - 0.5, height - 0.5
        corners = [(-0.5, -0.5), (right, -0.5), (right, bottom), (-0.5, bottom), (-0.5, -0.5)]

        def views(points: Sequence[Point], fraction: float) -> tuple[Point, ...]:
            return tuple(map(tuple, camera.at(fraction).inverse().apply(points).tolist()))

        middle = ((width - 1) / 2, (height - 1) / 2)
        # the middle stays in a zoom or roll: then a point by a corner shows the movement
        shown = middle if self.pan != (0.0, 0.0) else (width / 7, height / 7)
        way = tuple(views([shown], step / 24)[0] for step in range(25))
        moments = (
            Dot(views([shown], frame / latent_frames)[0], 1.2, white=True)
            for frame in range(1, latent_frames)
        )
        lines = (Line(views(corners, 1.0), 1.6), Line(way))
        return Sketch(lines, "arrow", (*moments, Dot(middle, 1.6)))
