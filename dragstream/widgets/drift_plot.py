"""`DriftPlot`: live plot of the latents' statistics during drags."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from dragstream.drags.checks import check_int, optional
from dragstream.stream.events import BlockMade, Event, Iterated, Status, StatusChanged
from dragstream.stream.live import LiveStream
from dragstream.stream.records import Iteration
from dragstream.stream.stream import Stream
from dragstream.widgets.comparison import Comparison, Rerun, StoppedError
from dragstream.widgets.drift_series import Drag, Series, drags, unfinished
from dragstream.widgets.page import PageWidget, natural, split_source
from dragstream.widgets.throttle import Throttle, weak_callback
from dragstream.widgets.visible import FreshBytes, FreshDict

if TYPE_CHECKING:
    from PIL import Image

_INTERVAL = 0.1
"""Least seconds between two drawings."""
_HISTORY = 300
"""Newest latent frames that are drawn."""


class DriftPlot(PageWidget, page="drift_plot"):
    """Mean, deviation, minimum and maximum of the latents, live, against their neighbours.

    ```python
    plot = DriftPlot(stream)  # or DriftPlot(live), which also shows iterations as they happen
    plot  # per latent frame or per iteration, all channels or one
    plot.compare_without_rectification()  # the same drag on a fork, without Eq. 4
    ```

    As in the paper's Figures 2a and 20: the band is the mean of the neighbours plus and minus
    their standard deviation. With rectification the curves stay in it.

    Args:
        source: A `Stream` or a `LiveStream`.

    Raises:
        TypeError: A source that is neither.
    """

    requests: ClassVar = {
        "channel": {"channel": optional(natural)},
        "drag": {"block": optional(natural)},
        "compare": {},
        "stop": {},
        "forget": {},
    }

    facts = FreshDict(read_only=True).tag(sync=True)
    """The choices and the current selection, as JSON."""

    frames = FreshBytes(b"", read_only=True).tag(sync=True)
    """Rows of the latent frames, float32, see `dragstream.widgets.drift_series`."""

    other_frames = FreshBytes(b"", read_only=True).tag(sync=True)
    """The same of the drag without rectification."""

    iterations = FreshBytes(b"", read_only=True).tag(sync=True)
    """Rows of the iterations of the selected drag, float32."""

    other_iterations = FreshBytes(b"", read_only=True).tag(sync=True)
    """The same of the drag without rectification."""

    unrectified = traitlets.Instance(Stream, allow_none=True, read_only=True)
    """The fork on which the drag was done without rectification, or None."""

    def __init__(self, source: Stream | LiveStream) -> None:
        self._comparison: Comparison | None = None  # on the plot
        self._started: Comparison | None = None  # last; perhaps forgotten before its end
        stream, live = split_source(source, "DriftPlot")
        self._series = Series()
        self._update_lock = threading.Lock()
        self._throttle = Throttle(self.refresh, _INTERVAL)
        self._channel: int | None = None
        self._chosen: int | None = None
        self._made: tuple[tuple[int, Iteration], ...] = ()
        self._subscriptions = ExitStack()
        self._stream, self._live = stream, live
        self.refresh()
        super().__init__()

    # --------------------------------------------------------------------------- what is drawn

    @property
    def source(self) -> Stream | LiveStream:
        """The stream or live stream that is drawn; it can be replaced by one of any model.

        Raises (when set):
            TypeError: Neither a `Stream` nor a `LiveStream`.
        """
        return self._live or self._stream

    @source.setter
    def source(self, source: Stream | LiveStream) -> None:
        stream, live = split_source(source, "DriftPlot")
        if stream is self._stream and live is self._live:
            return
        if stream.model.spec.latent_channels != self._stream.model.spec.latent_channels:
            self._channel = None
        self._chosen = None
        self._made = ()
        self._stream, self._live = stream, live
        self._follow()
        self.refresh()

    @property
    def channel(self) -> int | None:
        """The latent channel that is drawn; None pools all.

        Raises (when set):
            TypeError: Neither an integer nor None.
            ValueError: The model has no such channel.
        """
        return self._channel

    @channel.setter
    def channel(self, channel: int | None) -> None:
        count = self._stream.model.spec.latent_channels
        if channel is not None and check_int(channel, "channel", least=0) >= count:
            raise ValueError(f"channel must be None or from 0 to {count - 1}, got {channel}")
        self._channel = None if channel is None else int(channel)
        self.refresh()

    def look_at(self, block: int | None) -> None:
        """Draw the iterations of the drag that made a block; None means the newest drag's.

        Raises:
            TypeError: Neither an integer nor None.
            ValueError: No drag made that block.
        """
        if block is not None:
            self._drag_of(check_int(block, "block", least=0))
        self._chosen = block
        self.refresh()

    def refresh(self) -> None:
        """Draw the current state of the stream. A stream's changes are drawn without it."""
        with self._update_lock:
            state = self._state()
        for name, value in state.items():
            self.set_trait(name, value)

    # ---------------------------------------------------------------------------- comparison

    def compare_without_rectification(
        self,
        block: int | None = None,
        *,
        wait: bool = True,
    ) -> Stream | None:
        """Repeat a drag on a fork without rectification, and draw it as a second curve.

        Same past, same noise, same cutoffs: the lack of Eq. 4 is the one difference. An edit is
        repeated from the block as it was before.

        Args:
            block: A block that the drag made; None means the selected drag.
            wait: Return at its end. False returns at once, for buttons.

        Returns:
            The fork, with the drag's blocks at its end; None if it is not waited for.

        Raises:
            TypeError: ``block`` is not an integer.
            ValueError: No drag made it, or one without rectification.
            RuntimeError: The live stream is at work: pause it first. Or a comparison is under way.
        """
        if self._comparing:
            raise RuntimeError("a comparison is under way; wait for it, or stop it first")
        if self._live is not None and self._live.status in {Status.PLAYING, Status.WORKING}:
            raise RuntimeError("the live stream is at work: pause it before you compare")
        drag = (
            self._shown_drag()
            if block is None
            else self._drag_of(check_int(block, "block", least=0))
        )
        if drag is None:
            raise ValueError("nothing was dragged yet, so there is nothing to compare")
        rerun = Rerun.without_rectification(self._stream, drag.first)
        self._chosen = None if block is None else int(block)
        self.set_trait("unrectified", None)
        comparison = Comparison(rerun, self._throttle.request, self._on_compared)
        self._comparison = self._started = comparison
        comparison.start()
        self.refresh()
        if not wait:
            return None
        try:
            fork = comparison.job.result()
        except BaseException:
            comparison.stop()
            raise
        self.set_trait("unrectified", fork)
        self.refresh()
        return fork

    def stop(self) -> None:
        """Stop a comparison that is under way, after its current iteration."""
        if self._started is not None:
            self._started.stop()

    def forget(self) -> None:
        """Remove the comparison from the plot, and stop one that is under way."""
        self.stop()
        self._comparison = None
        self.set_trait("unrectified", None)
        self.refresh()

    # --------------------------------------------------------------------------------- others

    def picture(self) -> Image.Image:
        """The curves of the latent frames as a still picture.

        Raises:
            ValueError: A stream without blocks.
            ImportError: Without matplotlib (extra ``widgets``).
        """
        from dragstream.widgets.drift_picture import draw

        return draw(self._frames(self._stream), self._other_frames(), self._spans())

    def close(self) -> None:
        """Stop following the stream, and a comparison, and leave every page."""
        self.stop()
        super().close()

    def __repr__(self) -> str:
        which = "all channels" if self._channel is None else f"channel {self._channel}"
        return f"DriftPlot({len(self._stream)} blocks, {which})"

    # --------------------------------------------------------------------------------- private

    def _follow(self) -> None:
        self._subscriptions.close()
        self._made = ()  # missed iterations come with their block
        if self.shown:
            self._subscriptions.callback(self._stream.subscribe(self._throttle.request))
            if self._live is not None:
                self._subscriptions.callback(self._live.subscribe(weak_callback(self._on_event)))
            self.refresh()

    def _on_event(self, event: Event) -> None:
        """Handle an event of the live stream; iterations are drawn before their block is."""
        if isinstance(event, Iterated):
            before = self._made if not self._made or event.block >= self._made[-1][0] else ()
            if event.iteration.index == 0 and before and before[-1][0] == event.block:
                before = ()
            self._made = (*before, (event.block, event.iteration))
        elif isinstance(event, BlockMade):
            if not event.block.drags:
                self._made = ()
        elif isinstance(event, StatusChanged):
            self._made = ()
        else:
            return
        self._throttle.request()

    def _drag_of(self, block: int) -> Drag:
        found = [drag for drag in drags(self._stream.blocks) if drag.made(block)]
        if not found:
            raise ValueError(f"no drag made block {block}")
        return found[0]

    def _shown_drag(self) -> Drag | None:
        found = drags(self._stream.blocks)
        if self._chosen is not None:
            return next((drag for drag in found if drag.made(self._chosen)), None)
        return found[-1] if found else None

    def _state(self) -> dict[str, Any]:
        """The values of the synced traits."""
        blocks = self._stream.blocks
        spec = self._stream.model.spec
        shown = self._shown_drag()
        running = self._made if self._chosen is None and unfinished(self._made, blocks) else ()
        series = self._series
        if running:
            rows = series.running(running, blocks, spec.denoising_step, self._channel)
        elif shown is not None:
            rows = series.iterations(shown, blocks, self._channel)
        else:
            rows = series.running((), (), 0, None)
        other = self._other_iterations(shown)
        return {
            "frames": self._frames(self._stream).tobytes(),
            "other_frames": self._other_frames().tobytes(),
            "iterations": rows.tobytes(),
            "other_iterations": b"" if running else other.tobytes(),
            "facts": {
                "channels": spec.latent_channels,
                "channel": self._channel,
                "drags": [[drag.first.index, drag.label] for drag in drags(blocks)],
                "drag": None if shown is None or running else shown.first.index,
                "chosen": self._chosen is not None,
                "spans": self._spans(),
                "comparing": self._comparing,
                "compared": None if self._comparison is None else self._comparison.rerun.place,
                "running": bool(running),
            },
        }

    def _frames(self, stream: Stream, start: int | None = None) -> Any:
        blocks = stream.blocks
        per_block = stream.model.spec.frames_per_block
        newest = max(0, len(blocks) - -(-_HISTORY // per_block))
        return self._series.frames(blocks, self._channel, newest if start is None else start)

    @property
    def _comparing(self) -> bool:
        return self._started is not None and self._started.under_way

    @property
    def _valid_comparison(self) -> Comparison | None:
        """The comparison, if the drag that it repeats is still part of the stream."""
        comparison = self._comparison
        concerned = comparison is not None and comparison.concerns(self._stream.blocks)
        return comparison if concerned else None

    def _other_frames(self) -> Any:
        """The rows of the comparison, from the last block that both streams share."""
        fork, comparison = self.unrectified, self._valid_comparison
        if fork is None or comparison is None:
            return self._series.frames((), self._channel)
        return self._frames(fork, max(0, comparison.rerun.place - 1))

    def _other_iterations(self, shown: Drag | None) -> Any:
        """The rows of the comparison's iterations, if it repeats the drag that is shown."""
        comparison = self._valid_comparison
        if comparison is None or shown is None or shown.first.index != comparison.rerun.place:
            return self._series.running((), (), 0, None)
        rerun = comparison.rerun
        if self.unrectified is not None:
            blocks = self.unrectified.blocks
            again = Drag(blocks[rerun.place : rerun.place + rerun.call.part[1]])
            return self._series.iterations(again, blocks, self._channel)
        step = rerun.settings.denoising_step or 0
        made = comparison.numbered
        return self._series.running(made, self._stream.blocks, step, self._channel)

    def _on_compared(self, comparison: Comparison) -> None:
        """Show the result of a comparison, or its error; called on the comparison's thread."""
        error = comparison.job.exception()
        if self._comparison is not comparison:
            pass  # forgotten meanwhile
        elif error is None:
            self.set_trait("unrectified", comparison.job.result())
        else:
            self._comparison = None
            if not isinstance(error, StoppedError):
                self.send_error(f"{type(error).__name__}: {error}", "compare")
        self.refresh()

    def _spans(self) -> list[list[int]]:
        """First and last latent frame of each dragged block."""
        blocks = (block for block in self._stream.blocks if block.drags)
        return [[block.latent_frames[0], block.latent_frames[-1]] for block in blocks]

    # ------------------------------------------------------------------------------- the page

    def _on_channel(self, channel: int | None) -> None:
        self.channel = channel

    def _on_drag(self, block: int | None) -> None:
        self.look_at(block)

    def _on_compare(self) -> None:
        self.compare_without_rectification(self._chosen, wait=False)
