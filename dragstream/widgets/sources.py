"""`Source`: the source of a canvas (a stream, a live stream or a frame), and its frames."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.widgets.messages import MOST_ONION_FRAMES

_FRAME_RATE = 16.0  # of clips if there is no model

Frame = NDArray[np.uint8]


def check_frame(frame: object) -> None:
    """Raise unless `frame` is a uint8 array (H, W, 3)."""
    _check_pixels(frame, 3, "a frame must", "(H, W, 3)")


def check_frames(frames: object, height: int, width: int) -> None:
    """Raise unless `frames` is a uint8 array (T, height, width, 3) with at least one frame."""
    _check_pixels(frames, 4, "frames must", "(T, H, W, 3)")
    shape = np.asarray(frames).shape
    if shape[1:3] != (height, width):
        raise ValueError(f"the canvas shows frames of shape {(height, width, 3)}, got {shape[1:]}")


def _check_pixels(frames: object, dimensions: int, subject: str, shape: str) -> None:
    if not isinstance(frames, np.ndarray) or frames.dtype != np.uint8:
        kind = getattr(frames, "dtype", type(frames).__name__)
        raise TypeError(f"{subject} be a uint8 array {shape}, got {kind}")
    if frames.ndim != dimensions or frames.shape[-1] != 3 or frames.size == 0:
        raise ValueError(f"{subject} have shape {shape}, got {frames.shape}")


def _stream_of(given: object) -> Any:
    """The stream that a source is or plays; None for a frame."""
    if isinstance(given, np.ndarray):
        check_frame(given)
        return None
    stream = getattr(given, "stream", given)  # a live stream plays another one
    if not all(hasattr(stream, name) for name in ("blocks", "model", "subscribe")):
        raise TypeError(
            f"DragCanvas takes a stream or a uint8 frame (H, W, 3), got {type(given).__name__}"
        )
    return stream


class Source:
    """The source of a canvas, and the frame that is shown."""

    def __init__(self, given: object) -> None:
        self.given: Any = given
        """The stream, live stream or frame, uint8 (H, W, 3)."""
        self.stream = _stream_of(given)
        """The stream, or None."""
        self.frame = self.newest
        """The frame that is shown, uint8 (H, W, 3)."""
        self._last_block = self._newest_block
        self._shown_before: deque[Frame] = deque(maxlen=MOST_ONION_FRAMES)

    def replace(self, given: object) -> None:
        """Take another source with frames of the same size."""
        other = Source(given)
        check_frames(other.frame[None], *self.frame.shape[:2])
        self.given, self.stream = other.given, other.stream

    @property
    def live(self) -> Any:
        """The live stream, or None."""
        return None if self.stream is None or self.stream is self.given else self.given

    @property
    def status(self) -> str | None:
        """The status of the live stream; None for another source."""
        return None if self.live is None else str(self.live.status.value)

    @property
    def at_work(self) -> bool:
        """True while the source is a live stream that is making blocks."""
        return self.status in {"playing", "working"}

    @property
    def frame_rate(self) -> float:
        """Video frames a second at which the source is played."""
        if self.stream is None:
            return _FRAME_RATE
        own = float(self.stream.model.spec.clock.frame_rate)
        played = own if self.live is None else float(self.live.frame_rate)
        return played if np.isfinite(played) else own

    @property
    def newest(self) -> Frame:
        """The last frame of the stream, grey before its first block; a frame as it is."""
        if self.stream is None:
            frame: Frame = self.given
            return frame
        if self._newest_block is not None:
            newest: Frame = self._newest_block.frames[-1]
            return newest
        grid = self.stream.model.spec.grid
        return np.full((grid.height, grid.width, 3), 128, dtype=np.uint8)

    @property
    def _newest_block(self) -> Any:
        blocks = () if self.stream is None else self.stream.blocks
        return blocks[-1] if blocks else None

    @property
    def has_moved_on(self) -> bool:
        """True if the stream has another block than at the last `put`."""
        return self._last_block is not self._newest_block

    def put(self, frame: Frame) -> None:
        """Replace the frame that is shown."""
        if frame is not self.frame:
            self._shown_before.appendleft(self.frame)
        self.frame = frame
        self._last_block = self._newest_block

    def earlier(self, count: int) -> list[Frame]:
        """Up to `count` frames before the newest, a latent frame apart, the newest first.

        A plain frame has no past: the frames that were shown before take its place.
        """
        if self.stream is None:
            return list(self._shown_before)[:count]
        step = self.stream.model.spec.clock.temporal_factor
        found: list[Frame] = []
        wanted = step  # frames back from the newest one
        passed = -1
        for block in reversed(self.stream.blocks):
            length = len(block.frames)
            while wanted - passed <= length and len(found) < count:
                found.append(block.frames[length - (wanted - passed)])
                wanted += step
            if len(found) == count:
                break
            passed += length
        return found
