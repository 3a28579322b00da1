"""Point tracks: positions of points in each video frame, as trackers and editors give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_int, check_positive, check_size, set_fields
from dragstream.drags.geometry import FrameClock
from dragstream.drags.motion_fit import fit_motion
from dragstream.drags.motions import Drag, fraction_at
from dragstream.drags.regions import rasterise
from dragstream.drags.shapes import Disc, Region, Shape, Union, as_shape

__all__ = ["Tracks", "drags_to_tracks", "tracks_to_drags"]

MOST_NUMBERS = 2**24
"""Most coordinates of all points in all frames."""
MOST_DISCS = 2**12
"""Most points that become drags of discs."""
STILL = 0.5
"""Points that stay within so many pixels do not move."""


@dataclass(frozen=True, eq=False, init=False)
class Tracks:
    """Points in the frames of a video.

    Args:
        points: Positions (x, y) in pixels, (T, N, 2): T frames, N points.
        visible: Bool (T, N); None for all. Positions of hidden points are not read.
        frame_rate: Frames a second; None if unknown.

    Raises:
        ValueError: Another shape, no point, positions of visible points that are not finite.
    """

    points: NDArray[np.float64]
    visible: NDArray[np.bool_]
    frame_rate: float | None

    def __init__(
        self,
        points: NDArray[np.floating],
        visible: NDArray[np.bool_] | None = None,
        frame_rate: float | None = None,
    ) -> None:
        places = np.array(points, np.float64)
        if places.ndim != 3 or places.shape[2] != 2 or 0 in places.shape:
            raise ValueError(f"points must have shape (T, N, 2), got {places.shape}")
        if places.size > MOST_NUMBERS:
            raise ValueError(f"points may hold at most {MOST_NUMBERS} numbers, got {places.size}")
        shape = places.shape[:2]
        seen = np.ones(shape, bool) if visible is None else np.array(visible, bool)
        if seen.shape != shape:
            raise ValueError(f"visible must have shape {shape} as the points, got {seen.shape}")
        lost = np.argwhere(seen & ~np.isfinite(places).all(axis=2))
        if len(lost):
            frame, point = lost[0]
            raise ValueError(
                f"point {point} is visible in frame {frame}, but its position is "
                f"{places[frame, point].tolist()}"
            )
        places[~np.isfinite(places)] = 0.0
        rate = None if frame_rate is None else check_positive(frame_rate, "frame_rate")
        set_fields(self, points=places, visible=seen, frame_rate=rate)

    def resized(self, size: tuple[int, int], to: tuple[int, int]) -> Tracks:
        """The tracks in frames of another size; both are (height, width)."""
        scale = np.array([to[1] / size[1], to[0] / size[0]])
        return Tracks((self.points + 0.5) * scale - 0.5, self.visible, self.frame_rate)

    def resampled(self, times: NDArray[np.floating]) -> Tracks:
        """The tracks at other times, from 0 to T - 1, interpolated linearly; without a frame rate.

        A point is visible at a time where it is in both frames around it.
        """
        low = np.floor(times + 1e-9).astype(int)
        high = np.minimum(np.ceil(times - 1e-9).astype(int), len(self.points) - 1)
        share = np.clip(times - low, 0, 1)[:, None, None]
        points = self.points[low] * (1 - share) + self.points[high] * share
        return Tracks(points, self.visible[low] & self.visible[high])


def tracks_to_drags(
    tracks: Tracks,
    clock: FrameClock,
    *,
    radius: float | None = None,
    regions: Sequence[Region] | None = None,
    size: tuple[int, int] | None = None,
    start: int = 0,
    similarity: bool = False,
) -> tuple[list[Drag], Shape | None]:
    """Drags along tracks, with their times: pinned to the latent frames of an animation.

    Frame `start` of the tracks is the newest frame of the stream. The tracks' frame rate, if it is
    known, is brought to the model's: a second stays a second.

    Args:
        tracks: The tracks, in pixels of the model's frame.
        clock: Latent to video frames of the model.
        radius: Each point moves a disc of this radius, in pixels.
        regions: In place of discs: each region moves as the points in it do on average.
        size: Height and width of the frame in pixels; needed with `regions`.
        start: The frame of the tracks at which the drags begin.
        similarity: Let a region turn and change its size too, as the points in it do.

    Returns:
        The drags, and the region to keep: what does not move by half a pixel. None if all moves.
        Points that are hidden at `start`, or at all times after it, are left out.

    Raises:
        ValueError: Neither or both of `radius` and `regions`; no visible point, or none in one;
            more discs than `MOST_DISCS`; tracks that are shorter than one latent frame.
    """
    if (radius is None) == (regions is None):
        raise ValueError("give either a radius or regions")
    sampled = at_latent_frames(tracks, clock, check_int(start, "start", least=0))
    held = sampled.visible[0] & sampled.visible[1:].any(axis=0)
    if not held.any():
        raise ValueError(f"no point is visible in frame {start}, where the drags begin, and later")
    if regions is None:
        reach = check_size(radius, "radius")
        found = np.flatnonzero(held)
        if (count := len(found)) > MOST_DISCS:
            raise ValueError(f"at most {MOST_DISCS} points move discs, got {count}: give regions")
        groups: list[tuple[Shape, NDArray[Any]]] = [
            (Disc(sampled.points[0, index], reach), np.array([index])) for index in found
        ]
    else:
        groups = [
            (as_shape(region), _inside(region, index, sampled.points[0], held, size))
            for index, region in enumerate(regions)
        ]
    drags, still = [], []
    for shape, chosen in groups:
        points, visible = sampled.points[:, chosen], sampled.visible[:, chosen]
        moved = np.linalg.norm(points - points[0], axis=2)[visible & visible[0]]
        if moved.max() < STILL:
            still.append(shape)
        else:
            drags.append(Drag(shape, fit_motion(points, visible, similarity=similarity)))
    return drags, Union(tuple(still)) if len(still) > 1 else next(iter(still), None)


def at_latent_frames(tracks: Tracks, clock: FrameClock, start: int) -> Tracks:
    """The tracks at the newest frame, and at the last video frame of each latent one after it."""
    rate = 1.0 if tracks.frame_rate is None else tracks.frame_rate / clock.frame_rate
    step = clock.temporal_factor * rate
    count = int((len(tracks.points) - 1 - start) / step + 1e-9)
    if count < 1:
        raise ValueError(
            f"tracks of {len(tracks.points)} frames from frame {start} on are shorter than a "
            f"latent frame, which takes {step:g} of them"
        )
    return tracks.resampled(start + step * np.arange(count + 1))


def _inside(
    region: Region,
    index: int,
    points: NDArray[np.float64],
    held: NDArray[np.bool_],
    size: tuple[int, int] | None,
) -> NDArray[np.bool_]:
    """Those of the held points (N, 2) that lie in a region, bool (N,)."""
    if size is None:
        raise ValueError("regions need the size of the frame, (height, width)")
    mask = rasterise(region, *size)
    column, row = np.rint(points).astype(int).T
    known = (row >= 0) & (row < size[0]) & (column >= 0) & (column < size[1])
    found: NDArray[np.bool_] = known & held
    found[found] = mask[row[found], column[found]]
    if not found.any():
        raise ValueError(f"regions[{index}] holds no visible point of the tracks")
    return found


def drags_to_tracks(
    drags: Sequence[Drag],
    clock: FrameClock,
    latent_frames: int,
    height: int,
    width: int,
    *,
    points: int = 1,
) -> Tracks:
    """Tracks of points in the handles of drags, from the newest frame on.

    Args:
        drags: At least one drag.
        clock: Latent to video frames of the model.
        latent_frames: Number of latent frames that the drags last.
        height: Of the frame in pixels.
        width: Of the frame in pixels.
        points: Points of each drag: 1 for its handle point, more for points spread over its handle.

    Returns:
        Tracks of 1 + `latent_frames` x `clock.temporal_factor` video frames at the clock's rate,
        drag by drag. Points outside the frame are hidden.

    Raises:
        ValueError: No drags, or a region that covers no pixel of the frame.
    """
    if not drags:
        raise ValueError("drags is empty: give at least one Drag")
    total = check_int(latent_frames, "latent_frames", least=1)
    count = check_int(points, "points", least=1)
    times = np.arange(1 + total * clock.temporal_factor) / clock.temporal_factor
    places = []
    for drag in drags:
        mask = drag.mask(height, width)
        rest = np.array([drag.motion.anchor(mask)]) if count == 1 else _spread(mask, count)
        maps = [drag.motion.at(fraction_at(drag.motion, time, total)) for time in times.tolist()]
        places.append(np.stack([each.apply(rest) for each in maps]))
    found = np.concatenate(places, axis=1)
    inside = ((found >= -0.5) & (found < (width - 0.5, height - 0.5))).all(axis=2)
    return Tracks(found, np.asarray(inside), clock.frame_rate)


def _spread(mask: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Up to `count` pixels (x, y) of a mask, at even distances in reading order."""
    pixels = np.argwhere(mask)[:, ::-1].astype(np.float64)
    chosen = np.linspace(0, len(pixels) - 1, min(count, len(pixels)))
    spread: NDArray[np.float64] = pixels[np.unique(chosen.round().astype(int))]
    return spread
