"""`ClickSelection`: similarity maps for selecting a region by a click, by features or by SAM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.widgets import similarity, sources
from dragstream.widgets.segment_anything import SegmentAnything

Floats = NDArray[np.float32]
Point = tuple[float, float]


class ClickSelection:
    """Similarity of every pixel to a clicked one.

    Args:
        sam: The folder of a SAM checkpoint, or None.

    Raises:
        ValueError: A folder without a SAM checkpoint.
        ImportError: A checkpoint is given and transformers is not installed.
    """

    def __init__(self, sam: str | Path | None) -> None:
        self._sam = None if sam is None else SegmentAnything(sam)

    def selectors(self, source: object) -> list[str]:
        """The selectors that work with a source, of "features" and "sam"."""
        available = {"features": sources.stream_of(source), "sam": self._sam}
        return [name for name, found in available.items() if found is not None]

    def similarity(
        self, selector: str, source: object, frame: Callable[[], NDArray[np.uint8]], point: Point
    ) -> Floats:
        """Similarity to the pixel at a point, (H, W), from 0 to 1.

        Args:
            selector: "features" or "sam".
            source: The source of the canvas.
            frame: Returns the frame that is shown, uint8 (H, W, 3).
            point: (x, y) in pixels.

        Raises:
            ValueError: A stream without blocks.
            RuntimeError: No features or no SAM, or a live stream at work.
        """
        if selector == "features":
            return _by_features(source, point)
        if self._sam is None:
            raise RuntimeError("there is no SAM: make the canvas with sam=folder of a checkpoint")
        return self._sam.similarity(frame(), point)


def _by_features(source: object, point: Point) -> Floats:
    stream: Any = sources.stream_of(source)
    if stream is None:
        raise RuntimeError("a frame has no features: make the canvas of a stream")
    if sources.at_work(source):
        raise RuntimeError("the live stream is at work: pause it to pick by its features")
    features = {layer: found[-1].numpy() for layer, found in stream.features().items()}
    frame = sources.newest_frame(source)
    height, width = frame.shape[:2]
    rows, columns = next(iter(features.values())).shape[:2]
    row = min(rows - 1, int((point[1] + 0.5) * rows / height))
    column = min(columns - 1, int((point[0] + 0.5) * columns / width))
    return similarity.refined(similarity.token_similarity(features, row, column), frame)
