"""Drags: a region and what should become of it (paper, Definition 1 and App. J).

```python
from dragstream.drags import regions
from dragstream.drags.motions import Drag, Path, Rotation, Translation, targets

ball = regions.disc(center=(64, 40), radius=14)
drag = Drag(ball, Translation(Path.spline([(64, 40), (90, 30), (110, 60)], ease="ease_out")))
moved = [regions.warp(drag.mask(128, 192), target) for target in targets(drag.motion, frames=3)]
```

Everything here is a value: frozen, comparable, in pixels of the video frame (x right, y down) and
in degrees that are positive clockwise on screen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import Point, Points, angle, fraction, point, settle, short, whole
from dragstream.drags.geometry import Affine
from dragstream.drags.paths import (
    EASINGS,
    Path,
    as_path,
    check_ease,
    check_fraction,
    check_frames,
    progress,
)
from dragstream.drags.regions import centroid, edge, rasterise, span
from dragstream.drags.shapes import BoolMask, Region, Shape, as_shape

__all__ = [
    "EASINGS",
    "Deformation",
    "Drag",
    "Memory",
    "Motion",
    "Path",
    "Rotation",
    "Translation",
    "targets",
    "validate",
]

EDGE = 1 / 3
"""The share of a region that a deformation holds by default."""


class Motion(ABC):
    """What a drag does to its region over time.

    Derive from it for a motion of your own: a frozen dataclass of plain fields, so that drags stay
    values and streams that used it can be saved.
    """

    @abstractmethod
    def at(self, fraction: float) -> Affine:
        """The map from rest (fraction 0) to a moment of the drag (1 is its end).

        Raises:
            ValueError: The fraction lies outside [0, 1].
        """

    @property
    @abstractmethod
    def extent(self) -> tuple[float, float]:
        """How far the whole drag goes: (pixels along its path, degrees turned either way)."""

    @property
    @abstractmethod
    def duration(self) -> float | None:
        """The latent frame at which a pinned motion ends; None if it takes what it is given."""

    def handle(self, mask: BoolMask) -> BoolMask:
        """The pixels of a region (H, W) that the motion takes hold of: all, unless it says so."""
        return mask


@dataclass(frozen=True, init=False)
class _Shift(Motion):
    """A motion along a path, by the displacement from its start."""

    path: Path

    def at(self, fraction: float) -> Affine:
        """See `Motion.at`."""
        return Affine.translation(*self.path.displacement(fraction))

    @property
    def extent(self) -> tuple[float, float]:
        """See `Motion.extent`."""
        return self.path.length, 0.0

    @property
    def duration(self) -> float | None:
        """See `Motion.duration`."""
        return self.path.frames[-1] if self.path.frames else None


@dataclass(frozen=True, init=False)
class Translation(_Shift):
    """Move the whole region along a path, by the displacement from the path's start.

    Moving a part of an object, such as its face, turns it in depth (3D rotation, App. J).

    Args:
        path: A `Path`, or waypoints (x, y) of a smooth one.

    Raises:
        TypeError, ValueError: What `Path` refuses.
    """

    path: Path

    def __init__(self, path: Path | Points) -> None:
        settle(self, path=as_path(path))

    @classmethod
    def by(cls, dx: float, dy: float, ease: str = "linear") -> Translation:
        """Straight by (dx, dy) pixels."""
        return cls(Path.polyline([(0.0, 0.0), (dx, dy)], ease))

    @classmethod
    def through(cls, displacements: Points, start: Point = (0.0, 0.0)) -> Translation:
        """By exactly `displacements[i]` (x, y) pixels from rest at latent frame i + 1.

        Args:
            displacements: One for each latent frame, all relative to the start.
            start: The point (x, y) that the path is drawn from.
        """
        return cls(_stations(displacements, start))


@dataclass(frozen=True, init=False)
class Deformation(_Shift):
    """Pull the edge of a region along a path and leave the rest of it in place (App. J).

    Only the edge is held: the part of the region that lies farthest toward the pull, which is the
    direction from the path's start to its farthest point. So paint the whole object and pull.

    Args:
        path: A `Path`, or waypoints (x, y) of a smooth one.
        edge: How much of the region is held, as a share of its size along the pull, in (0, 1].
            1 holds all of it: for a region that is an edge already.

    Raises:
        TypeError, ValueError: What `Path` refuses, or an `edge` outside (0, 1].
    """

    path: Path
    edge: float

    def __init__(self, path: Path | Points, *, edge: float = EDGE) -> None:
        settle(self, path=as_path(path), edge=fraction(edge, "edge"))

    @classmethod
    def by(cls, dx: float, dy: float, ease: str = "linear", *, edge: float = EDGE) -> Deformation:
        """Straight by (dx, dy) pixels."""
        return cls(Path.polyline([(0.0, 0.0), (dx, dy)], ease), edge=edge)

    def handle(self, mask: BoolMask) -> BoolMask:
        """The edge of a region (H, W) toward the pull."""
        if self.edge == 1:
            return mask
        return edge(mask, self.path.reach, self.edge * span(mask, self.path.reach))


@dataclass(frozen=True, init=False)
class Rotation(Motion):
    """Turn the region about a point (2D rotation, App. J).

    Args:
        center: The fixed point (x, y) in pixels.
        degrees: Positive clockwise on screen. A number, or an arc: a sequence of angles that
            starts from 0 (which is put in front if missing) and is passed through at even
            intervals, linearly in between.
        ease: Timing, a name in `EASINGS`; with `frames` it shapes each stretch between pins.
        frames: The latent frame of each angle of the arc, the first 0 included.

    Raises:
        TypeError: `degrees` is missing or no number or sequence of numbers.
        ValueError: Nothing turns, an angle is not finite or beyond a million, an unknown `ease`,
            or frames that do not rise from 0.
    """

    center: Point
    degrees: float | tuple[float, ...]
    ease: str
    frames: tuple[float, ...] | None

    def __init__(
        self,
        center: Sequence[float],
        degrees: float | Sequence[float] | NDArray[np.floating],
        ease: str = "linear",
        frames: Sequence[float] | None = None,
    ) -> None:
        check_ease(ease)
        settle(self, center=point(center, "center"), degrees=_degrees(degrees), ease=ease)
        settle(self, frames=check_frames(frames, len(self.arc), "angles"))
        if self.extent[1] == 0:
            raise ValueError(f"a rotation must turn, got degrees={self.degrees!r}")

    @property
    def arc(self) -> tuple[float, ...]:
        """The angles passed through, the first of them 0."""
        return self.degrees if isinstance(self.degrees, tuple) else (0.0, self.degrees)

    def angle(self, fraction: float) -> float:
        """The degrees turned at a fraction of the time, in [0, 1]."""
        arc = self.arc
        steps = range(len(arc))
        step = progress(check_fraction(fraction), steps, self.frames, self.ease)
        return float(np.interp(step, steps, arc))

    def at(self, fraction: float) -> Affine:
        """See `Motion.at`."""
        return Affine.rotation(self.center, self.angle(fraction))

    @property
    def extent(self) -> tuple[float, float]:
        """See `Motion.extent`."""
        return 0.0, sum(abs(later - earlier) for earlier, later in pairwise(self.arc))

    @property
    def duration(self) -> float | None:
        """See `Motion.duration`."""
        return self.frames[-1] if self.frames else None


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


@dataclass(frozen=True, init=False)
class Memory:
    """An object as it looked in the last latent frame of an earlier block (App. R).

    Args:
        block: Which block, counted from 0.
        region: Where the object was: a shape, or a boolean mask (H, W).

    Raises:
        TypeError: The block is not an integer, or the region no region.
        ValueError: The block is negative.
    """

    block: int
    region: Shape

    def __init__(self, block: int, region: Region) -> None:
        settle(self, block=whole(block, "block", least=0), region=as_shape(region))


@dataclass(frozen=True, init=False)
class Drag:
    """A region, and the motion it should make.

    Args:
        region: A shape, or a boolean mask (H, W), in the frame that the drag starts from.
        motion: `Translation`, `Deformation`, `Rotation`, or a `Motion` of your own.
        source: Take the object's looks from this memory instead of that frame, as when it comes
            back into view: what was at the memory's region is first put at `region`, centroid on
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
                f"motion must be a Translation, Deformation, Rotation or another Motion, "
                f"got {short(motion)}"
            )
        if not (source is None or isinstance(source, Memory)):
            raise TypeError(f"source must be a Memory or None, got {short(source)}")
        settle(self, region=as_shape(region), motion=motion, source=source)

    def mask(self, height: int, width: int) -> BoolMask:
        """The handle as the method uses it: bool (height, width).

        That is the region, or for a deformation its edge toward the pull.

        Raises:
            ValueError: The region covers no pixel of the frame, or is a mask of another size.
        """
        return self.motion.handle(rasterise(self.region, height, width))

    def origin(self, height: int, width: int) -> Affine:
        """The map from the frame that shows the object's looks to the drag's first frame.

        The identity without a `source`; else the shift of the memory's centroid to the region's.

        Raises:
            ValueError: One of the regions covers no pixel of the frame, or has another size.
        """
        if self.source is None:
            return Affine.identity()
        old_x, old_y = centroid(rasterise(self.source.region, height, width))
        new_x, new_y = centroid(rasterise(self.region, height, width))
        return Affine.translation(new_x - old_x, new_y - old_y)


