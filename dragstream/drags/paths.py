"""Paths through the frame and their timing.

The front end draws the same paths, so sampling is defined exactly:

1. *Curve.* A polyline joins its waypoints. A smooth path of n >= 3 waypoints is a B-spline of
   degree k = min(3, n - 1) over u in [0, 1] with the clamped uniform knots
   0 (k + 1 times), 1/m, ..., (m - 1)/m, 1 (k + 1 times), where m = n - k. The waypoints are its
   control points: it starts and ends at the first and last one and leans toward the others.
   If the waypoints are pinned to frames the spline instead passes *through* them: its control
   points solve C(u_i) = waypoint i at the Greville parameters u_i, the mean of the k inner knots
   of control point i (knots i + 1 to i + k). Two waypoints make a straight line either way.
2. *Table.* A polyline's table is its waypoints. A spline's is C(j / J) for j = 0 ... J with
   J = 96 m; every u_i is a row of it (96 is divisible by 2 and 3). Beside each row stands its
   length so far: the sum of the chords between rows.
3. *Timing.* Without pins the length at time f in [0, 1] is ease(f) times the whole length. With
   pins, f stands for the latent frame t = f * frames[-1]; between pins i and i + 1 the length is
   s_i + (s_{i+1} - s_i) * ease((t - t_i) / (t_{i+1} - t_i)), s_i being the length at waypoint i.
4. *Point.* The point at a length is interpolated linearly between the table's rows around it:
   the last row j whose length does not exceed it, and row j + 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import (
    Point,
    Points,
    check_bool,
    check_choice,
    check_finite,
    check_unit_interval,
    read_points,
    set_fields,
    short_repr,
)

ROWS_PER_SPAN = 96
"""Rows of a spline's table per knot span; divisible by 2 and 3, see step 2 above."""

SHORTEST = 1e-6
"""Shortest length of a path in pixels."""

Floats = NDArray[np.float64]

EASINGS: Mapping[str, Callable[[float], float]] = MappingProxyType(
    {
        "linear": lambda time: time,
        "ease_in": lambda time: time * time,
        "ease_out": lambda time: time * (2 - time),
        "ease_in_out": lambda time: (
            2 * time * time if time < 0.5 else 1 - 2 * (1 - time) * (1 - time)
        ),
    }
)
"""Easing functions by name: progress as a function of time, both from 0 to 1."""


def check_ease(ease: object, name: str = "ease") -> str:
    """`ease` if it names one of `EASINGS`."""
    return check_choice(ease, EASINGS, name)  # type: ignore[no-any-return]


def check_stops(
    value: object, name: str, check: Callable[[object, str], float], first: float
) -> float | tuple[float, ...]:
    """A number, or the numbers of a sequence that begins with `first` (added if missing)."""
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str | bytes):
        return check(value, name)
    stops = tuple(check(each, f"{name}[{index}]") for index, each in enumerate(value))
    if not stops:
        raise ValueError(f"{name} is empty: give a number or a sequence of numbers")
    return stops if stops[0] == first else (first, *stops)


def check_frames(frames: object, count: int, what: str) -> tuple[float, ...] | None:
    """Pins as floats: one latent frame for each of `count` waypoints, rising from 0; or None."""
    if frames is None:
        return None
    if isinstance(frames, str | bytes) or not isinstance(frames, Sequence | np.ndarray):
        raise TypeError(
            f"frames must be a sequence of latent frames or None, got {short_repr(frames)}"
        )
    pins = tuple(check_finite(frame, f"frames[{index}]") for index, frame in enumerate(frames))
    if len(pins) != count:
        raise ValueError(
            f"frames must hold one latent frame for each of {count} {what}, got {short_repr(pins)}"
        )
    if pins[0] != 0 or any(later <= earlier for earlier, later in pairwise(pins)):
        raise ValueError(f"frames must rise from 0, got {short_repr(pins)}")
    return pins


def progress(
    fraction: float, stops: Sequence[float], frames: Sequence[float] | None, ease: str
) -> float:
    """The value at a fraction of the time: between pinned stops, or from the first to the last."""
    fraction = check_unit_interval(fraction, "fraction")
    if frames is None:
        return stops[0] + (stops[-1] - stops[0]) * EASINGS[ease](fraction)
    time = fraction * frames[-1]
    pin = min(bisect_right(frames, time), len(frames) - 1) - 1
    share = (time - frames[pin]) / (frames[pin + 1] - frames[pin])
    return stops[pin] + (stops[pin + 1] - stops[pin]) * EASINGS[ease](share)


class _Table(NamedTuple):
    """A path's sampled curve."""

    points: Floats  # (rows, 2)
    lengths: Floats  # (rows,), from 0 up
    stops: tuple[float, ...]  # the length at each waypoint, where the path passes them


