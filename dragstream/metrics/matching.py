"""A tracker for edits: SIFT descriptors matched between two frames, refined by Lucas-Kanade.

An edit moves its object in one step, often farther than optical flow can follow. Descriptors are
matched at any distance. The similarity that most matches fit (RANSAC) aligns the two frames, and
Lucas-Kanade follows each point in the aligned frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dragstream.metrics.trackers import LucasKanade, OpenCVTracker

_RATIO = 0.85
"""Largest ratio of a match's distance to that of the second best (Lowe's test)."""
_REACH = 5.0
"""Largest distance of an inlier from the similarity, pixels."""
_AGREEING = 8
"""Least number of inliers."""
_STRETCH = (0.5, 2.0)
"""Least and largest scale of a similarity; others are taken for chance."""


@dataclass(frozen=True)
class DescriptorMatching(OpenCVTracker):
    """A similarity fitted to SIFT matches (RANSAC), refined by Lucas-Kanade.

    Each frame is matched with the first one. Lucas-Kanade starts without motion and from the
    similarity; the result with more consistent points (forward-backward check) is kept. So objects
    without descriptors are still followed if they move little.
    """

    name: ClassVar[str] = "sift"

    def _track(
        self, cv2: Any, gray: list[NDArray[np.uint8]], points: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        tracks = np.repeat(points[None], len(gray), axis=0)
        consistent = np.ones((len(gray), len(points)), bool)
        described = self._describe(cv2, gray[0], _near(cv2, points, gray[0].shape))
        for index, frame in enumerate(gray[1:], start=1):
            found = [LucasKanade().match(gray[0], frame, points)]
            start = self._similarity(cv2, described, frame)
            if start is not None:
                found.append(self._refine(cv2, gray[0], frame, points, start))
            tracks[index], consistent[index] = max(found, key=lambda each: int(each[1].sum()))
        return tracks, consistent

    def _describe(self, cv2: Any, frame: Any, mask: Any) -> tuple[Any, Any]:
        """Places (K, 2) and descriptors (K, 128) of a frame's key points."""
        # Video frames are soft: half of SIFT's usual contrast finds several times as many points.
        keys, descriptors = cv2.SIFT_create(contrastThreshold=0.02).detectAndCompute(frame, mask)
        return np.array([key.pt for key in keys], np.float64).reshape(-1, 2), descriptors

    def _similarity(self, cv2: Any, first: Any, frame: Any) -> NDArray[np.float64] | None:
        """The map (2, 3) from the first frame to `frame` by descriptors; None without enough."""
        places, descriptors = first
        others, candidates = self._describe(cv2, frame, None)
        if len(places) < _AGREEING or len(others) < 2:
            return None
        pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(descriptors, candidates, k=2)
        good = [best for best, second in pairs if best.distance < _RATIO * second.distance]
        if len(good) < _AGREEING:
            return None
        cv2.setRNGSeed(0)  # RANSAC draws from a generator of OpenCV's own
        matrix, agree = cv2.estimateAffinePartial2D(
            places[[match.queryIdx for match in good]],
            others[[match.trainIdx for match in good]],
            ransacReprojThreshold=_REACH,
            maxIters=5000,
            confidence=0.999,
        )
        if matrix is None or agree.sum() < _AGREEING:
            return None
        stretch = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        return np.asarray(matrix) if _STRETCH[0] <= stretch <= _STRETCH[1] else None

    def _refine(
        self,
        cv2: Any,
        first: Any,
        frame: Any,
        points: NDArray[np.float64],
        start: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Follow points into the frame aligned by `start`, and map them back to the frame."""
        height, width = frame.shape
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        aligned = cv2.warpAffine(frame, start, (width, height), flags=flags)
        # Few levels of the pyramid, since the object's surroundings have changed.
        there, good = LucasKanade(levels=2).match(first, aligned, points)
        tracks = there @ start[:, :2].T + start[:, 2]
        inside = (tracks >= 0).all(axis=1) & (tracks <= (width - 1, height - 1)).all(axis=1)
        return tracks, good & inside


def _near(cv2: Any, points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The area around points, uint8 (H, W): within about twice the distance between neighbours."""
    area = np.prod(np.ptp(points, axis=0) + 1)
    radius = max(2, round(1.5 * float(np.sqrt(area / len(points)))))
    mask = np.zeros(shape, np.uint8)
    for x, y in points.round().astype(int).tolist():
        cv2.circle(mask, (x, y), radius, 255, -1)
    return mask