def validate(drags: Sequence[Drag], keep: Region | None, height: int, width: int) -> list[BoolMask]:
    """Check drags against a frame and against the region that must stay as it is.

    Targets may leave the frame: an object dragged out of view is a legal drag.

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
            shares pixels with `keep`. The message says which drag, counted from 0.
    """
    given: Any = drags
    if isinstance(given, str | bytes | Drag) or not isinstance(given, Sequence):
        raise TypeError(f"drags must be a sequence of Drag, got {type(given).__name__}")
    for index, drag in enumerate(given):
        if not isinstance(drag, Drag):
            raise TypeError(f"drags[{index}] must be a Drag, got {short(drag)}")
    if not given:
        raise ValueError("drags is empty: give at least one Drag")
    masks = [_handle(f"drags[{i}]", drag, height, width) for i, drag in enumerate(drags)]
    check_apart(masks, keep, height, width)
    return masks


def check_apart(masks: Sequence[BoolMask], keep: Region | None, height: int, width: int) -> None:
    """Check that handles, as `validate` returns them, share no pixel with the region to keep.

    Raises:
        TypeError: `keep` is no region.
        ValueError: `keep` is empty or of another size, or holds a part of a handle.
    """
    if keep is None:
        return
    try:
        kept = rasterise(keep, height, width)
    except ValueError as error:
        raise ValueError(f"keep: {error}; use None to keep nothing") from error
    for index, mask in enumerate(masks):
        shared = int((mask & kept).sum())
        if shared:
            raise ValueError(
                f"the handle of drags[{index}] lies inside keep with {shared} of its "
                f"{int(mask.sum())} pixels: it cannot both move and stay"
            )


def _handle(name: str, drag: Drag, height: int, width: int) -> BoolMask:
    try:
        mask = drag.mask(height, width)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if drag.source is not None:
        try:
            rasterise(drag.source.region, height, width)
        except ValueError as error:
            raise ValueError(f"{name}.source: {error}") from error
    return mask


def _stations(displacements: Points, start: Point) -> Path:
    x, y = point(start, "start")
    moved = [point(pair, f"displacements[{index}]") for index, pair in enumerate(displacements)]
    stations = [(x, y), *((x + dx, y + dy) for dx, dy in moved)]
    return Path.polyline(stations, frames=range(len(stations)))


def _degrees(degrees: object) -> float | tuple[float, ...]:
    if isinstance(degrees, Sequence | np.ndarray) and not isinstance(degrees, str | bytes):
        angles = tuple(angle(turn, f"degrees[{i}]") for i, turn in enumerate(degrees))
        if not angles:
            raise ValueError("degrees is empty: give an angle or a sequence of angles")
        return angles if angles[0] == 0 else (0.0, *angles)
    return angle(degrees, "degrees")
