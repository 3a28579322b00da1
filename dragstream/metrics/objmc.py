"""ObjMC: how closely an object follows the commanded motion (Appendix C.2), in pixels.

Points are scattered in the handle region and followed through the video; at each latent frame
their mean position is compared with where the drag commands it to be.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, targets
from dragstream.method.focus import target_bounds
from dragstream.metrics.trackers import Tracker, suited

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dragstream.drags.geometry import FrameClock

__all__ = ["LowCoverage", "ObjMC", "latent_offsets", "objmc", "scatter", "span"]

Points = tuple[tuple[float, float], ...]


class LowCoverage(UserWarning):
    """Few points were followed consistently: the figure says little."""


@dataclass(frozen=True)
class ObjMC:
    """How an object moved, against how it was commanded to move.

    Attributes:
        mean: the metric: mean of `distances`, pixels.
        distances: per trajectory point, pixels. For a rotation the mean distance of the points
            to their own targets (a turn about the region's middle does not move the mean),
            else the distance of the mean position to its target.
        trajectory: mean tracked position (x, y) per trajectory point, pixels.
        commanded: where the same points were commanded to be, mean (x, y), pixels.
        still: `mean` of a track that does not move, pixels; the scale of the command.
        coverage: share of the points that stayed consistent to the last trajectory point, 0..1.
        frames: index of the frame that each trajectory point was read in.
        tracker: name of the tracker.
    """

    mean: float
    distances: tuple[float, ...]
    trajectory: Points
    commanded: Points
    still: float
    coverage: float
    frames: tuple[int, ...]
    tracker: str

    def to_json(self) -> dict[str, object]:
        """Plain lists and numbers."""
        return {
            "mean": self.mean,
            "distances": list(self.distances),
            "trajectory": [list(point) for point in self.trajectory],
            "commanded": [list(point) for point in self.commanded],
            "still": self.still,
            "coverage": self.coverage,
            "frames": list(self.frames),
            "tracker": self.tracker,
        }


def scatter(mask: NDArray[np.bool_], count: int = 256, seed: int = 0) -> NDArray[np.float64]:
    """At most `count` points (N, 2) spread evenly, at random, over the True pixels of `mask`.

    Poisson disc sampling: pixels in a seeded random order, each taken unless it lies too close
    to one that was taken.

    Raises:
        ValueError: an empty mask or a count below 1.
    """
    if count < 1:
        raise ValueError(f"the number of points must be at least 1, got {count!r}")
    rows, columns = np.nonzero(mask)
    if not len(rows):
        raise ValueError("cannot scatter points in an empty mask")
    candidates = np.random.default_rng(seed).permutation(
        np.stack([columns, rows], axis=1).astype(np.float64)
    )
    if len(candidates) <= count:
        return candidates
    # Random sequential placement jams at 0.70 area / spacing^2 points; aim just above `count`.
    spacing = np.sqrt(0.68 * len(candidates) / count)
    taken: list[NDArray[np.float64]] = []
    while len(candidates) and len(taken) < count:
        point = candidates[0]
        taken.append(point)
        candidates = candidates[np.linalg.norm(candidates - point, axis=1) >= spacing]
    return np.stack(taken)


def span(mask: NDArray[np.bool_], commands: Iterable[Affine]) -> float:
    """Larger side, in pixels, of the box around a handle region and all its targets in the frame.

    Args:
        mask: the handle region, bool (H, W), not empty.
        commands: the commanded maps from rest.
    """
    bounds = np.array([target_bounds(mask, affine) for affine in (Affine.identity(), *commands)])
    limit = np.array(mask.shape[::-1]) - 0.5
    low = np.clip(bounds[:, :2].min(axis=0), -0.5, limit)
    high = np.clip(bounds[:, 2:].max(axis=0), -0.5, limit)
    return float((high - low).max())


def latent_offsets(
    clock: FrameClock, handle: int, count: int, within: float = 1.0
) -> tuple[int, ...]:
    """The video frames of an animation's trajectory points, counted from the handle's.

    The handle lies on the last video frame of latent frame `handle`. The trajectory point of each
    of the `count` latent frames after it is read in one of that latent frame's video frames.

    Args:
        clock: latent to video frames.
        handle: the latent frame of the handle.
        count: how many trajectory points.
        within: which of a latent frame's video frames: from 0, its first, to 1, its last.

    Raises:
        ValueError: `within` below 0 or above 1.
    """
    if not 0 <= within <= 1:
        raise ValueError(f"within must be from 0 (first frame) to 1 (last), got {within!r}")
    first = clock.last(handle)
    spans = ((clock.start(handle + n), clock.last(handle + n)) for n in range(1, count + 1))
    return tuple(round(start + within * (last - start)) - first for start, last in spans)


def objmc(
    frames: NDArray[np.uint8],
    drag: Drag,
    *,
    at: Sequence[int] | None = None,
    commands: Sequence[Affine] | None = None,
    tracker: Tracker | None = None,
    points: int = 256,
    seed: int = 0,
    warn_below: float = 0.3,
) -> ObjMC:
    """Object motion consistency of one drag.

    Args:
        frames: (T, H, W, 3) uint8; `frames[0]` is the frame that the handle region lies on. For
            an edit these are two frames, before and after.
        drag: the handle region in `frames[0]` (a deformation holds its edge) and the motion.
        at: the frame of each trajectory point (see :func:`latent_offsets`); None: every frame
            after the first one.
        commands: the commanded map from rest of each trajectory point; None: the drag's motion,
            whose end is reached at the last point (for an edit: `[drag.motion.at(1)]`).
        tracker: None: what suits the command's size (:func:`dragstream.metrics.trackers.suited`).
        points: how many points to scatter in the region, at most.
        seed: seed of the scattering.
        warn_below: a coverage below this share warns with :class:`LowCoverage`.

    Raises:
        TypeError: a tracker that is no :class:`~dragstream.metrics.trackers.Tracker`, or tracks
            that are no arrays.
        ValueError: tracks of another shape than asked for, frames of another size than the
            region's, `at` outside the video, or another number of commands.
        ImportError: the tracker needs OpenCV, and it is not installed.
    """
    if not (tracker is None or isinstance(tracker, Tracker)):
        raise TypeError(
            f"tracker must have a name and a method track(frames, points), got {tracker!r}"
        )
    frames = np.asarray(frames)
    if frames.ndim != 4:
        raise ValueError(f"frames must have shape (T, H, W, 3), got {frames.shape}")
    read = _trajectory_frames(at, len(frames))
    commands = targets(drag.motion, len(read)) if commands is None else commands
    if len(commands) != len(read):
        raise ValueError(f"{len(read)} trajectory points need as many commands: {len(commands)}")
    mask = drag.mask(frames.shape[1], frames.shape[2])
    tracker = suited(span(mask, commands)) if tracker is None else tracker
    start = scatter(mask, points, seed)
    # Frames after the last trajectory point would only cost time.
    tracks, consistent = tracker.track(frames[: read[-1] + 1], start)
    _check_tracks(tracks, consistent, (read[-1] + 1, len(start)), tracker.name)
    coverage = float(consistent[read[-1]].mean())
    if coverage < warn_below:
        _warn(coverage, tracker.name)
    goals = np.stack([command.apply(start) for command in commands])
    kept = [_kept(consistent[frame]) for frame in read]
    followed = [tracks[frame][keep] for frame, keep in zip(read, kept, strict=True)]
    wanted = [goal[keep] for goal, keep in zip(goals, kept, strict=True)]
    # Points are compared one by one where the mean position may not show the motion.
    each = not drag.motion.mean_tells
    distances = _distances(followed, wanted, each=each)
    return ObjMC(
        mean=float(np.mean(distances)),
        distances=distances,
        trajectory=_means(followed),
        commanded=_means(wanted),
        still=float(np.mean(_distances([start] * len(goals), goals, each=each))),
        coverage=coverage,
        frames=read,
        tracker=tracker.name,
    )


def _check_tracks(tracks: object, consistent: object, shape: tuple[int, int], name: str) -> None:
    for found, wanted in ((tracks, (*shape, 2)), (consistent, shape)):
        if not isinstance(found, np.ndarray):
            raise TypeError(f"the tracker {name!r} must give arrays, got {type(found).__name__}")
        if found.shape != wanted:
            raise ValueError(
                f"the tracker {name!r} must give tracks (T, N, 2) and a mask (T, N) with T, N = "
                f"{shape}, got shape {found.shape}"
            )


def _warn(coverage: float, tracker: str) -> None:
    warnings.warn(
        f"only {coverage:.0%} of the points were followed consistently to the end by {tracker}: "
        "the distance may say more about the tracker than about the drag",
        LowCoverage,
        stacklevel=3,
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


def _kept(consistent: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The consistent points; all of them where none is left, so that a distance exists."""
    return consistent if consistent.any() else np.ones_like(consistent)


def _distances(
    tracks: Iterable[NDArray[np.float64]], goals: Iterable[NDArray[np.float64]], *, each: bool
) -> tuple[float, ...]:
    """Per trajectory point, pixels: of the points one by one, or of their means."""
    gaps = [track - goal for track, goal in zip(tracks, goals, strict=True)]
    if each:
        return tuple(float(np.linalg.norm(gap, axis=1).mean()) for gap in gaps)
    return tuple(float(np.linalg.norm(gap.mean(axis=0))) for gap in gaps)


def _means(points: Iterable[NDArray[np.float64]]) -> Points:
    return tuple((float(x), float(y)) for x, y in (group.mean(axis=0) for group in points))
