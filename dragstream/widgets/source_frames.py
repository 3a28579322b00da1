"""`SourceFrames`: the frame that a canvas shows, earlier frames, and its source's changes."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from dragstream.widgets import sources
from dragstream.widgets.messages import MOST_ONION_FRAMES

Frame = NDArray[np.uint8]


class SourceFrames:
    """The frames of a stream, a live stream or a plain frame, with subscriptions to its changes.

    Args:
        source: A `dragstream.Stream`, a `dragstream.LiveStream`, or a frame, uint8 (H, W, 3).

    Raises:
        TypeError: The source is neither a stream nor a uint8 array.
        ValueError: A frame that is not (H, W, 3).
    """

    def __init__(self, source: object) -> None:
        self.frame = sources.newest_frame(source)
        """The frame that is shown, uint8 (H, W, 3)."""
        self._source = source
        self._last_block = sources.newest_block(source)
        self._shown_before: deque[Frame] = deque(maxlen=MOST_ONION_FRAMES)
        self._subscriptions: list[sources.Unsubscribe] = []

    @property
    def source(self) -> object:
        """The stream, live stream or frame."""
        return self._source

    @source.setter
    def source(self, source: object) -> None:
        frame = sources.newest_frame(source)
        sources.check_frames(frame[None], *self.frame.shape[:2])
        self._source = source

    @property
    def newest(self) -> Frame:
        """The newest frame of the source."""
        return sources.newest_frame(self._source)

    @property
    def at_work(self) -> bool:
        """True while the source is a live stream that is making blocks."""
        return sources.at_work(self._source)

    @property
    def has_moved_on(self) -> bool:
        """True if the source has announced another frame since the last `put`."""
        newest = sources.newest_block(self._source)
        return sources.announces(self._source) and self._last_block is not newest

    def put(self, frame: Frame) -> None:
        """Replace the frame that is shown."""
        if frame is not self.frame:
            self._shown_before.appendleft(self.frame)
        self.frame = frame
        self._last_block = sources.newest_block(self._source)

    def earlier(self, count: int) -> list[Frame]:
        """Up to `count` frames before the newest, a latent frame apart, the newest first.

        A plain frame has no past: the frames that were shown before take its place.
        """
        if sources.stream_of(self._source) is None:
            return list(self._shown_before)[:count]
        return sources.earlier_frames(self._source, count)

    def follow(self, screen: sources.Screen | None) -> None:
        """Notify a screen of the source's changes from now on; None ends that."""
        for unsubscribe in self._subscriptions:
            unsubscribe()
        self._subscriptions = [] if screen is None else sources.follow(self._source, screen)
