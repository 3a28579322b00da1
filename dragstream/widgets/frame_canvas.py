"""`FrameCanvas`: the part of a canvas that shows a source's frames, plays clips and zooms."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets
from PIL import Image

from dragstream.drags import regions
from dragstream.drags.checks import check_positive
from dragstream.drags.shapes import BoolMask, Region
from dragstream.widgets.messages import MOST_ONION_FRAMES
from dragstream.widgets.page import PageWidget, natural
from dragstream.widgets.sources import Frame, Source, check_frame, check_frames
from dragstream.widgets.still import jpeg
from dragstream.widgets.throttle import weak_callback

if TYPE_CHECKING:
    from dragstream.stream.events import Event


_MOST_UNCONFIRMED = 2
"""Unconfirmed clips at which the next one is left out."""

_TIMEOUT = 3.0
"""Seconds after which an unconfirmed clip counts as lost: the kernel was busy, or no page is
open."""


class ClipSender:
    """Sends clips and counts unconfirmed ones, so that a slow page never has a queue."""

    def __init__(
        self,
        send: Callable[[dict[str, object], list[bytes]], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._clock = clock
        self._count = 0
        self._open: dict[int, float] = {}  # unconfirmed clips, and when they were sent
        self._silent_since: float | None = None  # time of the first clip after the last answer
        self.left_out = 0

    @property
    def used(self) -> bool:
        """True once a clip was sent."""
        return self._count > 0

    @property
    def under_way(self) -> int:
        """Number of clips that the page has not confirmed yet."""
        return len(self._open)

    @property
    def silence(self) -> float:
        """Seconds for which the page has not answered what it was sent; 0 if it has."""
        return 0.0 if self._silent_since is None else self._clock() - self._silent_since

    def play(self, frames: Sequence[Frame] | Frame, frame_rate: float) -> bool:
        """Send frames, to play at a rate in place of the previous clip; False if left out."""
        now = self._clock()
        self._open = {clip: sent for clip, sent in self._open.items() if now - sent < _TIMEOUT}
        if len(self._open) >= _MOST_UNCONFIRMED:
            self.left_out += 1
            return False
        self._count += 1
        self._open[self._count] = now
        if self._silent_since is None:
            self._silent_since = now
        message = {"type": "clip", "clip": self._count, "frame_rate": frame_rate}
        self._send(message, [jpeg(frame) for frame in frames])
        return True

    def confirm(self, clip: int) -> None:
        """Count a clip that the page has begun to show, and those before it, as arrived."""
        self._open = {number: sent for number, sent in self._open.items() if number > clip}
        self._silent_since = min(self._open.values(), default=None)


_ONION_WIDTH = 416  # pixels of a frame of the onion skin, at most
_ONION_QUALITY = 75
_ZOOM_MARGIN = 0.1  # around a region that is zoomed to, as a share of its size


class _Picture(traitlets.Bytes):
    """The frame as PNG; encoded on reading while no page shows the canvas."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        """The current PNG."""
        return super().get(obj, cls) or obj._png()  # noqa: SLF001 - the canvas' own


class _Trail(traitlets.List):  # type: ignore[type-arg]
    """The frames of the onion skin; encoded on reading while no page shows the canvas."""

    def get(self, obj: Any, cls: Any = None) -> Any:
        """The current JPEGs."""
        return super().get(obj, cls) or obj._trail()  # noqa: SLF001 - the canvas' own


class FrameCanvas(PageWidget):
    """A widget that shows the newest frame of a source and follows it while a page shows it."""

    requests: ClassVar = {"seen": {"clip": natural}}

    frame = _Picture(b"", read_only=True).tag(sync=True)
    """The frame that is shown at rest, as PNG."""

    width = traitlets.Int(1, read_only=True).tag(sync=True)
    """Width of the frame in pixels."""

    height = traitlets.Int(1, read_only=True).tag(sync=True)
    """Height of the frame in pixels."""

    aim = traitlets.Dict(read_only=True).tag(sync=True)
    """The last `zoom_to`: "box", left, top, right and bottom edge in pixels from the frame's upper
    left corner, and "number", another one for each call."""

    onion = traitlets.Int(0, min=0, max=MOST_ONION_FRAMES).tag(sync=True)
    """Number of earlier frames, a latent frame apart, that shine through the newest one."""

    trail: Any = _Trail(traitlets.Bytes(), read_only=True).tag(sync=True)
    """These frames as small JPEGs, the newest first."""

    def __init__(self, source: Source, **traits: Any) -> None:
        self._source = source
        self._subscriptions = ExitStack()
        self._sent: Frame | None = None  # the frame that pages have
        self._clips = ClipSender(self.send)
        # Before the widget opens, so that a page never gets half of the traits.
        height, width = source.frame.shape[:2]
        self.set_trait("width", width)
        self.set_trait("height", height)
        self.set_trait("aim", {"box": [0, 0, width, height], "number": 0})
        super().__init__(**traits)

    @property
    def source(self) -> object:
        """A stream, a live stream, or a frame. Drags stay when it is set.

        Raises:
            TypeError: On setting, neither a stream nor a uint8 array.
            ValueError: On setting, frames of another size than the canvas.
        """
        return self._source.given

    @source.setter
    def source(self, source: object) -> None:
        self._source.replace(source)
        self._follow()
        self.refresh()

    def refresh(self) -> None:
        """Show the stream's newest frame. A stream that announces its changes needs no call."""
        self.show(self._source.newest)

    def rest(self) -> None:
        """Show the stream's newest frame after the current clip."""
        self._put_frame(self._source.newest)

    def show(self, frame: Frame) -> None:
        """Show another frame of the same size, uint8 (H, W, 3), and end the current clip.

        Raises:
            TypeError: The frame is not a uint8 array.
            ValueError: It has another size than the canvas.
        """
        check_frame(frame)
        check_frames(frame[None], self.height, self.width)
        if self._clips.used:
            self.send({"type": "still"})
        self._put_frame(frame)

    def play(self, frames: Frame, frame_rate: float | None = None) -> None:
        """Play frames in the page at once, instead of the current clip, and then show the last one.

        They are sent as JPEG; a page that is too slow gets only the newest clips.

        Args:
            frames: uint8 (T, H, W, 3).
            frame_rate: Frames a second; by default that of the stream.

        Raises:
            TypeError: The frames are no uint8 array, or the rate is no number.
            ValueError: They have another size than the canvas, or the rate is not positive.
        """
        check_frames(frames, self.height, self.width)
        if frame_rate is None:
            frame_rate = self._source.frame_rate
        self._clips.play(frames, check_positive(frame_rate, "frame_rate"))
        if not self._source.at_work:  # a live stream sends an event when it rests
            self._put_frame(frames[-1])

    def zoom_to(self, region: Region | None = None) -> None:
        """Show a part of the frame as large as the canvas allows, up to 16 times.

        All views of the canvas go there, also those opened later; from there the mouse zooms and
        moves on, in each view by itself.

        Args:
            region: A shape or a mask, bool (H, W), shown with a margin around it:
                ``canvas.zoom_to(canvas.region)``, ``canvas.zoom_to(ds.regions.box(…))``. None
                for the whole frame.

        Raises:
            TypeError, ValueError: A region that does not fit the frame.
        """
        box = [0.0, 0.0, float(self.width), float(self.height)]
        if region is not None:
            box = _box_around(regions.rasterise(region, self.height, self.width))
        self.set_trait("aim", {"box": box, "number": self.aim["number"] + 1})

    def get_state(self, *args: Any, **kwargs: Any) -> Any:
        """The synced traits, for a page that opens or requests them."""
        state = super().get_state(*args, **kwargs)
        if "frame" in state:
            self._sent = self._source.frame
        return state

    # --- private --------------------------------------------------------------------------------

    def _put_frame(self, frame: Frame) -> None:
        self._source.put(frame)
        if not self.shown:  # without a page no picture is encoded or kept
            return
        if self._sent is not frame:
            self._sent = frame
            self.set_trait("frame", self._png())
        self._update_trail()

    def _current_frame(self) -> Frame:
        """The frame that is shown; brought up to date first if no page shows the canvas."""
        if not self.shown and self._source.has_moved_on and not self._source.at_work:
            self.refresh()
        return self._source.frame

    def _png(self) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(self._current_frame()).save(buffer, format="PNG", compress_level=3)
        return buffer.getvalue()

    def _trail(self) -> list[bytes]:
        size = (_ONION_WIDTH, _ONION_WIDTH)
        return [jpeg(frame, size, _ONION_QUALITY) for frame in self._source.earlier(self.onion)]

    @traitlets.observe("onion")
    def _update_trail(self, _change: object = None) -> None:
        if self.shown:
            self.set_trait("trail", self._trail())

    def _follow(self) -> None:
        """Subscribe weakly to the source if a page shows the canvas, else unsubscribe."""
        self._subscriptions.close()
        source = self._source
        if self.shown and source.stream is not None:
            self._subscriptions.callback(source.stream.subscribe(weak_callback(self._on_change)))
            if source.live is not None:
                self._subscriptions.callback(source.live.subscribe(weak_callback(self._on_event)))

    def _on_change(self) -> None:
        if not self._source.at_work:
            self.refresh()

    def _on_event(self, event: Event) -> None:
        # imported here, so that a canvas of a plain frame needs no torch
        from dragstream.stream.events import BlockMade, StatusChanged

        if isinstance(event, BlockMade):
            self.play(event.block.frames)
        elif isinstance(event, StatusChanged) and not self._source.at_work:
            self.rest()

    @traitlets.observe("shown")
    def _shown_changed(self, _change: object) -> None:
        self._follow()
        if self.shown:
            source = self._source
            self._put_frame(source.newest if source.has_moved_on else source.frame)
        else:
            self._trait_values |= {"frame": b"", "trail": []}  # the page keeps its copy

    def _on_seen(self, clip: int) -> None:
        self._clips.confirm(clip)


def _box_around(mask: BoolMask) -> list[float]:
    """The edges (left, top, right, bottom) of a mask's True pixels, with a margin."""
    left, top, right, bottom = (side + 0.5 for side in regions.bounding_box(mask))
    across, down = _ZOOM_MARGIN * (right - left), _ZOOM_MARGIN * (bottom - top)
    return [left - across, top - down, right + across, bottom + down]
