"""`Poses`: the region moves, turns and grows about a point, to one pose in each latent frame."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from dragstream.drags.checks import (
    Point,
    check_degrees,
    check_pixels,
    check_point,
    check_sequence,
    check_unit_interval,
    set_fields,
    short_repr,
)
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.base import Dot, Line, Motion, Sketch, Tip
from dragstream.drags.motions.scale import check_factor
from dragstream.drags.shapes import BoolMask


class Pose(NamedTuple):
    """A displacement from rest: a turn and a growth about the centre, then a shift."""

    dx: float
    """Shift in pixels."""
    dy: float
    """Shift in pixels."""
    degrees: float = 0.0
    """Positive clockwise on screen."""
    factor: float = 1.0
    """Factor of lengths."""


_REST = Pose(0.0, 0.0)
_CHECKS = (check_pixels, check_pixels, check_degrees, check_factor)


@dataclass(frozen=True, init=False)
class Poses(Motion):
    """Move the region to a pose (dx, dy, degrees, factor) in each latent frame.

    A pose turns the region about the centre, scales it about the centre, and then shifts it.
    Between latent frames the shift and the angle change linearly, the size by equal ratios in
    equal times. A live stream records the moves of its holds as such motions.

    Args:
        center: The point (x, y) in pixels about which the region turns and grows.
        poses: The poses of latent frames 1, 2, ... of the drag, relative to rest. A pose is
            (dx, dy), (dx, dy, degrees) or (dx, dy, degrees, factor): pixels, degrees clockwise on
            screen, and a factor of lengths in [1/100, 100].

    Raises:
        TypeError: Poses that are not sequences of numbers.
        ValueError: No pose, a pose of another length, or a number out of bounds.
    """

    kind: ClassVar[str] = "poses"

    center: Point
    poses: tuple[Pose, ...]

    def __init__(self, center: Sequence[float], poses: Iterable[Sequence[float]]) -> None:
        given = check_sequence(poses, "poses", "poses (dx, dy, degrees, factor)")
        read = tuple(_pose(each, f"poses[{index}]") for index, each in enumerate(given))
        set_fields(self, center=check_point(center, "center"), poses=read)

    def pose(self, fraction: float) -> Pose:
        """The pose at a fraction of the time, in [0, 1]; at rest at 0."""
        stops = (_REST, *self.poses)
        time = check_unit_interval(fraction, "fraction") * len(self.poses)
        before = min(bisect_right(range(len(stops)), time), len(self.poses)) - 1
        share = time - before
        if share == 1.0:
            return stops[before + 1]
        return _between(stops[before], stops[before + 1], share)

    def at(self, fraction: float) -> Affine:
        return self._map(self.pose(fraction))

    def partway(self, fraction: float, share: float) -> Affine:
        """See `Motion.partway`: a straight way to the pose at `fraction`."""
        return self._map(_between(_REST, self.pose(fraction), share))

    def displacement(self, fraction: float, mask: BoolMask) -> tuple[float, float]:
        """See `Motion.displacement`: the shift and the growth in pixels, and the turn."""
        pose = self.pose(fraction)
        away = np.argwhere(mask)[:, ::-1] - np.array(self.center)
        growth = abs(pose.factor - 1.0) * float(np.hypot(*away.T).max(initial=0.0))
        return math.hypot(pose.dx, pose.dy) + growth, abs(pose.degrees)

    @property
    def duration(self) -> float:
        """See `Motion.duration`: one latent frame for each pose."""
        return float(len(self.poses))

    def sketch(self, mask: BoolMask, latent_frames: int) -> Sketch:
        """See `Motion.sketch`: the trajectory of the centre, and the turned arm at its end."""
        start, end = self.center, self._moved(self.center, 1.0)
        lines = [Line(self._trajectory(start))]
        if self.poses[-1].degrees or self.poses[-1].factor != 1.0:
            length = max(10.0, 1.4 * math.sqrt(mask.sum() / math.pi))
            rest = (start[0], start[1] - length)
            lines = [Line((start, rest), 1.0), Line((end, self._moved(rest, 1.0)), 1.0), *lines]
        tip: Tip | None = "arrow" if math.dist(start, end) > 0 else None
        return Sketch(tuple(lines), tip, (*self._frame_dots(start, latent_frames), Dot(start, 1.8)))

    def _map(self, pose: Pose) -> Affine:
        turned = Affine.rotation(self.center, pose.degrees)
        grown = Affine.scaling(self.center, pose.factor)
        return turned.then(grown).then(Affine.translation(pose.dx, pose.dy))


def _pose(value: object, name: str) -> Pose:
    numbers = check_sequence(value, name, "numbers (dx, dy, degrees, factor)")
    if not 2 <= len(numbers) <= 4:
        raise ValueError(f"{name} must be (dx, dy, degrees, factor), got {short_repr(numbers)}")
    checks = zip(numbers, Pose._fields, _CHECKS, strict=False)
    return Pose(*(check(number, f"the {field} of {name}") for number, field, check in checks))


def _between(first: Pose, last: Pose, share: float) -> Pose:
    dx, dy, degrees = (a + share * (b - a) for a, b in zip(first[:3], last[:3], strict=True))
    return Pose(dx, dy, degrees, first.factor * (last.factor / first.factor) ** share)
