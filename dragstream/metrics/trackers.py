"""Point trackers: Lucas-Kanade, dense flow, and poses of known objects.

A tracker is anything with a ``name`` and a method ``track(frames, points) -> (tracks,
consistent)``. Points are (x, y) in pixels; the centre of the top left pixel is (0, 0).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from dragstream.drags.checks import check_int
from dragstream.drags.extras import needed
from dragstream.drags.geometry import Affine

LARGE = 400.0
"""Largest span of a command, pixels, that is followed by Lucas-Kanade; above it, dense flow."""
_RETURN = 2.0
"""Largest forward-backward error of a consistent point, pixels."""
_PATCH = 15
"""Side of the patches that are compared, pixels."""
_NOISE = 12.0
"""Tolerated difference of patches without texture, grey levels."""


@runtime_checkable
class Tracker(Protocol):
    """Finds points of the first frame in every frame."""

    @property
    def name(self) -> str:
        """The tracker's name, reported with every figure."""

    def track(
        self, frames: NDArray[np.uint8], points: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Follow `points` (N, 2), given in `frames[0]`, through `frames` (T, H, W, 3) uint8.

        Returns the tracks (T, N, 2) in pixels, whose first row is `points`, and, per frame and
        point, whether it was followed consistently up to there (T, N).
        """


def opencv() -> Any:
    """The module ``cv2``; where it is missing, an ImportError names the extra that brings it."""
    what = "tracking and reading video files for the metrics need OpenCV"
    return needed("cv2", what, "metrics")


def checked(
    frames: NDArray[np.uint8], points: ArrayLike
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Frames (T, H, W, 3) uint8 and points (N, 2), validated, as arrays."""
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
        raise ValueError(
            "frames must be a uint8 array (T, H, W, 3) with T >= 1, "
            f"got {frames.dtype} {frames.shape}"
        )
    points = np.asarray(points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"points must be an array (N, 2) with N >= 1, got shape {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("points must be finite numbers")
    return frames, points


class OpenCVTracker(ABC):
    """Base of trackers that match pairs of gray frames with OpenCV."""

    name: ClassVar[str]

    def track(
        self, frames: NDArray[np.uint8], points: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See :meth:`Tracker.track`.

        Raises:
            ImportError: OpenCV is not installed.
            ValueError: `frames` or `points` of the wrong shape or type.
        """
        frames, points = checked(frames, points)
        cv2 = opencv()
        gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in np.ascontiguousarray(frames)]
        return self._track(cv2, gray, points)

    @abstractmethod
    def _track(
        self, cv2: Any, gray: list[NDArray[np.uint8]], points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Tracks (T, N, 2) and consistency (T, N) of points (N, 2) in T gray frames."""


@dataclass(frozen=True)
class LucasKanade(OpenCVTracker):
    """Pyramidal Lucas-Kanade with a forward-backward check.

    Each point is followed from frame to frame, forward and back again; it counts as consistent as
    long as it returns to within 2 pixels of where it started, from a place that looks the same.

    Attributes:
        window: side of the patch that is matched, in pixels.
        levels: levels of the image pyramid, 1 = the full size only; each doubles the reach.
    """

    name: ClassVar[str] = "lucas-kanade"

    window: int = 21
    levels: int = 4

    def __post_init__(self) -> None:
        check_int(self.window, "window", least=3)
        check_int(self.levels, "levels", least=1)

    def _track(
        self, _: Any, gray: list[NDArray[np.uint8]], points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        return _follow(self.match, gray, points)

    def match(
        self, source: NDArray[np.uint8], target: NDArray[np.uint8], points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Positions of points (N, 2) of one gray frame (H, W) in another, and their consistency."""
        cv2 = opencv()
        options = {
            "winSize": (self.window, self.window),
            "maxLevel": self.levels - 1,
            "criteria": (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.01),
        }
        start = points.astype(np.float32)[:, None]
        there, found, _ = cv2.calcOpticalFlowPyrLK(source, target, start, None, **options)
        back, found_back, _ = cv2.calcOpticalFlowPyrLK(target, source, there, None, **options)
        # OpenCV 4 keeps the middle axis of `start`, OpenCV 5 may drop it.
        there, back = there.reshape(-1, 2), back.reshape(-1, 2)
        error = np.linalg.norm(back - start[:, 0], axis=1)
        good = (found.reshape(-1) == 1) & (found_back.reshape(-1) == 1)
        there = there.astype(np.float64)
        good &= (error <= _RETURN) & _alike(cv2, source, target, points, there)
        return there, good


@dataclass(frozen=True)
class DenseFlow(OpenCVTracker):
    """Dense inverse search (DIS) flow from frame to frame, with a forward-backward check.

    It fills untextured areas from their surroundings and reaches further than
    :class:`LucasKanade`, but needs frames of more than about 400 pixels.
    """

    name: ClassVar[str] = "dis-flow"

    def _track(
        self, cv2: Any, gray: list[NDArray[np.uint8]], points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

        def match(source: Any, target: Any, start: NDArray[np.float64]) -> Any:
            there = start + _sample(flow.calc(source, target, None), start)
            back = there + _sample(flow.calc(target, source, None), there)
            good = np.linalg.norm(back - start, axis=1) <= _RETURN
            return there, good & _alike(cv2, source, target, start, there)

        return _follow(match, gray, points)


def _follow(
    match: Callable[[Any, Any, NDArray[np.float64]], Any],
    gray: list[NDArray[np.uint8]],
    points: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Chain the matches from frame to frame; a point once lost stays lost."""
    tracks = np.repeat(points[None], len(gray), axis=0)
    consistent = np.ones((len(gray), len(points)), bool)
    for frame in range(1, len(gray)):
        tracks[frame], good = match(gray[frame - 1], gray[frame], tracks[frame - 1])
        consistent[frame] = consistent[frame - 1] & good
    return tracks, consistent


def _alike(
    cv2: Any,
    source: NDArray[np.uint8],
    target: NDArray[np.uint8],
    start: NDArray[np.float64],
    there: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Compare the patches around points (N, 2) of two gray frames; True where alike, bool (N,).

    A point may pass the forward-backward check at a place without the object, such as the plain
    background where the object was. Patches are alike if their mean squared difference is less
    than a third of the sum of their variances.
    """
    reach = np.arange(_PATCH, dtype=np.float64) - _PATCH // 2
    across, down = (axis.reshape(-1) for axis in np.meshgrid(reach, reach))

    def patches(frame: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = (
            (points[:, axis, None] + offsets).astype(np.float32)
            for axis, offsets in enumerate((across, down))
        )
        return np.asarray(
            cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float64
        )

    first, second = patches(source, start), patches(target, there)
    spread = first.var(axis=1) + second.var(axis=1) + _NOISE**2
    alike: NDArray[np.bool_] = np.square(first - second).mean(axis=1) < spread / 3
    return alike


def _sample(field: NDArray[np.float32], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear samples of `field` (H, W, 2) at `points` (N, 2), clamped to the border."""
    rows_columns = points[:, ::-1].T
    parts = [
        ndimage.map_coordinates(part, rows_columns, np.float64, order=1, mode="nearest")
        for part in np.moveaxis(field, -1, 0)
    ]
    return np.stack(parts, axis=-1)


def tracker_for(span: float) -> Tracker:
    """The tracker for a command that spans so many pixels: the handle together with its targets.

    It depends on the command alone, so that all methods are measured with one tracker.
    """
    return DenseFlow() if span > LARGE else LucasKanade()


@dataclass(frozen=True, eq=False)
class PoseTracker:
    """Follows points of an object by its pose in each frame.

    Attributes:
        locate: takes a frame (H, W, 3) uint8 and the pose that was found last (None at first);
            returns the pose as an Affine from the object's own coordinates to pixels, or None
            where the object is not found.
        name: the tracker's name, reported with every figure.

    Points move with the pose. Where the object is not found they stay where they were last seen,
    and count as inconsistent in that frame only.
    """

    locate: Callable[[NDArray[np.uint8], Affine | None], Affine | None]
    name: str = "pose"

    def track(
        self, frames: NDArray[np.uint8], points: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See :meth:`Tracker.track`.

        Raises:
            ValueError: `frames` or `points` of the wrong shape or type, or no object in the
                first frame.
        """
        frames, points = checked(frames, points)
        pose = self.locate(frames[0], None)
        if pose is None:
            raise ValueError(f"the tracker {self.name!r} finds no object in the first frame")
        own = pose.inverse().apply(points)
        tracks = np.repeat(points[None], len(frames), axis=0)
        consistent = np.zeros((len(frames), len(points)), bool)
        consistent[0] = True
        for index, frame in enumerate(frames[1:], start=1):
            found = self.locate(frame, pose)
            if found is not None:
                pose = found
                consistent[index] = True
            tracks[index] = pose.apply(own)
        return tracks, consistent
