"""`Motion`: the base class of all motions, and the targets of an animation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Self

import numpy as np

from dragstream.drags.checks import Point, short, whole
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.sketch import Dot, Line, Sketch
from dragstream.drags.reading import Document
from dragstream.drags.regions import centroid
from dragstream.drags.shapes import BoolMask
from dragstream.drags.source import Expression, value_expression

SKETCH_STEPS = 96
"""Still pictures draw the way of a motion in so many straight pieces."""


class Motion(ABC):
    """What a drag does to its region over time.

    Derive from it for a motion of your own: a frozen dataclass of plain fields, so that drags stay
    values and streams that used it can be saved. Such a motion needs no more than `at`; it is
    drawn by the way of its region's centroid unless it overrides `sketch`.
    """

    kind: ClassVar[str] = "own"
    """The "type" of the motion in JSON documents."""

    mean_tells: ClassVar[bool] = False
    """Whether the mean position of the region's points shows the motion (ObjMC)."""

    @abstractmethod
    def at(self, fraction: float) -> Affine:
        """The map from rest (fraction 0) to a moment of the drag (1 is its end).

        Raises:
            ValueError: The fraction lies outside [0, 1].
        """

    def partway(self, fraction: float, share: float) -> Affine:
        """The map from rest to a share, in [0, 1], of the displacement at a moment of the drag.

        Segments of a drag aim there. A motion of your own goes its way up to that share of the
        time, unless it overrides this.
        """
        return self.at(fraction * share)

    def displacement(self, fraction: float, mask: BoolMask) -> tuple[float, float]:
        """The distance from rest at a moment of the drag, in (pixels, degrees), neither below 0.

        By default the pixels that the region's farthest-moved pixel has gone. Segments are
        counted by it.

        Args:
            fraction: The moment, in [0, 1].
            mask: The handle region at rest, bool (H, W).
        """
        points = np.argwhere(mask)[:, ::-1]  # (x, y)
        away = np.linalg.norm(self.at(fraction).apply(points) - points, axis=-1)
        return float(away.max(initial=0.0)), 0.0

    @property
    def duration(self) -> float | None:
        """The latent frame at which a pinned motion ends; None if it takes what it is given."""
        return None

    def handle(self, mask: BoolMask) -> BoolMask:
        """The pixels of a region (H, W) that the motion takes hold of: all, unless it says so."""
        return mask

    def anchor(self, mask: BoolMask) -> Point:
        """The point (x, y) of a region (H, W) whose way shows the motion (h_i, the handle point).

        Raises:
            ValueError: The region is empty.
        """
        return centroid(mask)

    def sketch(self, mask: BoolMask, latent_frames: int) -> Sketch:
        """The drawing of the motion on a frame, for still pictures.

        Args:
            mask: The whole region at rest, bool (H, W).
            latent_frames: How many latent frames the drag lasts, marked by dots along the way.
        """
        x, y = self.anchor(mask)
        return Sketch(
            (Line(self._way((x, y))),),
            "arrow",
            (*self._moments((x, y), latent_frames), Dot((x, y), 1.6)),
        )

    def to_document(self) -> Document:
        """The fields of the motion in a JSON document, beside its "type".

        Raises:
            TypeError: A motion of someone's own, which is written by its class instead.
        """
        raise TypeError(f"a motion of class {type(self).__name__} cannot be written as JSON")

    @classmethod
    def from_document(cls, value: object, where: str) -> Self:
        """The inverse of `to_document`.

        Args:
            value: The motion in a document, its "type" included.
            where: Its place in the document, for error messages.

        Raises:
            ValueError: Fields that are missing, unknown or out of bounds.
        """
        raise TypeError(f"{where}: {cls.__name__} is not read from fields, got {short(value)}")

    def expression(self) -> Expression:
        """The Python source of the motion, with `import dragstream as ds` before it."""
        return value_expression(self)

    def _way(self, point: Point) -> tuple[Point, ...]:
        """The places of a point of the region over the whole motion."""
        return tuple(self._moved(point, step / SKETCH_STEPS) for step in range(SKETCH_STEPS + 1))

    def _moments(self, point: Point, latent_frames: int) -> tuple[Dot, ...]:
        """White dots where a point of the region is at each latent frame before the last."""
        return tuple(
            Dot(self._moved(point, frame / latent_frames), 1.2, white=True)
            for frame in range(1, latent_frames)
        )

    def _moved(self, point: Point, fraction: float) -> Point:
        x, y = self.at(fraction).apply(np.asarray(point))
        return float(x), float(y)


def targets(motion: Motion, frames: int) -> list[Affine]:
    """Where the region is at each new latent frame of an animation (Eq. 1).

    An unpinned motion ends at the last frame. A pinned one keeps its own time: it stays where it
    ended when the frames outlast it, and gets as far as it can when they do not. To edit a frame,
    which has a single target and no time, use `motion.at(1)`.

    Args:
        motion: The motion.
        frames: How many latent frames are generated.

    Returns:
        One map from rest for each latent frame.

    Raises:
        ValueError: There is no frame.
    """
    count = whole(frames, "frames", least=1)
    duration = motion.duration or count
    return [motion.at(min(1.0, frame / duration)) for frame in range(1, count + 1)]
