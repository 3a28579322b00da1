"""`Motion`: the base class of all motions, its drawing, and the targets of an animation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from dragstream.drags.checks import Point, check_int
from dragstream.drags.geometry import Affine
from dragstream.drags.regions import centroid
from dragstream.drags.shapes import BoolMask

Tip = Literal["arrow", "bar"]


@dataclass(frozen=True)
class Line:
    """A line through points (x, y); `weight` is its width, in the picture's unit of line widths."""

    points: tuple[Point, ...]
    weight: float = 2.4


@dataclass(frozen=True)
class Dot:
    """A disc at a point (x, y), in the drag's colour or white; `radius` in the same unit."""

    point: Point
    radius: float
    white: bool = False


@dataclass(frozen=True)
class Sketch:
    """A drawing of a motion: lines first, then the tip of the last line, then dots."""

    lines: tuple[Line, ...]
    tip: Tip | None = None
    dots: tuple[Dot, ...] = ()


SKETCH_STEPS = 96
"""Straight pieces in which still pictures draw a motion."""


class Motion(ABC):
    """The movement of a drag's region over time, as an affine map at each moment.

    Derive from it for a motion of your own: a frozen dataclass of plain fields, so that drags stay
    values and streams with it can be saved. Only `at` is required; by default the motion is drawn
    as the trajectory of its region's centroid.
    """

    kind: ClassVar[str] = "own"
    """The "type" of the motion in JSON documents."""

    mean_tells: ClassVar[bool] = False
    """True if ObjMC may measure the motion by the mean position of the region's points."""

    whole_frame: ClassVar[bool] = False
    """True for a movement of the camera: drags of objects lie on top, pictures tint no region."""

    @abstractmethod
    def at(self, fraction: float) -> Affine:
        """The map from rest (fraction 0) to a moment of the drag (1 is its end).

        A fraction outside [0, 1] is a ValueError.
        """

    def partway(self, fraction: float, share: float) -> Affine:
        """The map from rest to a share, in [0, 1], of the displacement at a moment of the drag.

        It is the target of a drag's segment. By default, the map at that share of the time.
        """
        return self.at(fraction * share)

    def displacement(self, fraction: float, mask: BoolMask) -> tuple[float, float]:
        """The distance of a handle (H, W) from rest, in (pixels, degrees), neither below 0.

        It determines the number of segments. By default, that of the pixel that moved farthest.
        """
        points = np.argwhere(mask)[:, ::-1]  # (x, y)
        away = np.linalg.norm(self.at(fraction).apply(points) - points, axis=-1)
        return float(away.max(initial=0.0)), 0.0

    @property
    def duration(self) -> float | None:
        """The latent frame at which a pinned motion ends; None if it lasts as long as its drag."""
        return None

    def handle(self, mask: BoolMask) -> BoolMask:
        """The pixels of a region (H, W) that the motion moves; by default all."""
        return mask

    def anchor(self, mask: BoolMask) -> Point:
        """The handle point h_i: the (x, y) of a region (H, W) whose trajectory shows the motion."""
        return centroid(mask)

    def sketch(self, mask: BoolMask, latent_frames: int) -> Sketch:
        """The drawing of the motion on a frame, for still pictures.

        Args:
            mask: The whole region at rest, bool (H, W).
            latent_frames: Number of latent frames of the drag, marked by dots on the trajectory.
        """
        x, y = self.anchor(mask)
        return Sketch(
            (Line(self._trajectory((x, y))),),
            "arrow",
            (*self._frame_dots((x, y), latent_frames), Dot((x, y), 1.6)),
        )

    def _trajectory(self, point: Point) -> tuple[Point, ...]:
        """The trajectory of a point of the region over the whole motion."""
        return tuple(self._moved(point, step / SKETCH_STEPS) for step in range(SKETCH_STEPS + 1))

    def _frame_dots(self, point: Point, latent_frames: int) -> tuple[Dot, ...]:
        """White dots at a point's position in each latent frame before the last."""
        return tuple(
            Dot(self._moved(point, frame / latent_frames), 1.2, white=True)
            for frame in range(1, latent_frames)
        )

    def _moved(self, point: Point, fraction: float) -> Point:
        x, y = self.at(fraction).apply(np.asarray(point))
        return float(x), float(y)


def targets(motion: Motion, frames: int) -> list[Affine]:
    """The map from rest to the target at each of `frames` new latent frames (Eq. 1).

    An unpinned motion ends at the last frame. A pinned one has its own duration: with more frames
    it stays at its end, with fewer it stops on the way. To edit a frame, which has a single target
    and no time, use `motion.at(1)`. Fewer than one frame is a ValueError.
    """
    count = check_int(frames, "frames", least=1)
    return [motion.at(fraction_at(motion, frame, count)) for frame in range(1, count + 1)]


def fraction_at(motion: Motion, frame: float, total: float) -> float:
    """The fraction of a motion at a latent frame of a drag that lasts `total` latent frames."""
    return min(1.0, frame / (motion.duration or total))
