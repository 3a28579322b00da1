"""`ClickSelection`: similarity maps for selecting a region by a click, by features or by SAM."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.widgets import similarity, sources
from dragstream.widgets.objects import is_object
from dragstream.widgets.objects import objects as find_objects
from dragstream.widgets.segment_anything import SegmentAnything

Floats = NDArray[np.float32]
BoolMask = NDArray[np.bool_]
Frame = NDArray[np.uint8]
Features = dict[int, Floats]
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
        self._features = NewestFeatures()

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
            RuntimeError: No features or no SAM.
        """
        if selector == "features":
            return similarity.around(*self._features.read(source), point)
        if self._sam is None:
            raise RuntimeError("there is no SAM: make the canvas with sam=folder of a checkpoint")
        return self._sam.similarity(frame(), point)

    def prepare(self, source: object) -> None:
        """Read the newest features, so that the next selection is quick; see `object_at`."""
        self._features.read(source)

    def object_at(self, source: object, point: Point) -> BoolMask:
        """The object at a point (x, y) of the newest frame by its features, bool (H, W).

        Raises:
            ValueError: There is none, or the stream has no blocks.
            RuntimeError: The source is a frame.
        """
        features, frame = self._features.read(source)
        values = similarity.around(features, frame, point)
        region = similarity.connected(values, similarity.suggested(values, point), point)
        if not is_object(region, frame):
            x, y = point
            raise ValueError(
                f"no object was found at ({x:.0f}, {y:.0f}): press on one, or paint it first"
            )
        return similarity.closed(region)

    def objects(self, source: object) -> list[BoolMask]:
        """The objects in the newest frame by their features, see `objects.objects`.

        Raises:
            ValueError: A stream without blocks.
            RuntimeError: The source is a frame.
        """
        return find_objects(*self._features.read(source))


class NewestFeatures:
    """The features of a stream's newest block, read once for each block.

    A stream's state is immutable, so they can be read while a live stream is at work.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # a second reader waits for the first one's result
        self._known: tuple[Any, Features, Frame] | None = None

    def read(self, source: object) -> tuple[Features, Frame]:
        """Features of the newest latent frame, and its last video frame, uint8 (H, W, 3).

        Only the deepest layer that drags use is read: it tells objects apart best.

        Returns:
            {layer: (token rows, token columns, channels)}, and the frame.

        Raises:
            ValueError: A stream without blocks.
            RuntimeError: The source is a frame.
        """
        stream: Any = sources.stream_of(source)
        if stream is None:
            raise RuntimeError("a frame has no features: make the canvas of a stream")
        blocks = stream.blocks
        if not blocks:
            raise ValueError("there is nothing to select yet: the stream has no blocks")
        block = blocks[-1]
        with self._lock:
            known = self._known
            if known is None or known[0] is not block:
                layer = stream.model.spec.layers[-1]
                read = stream.features(len(blocks) - 1, layer)[layer]
                known = self._known = (block, {layer: read[-1].numpy()}, block.frames[-1])
        return known[1:]
