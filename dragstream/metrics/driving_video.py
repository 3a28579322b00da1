"""Motion from a video: a region is followed through a clip, and its motion becomes a drag."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dragstream.drags.checks import check_int, check_positive
from dragstream.drags.motion_fit import fit_motion
from dragstream.drags.motions import Drag
from dragstream.drags.regions import centroid, rasterise
from dragstream.drags.tracks import Tracks, at_latent_frames
from dragstream.metrics.sliding import scatter, without_sliding
from dragstream.metrics.trackers import LucasKanade, Tracker
from dragstream.metrics.videos import read_video

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dragstream.drags.geometry import FrameClock
    from dragstream.drags.shapes import Region

__all__ = ["drag_from_video", "follow_region"]

_LEAST_COVERAGE = 0.15
"""A time at which a smaller share of the points is followed says nothing about the region."""


def follow_region(
    video: str | Path | NDArray[np.uint8],
    region: Region,
    *,
    first: int = 0,
    tracker: Tracker | None = None,
    points: int = 256,
    seed: int = 0,
    frame_rate: float | None = None,
) -> Tracks:
    """Tracks of points in a region of a video, from frame `first` on.

    A point is hidden where it was lost, or slid off the region.

    Args:
        video: A file, or frames (T, H, W, 3) uint8.
        region: The region in frame `first`, in pixels of the video.
        first: The frame that the region lies on.
        tracker: None for Lucas-Kanade.
        points: The most points that are scattered in the region, by `seed`.
        seed: Of the scattering.
        frame_rate: Frames a second; None if unknown.

    Raises:
        FileNotFoundError, ValueError: No such file, too short, no video, or a region outside it.
        ImportError: OpenCV is not installed (extra `metrics`).
    """
    frames = _frames(video, first)
    mask = rasterise(region, *frames.shape[1:3])
    tracks, consistent = (tracker or LucasKanade()).track(frames, scatter(mask, points, seed))
    return Tracks(tracks, without_sliding(frames, mask, tracks, consistent), frame_rate)


def _frames(video: str | Path | NDArray[np.uint8], first: int) -> NDArray[np.uint8]:
    start = check_int(first, "first", least=0)
    frames = read_video(video, start) if isinstance(video, str | Path) else video[start:]
    if len(frames) < 2:
        raise ValueError(f"a video has {len(frames)} frame(s) from frame {start} on, 2 are needed")
    return frames


def drag_from_video(
    video: str | Path | NDArray[np.uint8],
    region: Region,
    onto: Region,
    clock: FrameClock,
    size: tuple[int, int],
    *,
    similarity: bool = True,
    scale: float = 1.0,
    first: int = 0,
    tracker: Tracker | None = None,
    frame_rate: float | None = None,
) -> Drag:
    """A drag of one region that moves as another does in a video.

    ```python
    dance = drag_from_video("dance.mp4", dancer, critter, model.spec.clock, (160, 256))
    stream.animate([dance], blocks=4)
    ```

    Args:
        video: A file, or frames (T, H, W, 3) uint8.
        region: The region whose motion is taken over, in frame `first` of the video.
        onto: The region that is dragged, in the newest frame of the stream.
        clock: Latent to video frames of the model.
        size: Height and width of the stream's frame in pixels.
        similarity: Take over turns and changes of size too, about the middle of `onto`.
        scale: Factor of displacements, such as the ratio of the frames' widths.
        first: The frame of the video at which the drag begins.
        tracker: None for Lucas-Kanade.
        frame_rate: Of the video; None: a frame of it is a frame of the stream.

    Returns:
        The drag, pinned to latent frames. It ends where fewer than 15 % of the points are followed.

    Raises:
        FileNotFoundError, ValueError: See `follow_region`; or a video shorter than a latent frame,
            a region that does not move or cannot be followed.
        ImportError: OpenCV is not installed (extra `metrics`).
    """
    factor = check_positive(scale, "scale")
    middle = centroid(rasterise(onto, *size))
    frames = _frames(video, first)
    rest = centroid(rasterise(region, *frames.shape[1:3]))
    followed = follow_region(frames, region, tracker=tracker, frame_rate=frame_rate)
    sampled = at_latent_frames(followed, clock, 0)
    known = sampled.visible.mean(axis=1) >= _LEAST_COVERAGE
    visible = sampled.visible & known[:, None]
    if not visible[1:].any():
        raise ValueError("the region cannot be followed through the first latent frame")
    points = (sampled.points - rest) * factor + middle
    return Drag(onto, fit_motion(points, visible, similarity=similarity, center=middle))
