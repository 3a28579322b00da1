"""`ClickSelection`: regions by a click, from a stream's features or from SAM."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dragstream.drags.checks import Point
from dragstream.drags.shapes import BoolMask
from dragstream.widgets import similarity
from dragstream.widgets.objects import is_object
from dragstream.widgets.objects import objects as find_objects
from dragstream.widgets.segment_anything import SegmentAnything
from dragstream.widgets.similarity import Floats, Frame

Features = dict[int, Floats]


class ClickSelection:
    """Finds regions similar to a clicked pixel; `stream` is None where a canvas shows a frame.

    The features of a stream's newest block are read once for each block. Its state is immutable,
    so they can be read while a live stream is at work.
    """

    def __init__(self, sam: str | Path | None) -> None:
        self._sam = None if sam is None else SegmentAnything(sam)
        self._lock = threading.Lock()  # a second reader waits for the first one's result
        self._known: tuple[Any, Features, Frame] | None = None

    def selectors(self, stream: Any) -> list[str]:
        """The selectors that work with a stream, of "features" and "sam"."""
        available = {"features": stream, "sam": self._sam}
        return [name for name, found in available.items() if found is not None]

    def similarity(
        self, selector: str, stream: Any, frame: Callable[[], Frame], point: Point
    ) -> Floats:
        """Similarity to the pixel at (x, y), (H, W), 0 to 1; `frame` returns the frame shown."""
        if selector == "features":
            return similarity.around(*self.read(stream), point)
        if self._sam is None:
            raise RuntimeError("there is no SAM: make the canvas with sam=folder of a checkpoint")
        return self._sam.similarity(frame(), point)

    def object_at(self, stream: Any, point: Point) -> BoolMask:
        """The object at a point (x, y) of the newest frame by its features, bool (H, W)."""
        features, frame = self.read(stream)
        values = similarity.around(features, frame, point)
        region = similarity.connected(values, similarity.suggested(values, point), point)
        if not is_object(region, frame):
            x, y = point
            raise ValueError(
                f"no object was found at ({x:.0f}, {y:.0f}): press on one, or paint it first"
            )
        return similarity.closed(region)

    def objects(self, stream: Any) -> list[BoolMask]:
        """The objects in the newest frame by their features, see `objects.objects`."""
        return find_objects(*self.read(stream))

    def read(self, stream: Any) -> tuple[Features, Frame]:
        """The features of the newest latent frame, and its last video frame, uint8 (H, W, 3).

        They are {layer: (token rows, token columns, channels)} of the deepest layer that drags
        use: it separates objects best.
        """
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
