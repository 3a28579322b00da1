"""Sources of a canvas: streams, live streams and frames; their frames and their changes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel
    from dragstream.stream.live import LiveStream

Frame = NDArray[np.uint8]
Unsubscribe = Callable[[], object]


class Stream(Protocol):
    """The part of `dragstream.Stream` that the canvas reads."""

    @property
    def model(self) -> VideoModel:
        """The model that makes the frames."""

    @property
    def blocks(self) -> tuple[Any, ...]:
        """Blocks with `frames`, uint8 (T, H, W, 3), the newest one last."""


class Screen(Protocol):
    """The protocol of a widget that follows a source."""

    def refresh(self) -> None:
        """Show the newest frame now."""

    def rest(self) -> None:
        """Show the newest frame after the clip that is playing."""

    def play(self, frames: Frame) -> None:
        """Play new frames."""


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


def stream_of(source: object) -> Stream | None:
    """The stream that a source is or plays; None for a frame.

    Raises:
        TypeError: The source is neither a stream nor a uint8 array.
        ValueError: The array is not (H, W, 3).
    """
    if isinstance(source, np.ndarray):
        check_frame(source)
        return None
    stream: Any = getattr(source, "stream", source)  # a live stream plays another one
    if not (hasattr(stream, "blocks") and hasattr(stream, "model")):
        raise TypeError(
            f"DragCanvas takes a stream or a uint8 frame (H, W, 3), got {type(source).__name__}"
        )
    found: Stream = stream
    return found


def announces(source: object) -> bool:
    """Return True if the source has subscriptions to its changes."""
    return getattr(stream_of(source), "subscribe", None) is not None


def newest_block(source: object) -> object | None:
    """The last block of a stream, which never changes; None without one."""
    stream = stream_of(source)
    blocks = () if stream is None else stream.blocks
    return blocks[-1] if blocks else None


def newest_frame(source: object) -> Frame:
    """The last frame of a stream, grey before its first block; a frame array as it is.

    Raises:
        TypeError, ValueError: See `stream_of`.
    """
    stream = stream_of(source)
    if stream is None:
        frame: Frame = source  # type: ignore[assignment]
        return frame
    blocks = stream.blocks
    if blocks:
        newest: Frame = blocks[-1].frames[-1]
        return newest
    grid = stream.model.spec.grid
    return np.full((grid.height, grid.width, 3), 128, dtype=np.uint8)


def earlier_frames(source: object, count: int) -> list[Frame]:
    """Up to `count` frames before the newest one, a latent frame apart, the newest first."""
    stream = stream_of(source)
    if stream is None or not stream.blocks:
        return []
    step = stream.model.spec.clock.temporal_factor
    found: list[Frame] = []
    wanted = step  # frames back from the newest one
    passed = -1
    for block in reversed(stream.blocks):
        length = len(block.frames)
        while wanted - passed <= length and len(found) < count:
            found.append(block.frames[length - (wanted - passed)])
            wanted += step
        if len(found) == count:
            break
        passed += length
    return found


def frames_per_block(source: object, default: int) -> int:
    """Latent frames of a block of the source's model."""
    stream = stream_of(source)
    return default if stream is None else int(stream.model.spec.frames_per_block)


def frame_rate(source: object, default: float) -> float:
    """Video frames a second at which the source is played."""
    stream = stream_of(source)
    own = default if stream is None else float(stream.model.spec.clock.frame_rate)
    played = float(getattr(source, "frame_rate", own))
    return played if np.isfinite(played) else own


def live_of(source: object) -> LiveStream | None:
    """The source if it is a live stream, else None."""
    stream = stream_of(source)
    live: Any = None if stream is None or stream is source else source
    return live  # type: ignore[no-any-return]


def status(source: object) -> str | None:
    """The status of a live stream; None for another source."""
    found = getattr(source, "status", None)
    return None if found is None else str(found.value)


def at_work(source: object) -> bool:
    """Return True if the source is a live stream that is making blocks."""
    return status(source) in {"playing", "working"}


def follow(source: object, screen: Screen) -> list[Unsubscribe]:
    """Subscribe a screen to its source, without keeping the screen alive."""
    known = weakref.ref(screen)
    ends: list[Unsubscribe] = []
    stream: Any = stream_of(source)
    if (subscribe := getattr(stream, "subscribe", None)) is not None:

        def changed() -> None:
            if (alive := known()) is not None and not at_work(source):
                alive.refresh()

        ends.append(subscribe(changed))
    if stream is not None and stream is not source:
        ends.append(_follow_live(source, known))
    return ends


def _follow_live(live: Any, known: weakref.ref[Screen]) -> Unsubscribe:
    from dragstream.stream.events import BlockMade, Event, StatusChanged

    def on_event(event: Event) -> None:
        screen = known()
        if screen is None:
            return
        if isinstance(event, BlockMade):
            screen.play(event.block.frames)
        elif isinstance(event, StatusChanged) and not at_work(live):
            screen.rest()

    unsubscribe: Unsubscribe = live.subscribe(on_event)
    return unsubscribe