@dataclass(frozen=True, init=False)
class Path:
    """The path of a drag: waypoints (x, y) in pixels of the video frame.

    The region moves by the displacement from the first waypoint, at even speed along the curve
    unless `ease` or `frames` is given.

    Args:
        points: At least two waypoints (x, y).
        smooth: True for a clamped B-spline with the waypoints as control points, False for
            straight lines.
        ease: Timing, a name in `EASINGS`; with `frames` it shapes each stretch between pins.
        frames: The latent frame at which each waypoint is reached, rising from 0 (the frame that
            the drag starts from). A pinned path passes through all its waypoints.

    Raises:
        TypeError: The points are not pairs of numbers.
        ValueError: Fewer than two points, NaN, a path of no length, an unknown `ease`, or frames
            that do not rise from 0.
    """

    points: tuple[Point, ...]
    smooth: bool = True
    ease: str = "linear"
    frames: tuple[float, ...] | None = None

    def __init__(
        self,
        points: Points,
        smooth: bool = True,  # noqa: FBT001, FBT002  # a field like the others
        ease: str = "linear",
        frames: Sequence[float] | None = None,
    ) -> None:
        waypoints = read_points(points, "points", least=2)
        ease = check_ease(ease)
        pins = check_frames(frames, len(waypoints), "waypoints")
        set_fields(
            self, points=waypoints, smooth=check_bool(smooth, "smooth"), ease=ease, frames=pins
        )
        if self.length < SHORTEST:
            raise ValueError(f"a path must have a length, got {short_repr(waypoints)} of length 0")

    @classmethod
    def spline(
        cls, points: Points, ease: str = "linear", frames: Sequence[float] | None = None
    ) -> Path:
        """A smooth path, see the class."""
        return cls(points, smooth=True, ease=ease, frames=frames)

    @classmethod
    def polyline(
        cls, points: Points, ease: str = "linear", frames: Sequence[float] | None = None
    ) -> Path:
        """Straight lines from waypoint to waypoint, see the class."""
        return cls(points, smooth=False, ease=ease, frames=frames)

    @property
    def length(self) -> float:
        """The length of the curve in pixels."""
        return float(self._table.lengths[-1])

    @property
    def reach(self) -> Point:
        """The displacement (x, y) of the path's point that is farthest from its start."""
        away = self._table.points - self._table.points[0]
        x, y = away[np.argmax((away**2).sum(axis=1))]
        return float(x), float(y)

    def at(self, fraction: float) -> Point:
        """The point (x, y) reached at a fraction of the time, 0 being the start and 1 the end."""
        table = self._table
        length = progress(fraction, table.stops, self.frames, self.ease)
        x = np.interp(length, table.lengths, table.points[:, 0])
        y = np.interp(length, table.lengths, table.points[:, 1])
        return float(x), float(y)

    def displacement(self, fraction: float) -> Point:
        """The displacement (x, y) from the start at a fraction of the time."""
        x, y = self.at(fraction)
        return x - self.points[0][0], y - self.points[0][1]

    @cached_property
    def _table(self) -> _Table:
        waypoints = np.array(self.points)
        count = len(waypoints)
        pinned = self.frames is not None
        if self.smooth and count > 2:
            curve, rows = _spline_rows(waypoints, through=pinned)
        else:
            curve, rows = waypoints, list(range(count))
        chords = np.hypot(*np.diff(curve, axis=0).T)
        lengths = np.concatenate([[0.0], np.cumsum(chords)])
        # Without pins only the ends count: a control point is not on the curve.
        passed = rows if pinned else (rows[0], rows[-1])
        return _Table(curve, lengths, tuple(float(lengths[row]) for row in passed))


def as_path(value: Path | Points) -> Path:
    """`value` if it is a Path, else the smooth path along a sequence of points (x, y)."""
    return value if isinstance(value, Path) else Path(value)


def _spline_rows(waypoints: Floats, *, through: bool) -> tuple[Floats, list[int]]:
    """The table of a spline (rows, 2), and the row at each waypoint's Greville parameter."""
    from scipy.interpolate import BSpline, make_interp_spline  # slow to import

    count = len(waypoints)
    degree = min(3, count - 1)
    spans = count - degree
    inner = np.arange(1, spans) / spans
    knots = np.concatenate([np.zeros(degree + 1), inner, np.ones(degree + 1)])
    total = ROWS_PER_SPAN * spans
    rows = [round(total * knots[i + 1 : i + degree + 1].mean()) for i in range(count)]
    parameters = np.arange(total + 1) / total
    if through:
        spline = make_interp_spline(parameters[rows], waypoints, degree, knots)
    else:
        spline = BSpline(knots, waypoints, degree)
    curve = spline(parameters)
    # the ends to the last bit, not to rounding
    curve[0], curve[-1] = waypoints[0], waypoints[-1]
    return curve, rows
