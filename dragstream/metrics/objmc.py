"""ObjMC: distance of an object's motion from the commanded one (Appendix C.2), in pixels.

Points are scattered in the handle region and followed through the video. At each latent frame
their mean position is compared with the one that the drag commands, which is the paper's
definition; or each point with its own target, which shows turns, too. Where too few points could
be followed there is no figure: NaN in Python, null in JSON.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import Point
from dragstream.drags.geometry import Affine, FrameClock
from dragstream.drags.motions import Drag, targets
from dragstream.drags.regions import bounding_box
from dragstream.metrics.matching import DescriptorMatching
from dragstream.metrics.sliding import scatter, without_sliding
from dragstream.metrics.trackers import Tracker, tracker_for


class ObjMCOptions(TypedDict, total=False):
    """Keyword arguments of :func:`objmc` that do not depend on the video."""

    tracker: Tracker | None
    points: int
    seed: int
    least_coverage: float
    warn_below: float


class LowCoverage(UserWarning):
    """Few points were followed consistently, so the figure means little."""


@dataclass(frozen=True)
class ObjMC:
    """An object's motion compared with the commanded one.

    A trajectory point at which too few points could be followed has no figure (NaN).

    Attributes:
        mean: the metric: mean of `distances` over the trajectory points that have one, pixels;
            NaN where the last one has none.
        distances: per trajectory point, pixels. Those of `mean_position`; of a rotation those of
            `point_by_point` (a turn about the region's middle does not move the mean).
        mean_position: the paper's definition: the distance from the points' mean position to
            the commanded one, mean as in `mean`, pixels.
        point_by_point: mean distance of the points to their own targets, mean as in `mean`,
            pixels.
        trajectory: mean tracked position (x, y) per trajectory point, pixels.
        commanded: mean commanded position (x, y) of the same points, pixels.
        still: `mean` of a track that does not move, pixels; the scale of the command.
        coverage: share of the points that stayed consistent to the last trajectory point, 0..1.
        frames: index of the frame that each trajectory point was read in.
        tracker: name of the tracker.
    """

    mean: float
    distances: tuple[float, ...]
    mean_position: float
    point_by_point: float
    trajectory: tuple[Point, ...]
    commanded: tuple[Point, ...]
    still: float
    coverage: float
    frames: tuple[int, ...]
    tracker: str

    @property
    def measured(self) -> bool:
        """True if enough points were followed for a figure."""
        return not math.isnan(self.mean)

    def to_json(self) -> dict[str, object]:
        """Plain lists and numbers; None where there is no figure."""
        return {name: _plain(value) for name, value in vars(self).items()}


def _plain(value: Any) -> Any:
    """Lists for tuples, None for NaN."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return json_number(value) if isinstance(value, float) else value


def json_number(value: float) -> float | None:
    """A figure as JSON holds it: None for NaN, which JSON does not have."""
    return None if math.isnan(value) else value


def known_mean(values: Iterable[float | None]) -> float | None:
    """The mean of the figures that are known; None where all are None or NaN."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return sum(known) / len(known) if known else None


def span(mask: NDArray[np.bool_], commands: Iterable[Affine]) -> float:
    """Larger side, in pixels, of the box around a handle region and its targets in the frame."""
    bounds = np.array([bounding_box(mask, affine) for affine in (Affine.identity(), *commands)])
    limit = np.array(mask.shape[::-1]) - 0.5
    low = np.clip(bounds[:, :2].min(axis=0), -0.5, limit)
    high = np.clip(bounds[:, 2:].max(axis=0), -0.5, limit)
    return float((high - low).max())


def latent_offsets(clock: FrameClock, handle: int, count: int) -> tuple[int, ...]:
    """The video frames of an animation's trajectory points, counted from the handle's.

    The handle lies on the last video frame of latent frame `handle`. The trajectory point of each
    of the `count` latent frames after it is read in that latent frame's last video frame.
    """
    return tuple(clock.last(handle + n) - clock.last(handle) for n in range(1, count + 1))


def objmc(
    frames: NDArray[np.uint8],
    drag: Drag,
    *,
    at: Sequence[int] | None = None,
    commands: Sequence[Affine] | None = None,
    tracker: Tracker | None = None,
    points: int = 256,
    seed: int = 0,
    least_coverage: float = 0.15,
    warn_below: float = 0.3,
) -> ObjMC:
    """Object motion consistency of one drag.

    Points count while the tracker follows them consistently and while they do not slide onto the
    background (:func:`dragstream.metrics.sliding.without_sliding`).

    Args:
        frames: (T, H, W, 3) uint8; `frames[0]` is the frame that the handle region lies on. For an
            edit these are two frames, before and after.
        drag: the handle region in `frames[0]` (a deformation holds its edge) and the motion.
        at: the frame of each trajectory point; None: every frame after the first one.
        commands: the commanded map from rest of each trajectory point; None: the drag's motion,
            whose end is reached at the last point (for an edit: `[drag.motion.at(1)]`).
        tracker: None: :class:`~dragstream.metrics.matching.DescriptorMatching` for two frames, else
            the one for the command's size (:func:`dragstream.metrics.trackers.tracker_for`).
        points: the most points to scatter in the region.
        seed: seed of the scattering.
        least_coverage: a trajectory point has no figure (NaN) below this share of followed points.
        warn_below: a coverage below this share warns with :class:`LowCoverage`.

    Raises:
        TypeError: no :class:`~dragstream.metrics.trackers.Tracker`, or tracks that are no arrays.
        ValueError: tracks of another shape than (T, N, 2), frames of another size than the
            region's, `at` outside the video, another number of commands, or a share outside 0..1.
        ImportError: the tracker needs OpenCV, and it is not installed.
    """
    frames = np.asarray(frames)
    _check_options(frames, tracker, least_coverage)
    read = _trajectory_frames(at, len(frames))
    commands = targets(drag.motion, len(read)) if commands is None else commands
    if len(commands) != len(read):
        raise ValueError(f"{len(read)} trajectory points need as many commands: {len(commands)}")
    mask = drag.mask(frames.shape[1], frames.shape[2])
    if tracker is None:
        tracker = DescriptorMatching() if len(frames) == 2 else tracker_for(span(mask, commands))
    start = scatter(mask, points, seed)
    tracks, consistent = _tracked(tracker, frames[: read[-1] + 1], mask, start)
    result = _compare(drag, read, commands, start, tracks, consistent, least_coverage, tracker.name)
    if result.coverage < warn_below:
        least = "the distance may reflect the tracker more than the drag"
        warnings.warn(
            f"only {result.coverage:.0%} of the points were followed consistently to the end by "
            f"{result.tracker}: {least if result.measured else 'too few for a figure'}",
            LowCoverage,
            stacklevel=2,
        )
    return result


def _check_options(frames: NDArray[np.uint8], tracker: object, least_coverage: float) -> None:
    if not (tracker is None or isinstance(tracker, Tracker)):
        raise TypeError(
            f"tracker must have a name and a method track(frames, points), got {tracker!r}"
        )
    if not 0 <= least_coverage <= 1:
        raise ValueError(f"least_coverage must be a share from 0 to 1, got {least_coverage!r}")
    if frames.ndim != 4:
        raise ValueError(f"frames must have shape (T, H, W, 3), got {frames.shape}")


def _tracked(
    tracker: Tracker, frames: NDArray[np.uint8], mask: NDArray[np.bool_], start: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Tracks (T, N, 2) of points, and the consistent ones that stay on the object, bool (T, N).

    Without OpenCV, points that slide off the object stay consistent.
    """
    tracks, consistent = tracker.track(frames, start)
    _check_tracks(tracks, consistent, (len(frames), len(start)), tracker.name)
    try:
        return tracks, without_sliding(frames, mask, tracks, consistent)
    except ImportError:
        return tracks, consistent


def _compare(  # noqa: PLR0917
    drag: Drag,
    read: tuple[int, ...],
    commands: Sequence[Affine],
    start: NDArray[np.float64],
    tracks: NDArray[np.float64],
    consistent: NDArray[np.bool_],
    least_coverage: float,
    tracker: str,
) -> ObjMC:
    """Compare tracks with the commanded positions at the trajectory points."""
    turns = not drag.motion.mean_tells
    goals = [command.apply(start) for command in commands]
    unknown = (math.nan, math.nan)
    found: list[tuple[float, float, Point, Point]] = []
    for frame, goal in zip(read, goals, strict=True):
        kept = consistent[frame]
        if float(kept.mean()) < max(least_coverage, 1e-9):
            found.append((*unknown, unknown, unknown))
            continue
        track, wanted = tracks[frame][kept], goal[kept]
        apart = (_apart(track - wanted, each=each) for each in (False, True))
        found.append((*apart, _middle(track), _middle(wanted)))  # type: ignore[arg-type]
    means, each, trajectory, commanded = zip(*found, strict=True)
    return ObjMC(
        # Points are compared one by one where the mean position may not show the motion.
        mean=_mean(each if turns else means),
        distances=each if turns else means,
        mean_position=_mean(means),
        point_by_point=_mean(each),
        trajectory=trajectory,
        commanded=commanded,
        still=float(np.mean([_apart(start - goal, each=turns) for goal in goals])),
        coverage=float(consistent[read[-1]].mean()),
        frames=read,
        tracker=tracker,
    )


def _apart(gaps: NDArray[np.float64], *, each: bool) -> float:
    """Distance of points from their goals, or of their means."""
    gap = np.linalg.norm(gaps, axis=1).mean() if each else np.linalg.norm(gaps.mean(axis=0))
    return float(gap)


def _middle(points: NDArray[np.float64]) -> Point:
    x, y = points.mean(axis=0)
    return float(x), float(y)


def _mean(distances: Sequence[float]) -> float:
    """Of the trajectory points that were measured; NaN where the last one was not."""
    return math.nan if math.isnan(distances[-1]) else float(np.nanmean(distances))


def _check_tracks(tracks: object, consistent: object, shape: tuple[int, int], name: str) -> None:
    for found, wanted in ((tracks, (*shape, 2)), (consistent, shape)):
        if not isinstance(found, np.ndarray):
            raise TypeError(f"the tracker {name!r} must give arrays, got {type(found).__name__}")
        if found.shape != wanted:
            raise ValueError(
                f"the tracker {name!r} must give tracks (T, N, 2) and a mask (T, N) with T, N = "
                f"{shape}, got shape {found.shape}"
            )


def _trajectory_frames(at: Sequence[int] | None, length: int) -> tuple[int, ...]:
    read = tuple(range(1, length)) if at is None else tuple(int(frame) for frame in at)
    if not read:
        raise ValueError(
            f"a trajectory needs at least one frame after the handle's, got {length} frame(s)"
        )
    if list(read) != sorted(set(read)) or read[0] < 1 or read[-1] >= length:
        raise ValueError(
            f"trajectory frames must rise and lie between 1 and {length - 1} "
            f"(the video has {length} frames from the handle's on), got {list(read)}"
        )
    return read
