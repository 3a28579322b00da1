"""`DriftPlot`: what a drag does to the statistics of the latents, as it does it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from dragstream.drags.checks import whole
from dragstream.stream.events import BlockMade, Event, Iterated, Status, StatusChanged
from dragstream.stream.live import LiveStream
from dragstream.stream.records import Block, Iteration, Mode
from dragstream.stream.stream import Stream
from dragstream.widgets.drift_series import Drag, Series, drags
from dragstream.widgets.pace import Pace
from dragstream.widgets.page import PageWidget, natural, optional, parts
from dragstream.widgets.rerun import Rerun
from dragstream.widgets.visible import FreshBytes, FreshDict
from dragstream.widgets.weak import weakly

if TYPE_CHECKING:
    from PIL import Image

_STATIC = Path(__file__).parent / "static"
_INTERVAL = 0.1
"""Least seconds between two drawings."""
_HISTORY = 300
"""Latent frames that are drawn."""


class _StoppedError(Exception):
    """A comparison is not wanted any more."""


class DriftPlot(PageWidget):
    """Mean, deviation, minimum and maximum of the latents, live, against their neighbours.

    ```python
    plot = DriftPlot(stream)  # or DriftPlot(live), which also shows iterations as they happen
    plot  # per latent frame or per iteration, all channels or one
    plot.compare_without_rectification()  # the same drag on a fork, without Eq. 4
    ```

    As in the paper's Figures 2a and 20: the band is what the neighbours have, plus and minus a
    standard deviation among them. With rectification the curves stay in it.

    Args:
        source: A `Stream` or a `LiveStream`.
        history: How many of the newest latent frames are drawn.

    Raises:
        TypeError: A source that is neither; a history that is no integer.
        ValueError: A history below 1.
    """

    _esm = _STATIC / "drift_plot.js"
    _css = _STATIC / "drift_plot.css"

    requests: ClassVar = {
        "channel": {"channel": optional(natural)},
        "drag": {"block": optional(natural)},
        "compare": {},
        "stop": {},
        "forget": {},
    }

    facts = FreshDict(read_only=True).tag(sync=True)
    """What there is to choose from and what is drawn, as JSON."""

    frames = FreshBytes(b"", read_only=True).tag(sync=True)
    """Rows of the latent frames, float32, see `dragstream.widgets.drift_series`."""

    other_frames = FreshBytes(b"", read_only=True).tag(sync=True)
    """The same of the drag without rectification."""

    iterations = FreshBytes(b"", read_only=True).tag(sync=True)
    """Rows of the iterations of the drag that is looked at, float32."""

    other_iterations = FreshBytes(b"", read_only=True).tag(sync=True)
    """The same of the drag without rectification."""

    unrectified = traitlets.Instance(Stream, allow_none=True, read_only=True)
    """The fork on which the drag was done without rectification, or None."""

    def __init__(self, source: Stream | LiveStream, *, history: int = _HISTORY) -> None:
        stream, live = parts(source, "DriftPlot")
        self._history = whole(history, "history", least=1)
        self._series = Series()
        self._telling = threading.Lock()
        self._pace = Pace(self.refresh, _INTERVAL)
        self._channel: int | None = None
        self._chosen: int | None = None
        self._rerun: Rerun | None = None
        self._rerun_made: tuple[Iteration, ...] = ()
        self._job: Future[Stream] | None = None
        self._stopping = False
        self._made: tuple[tuple[int, Iteration], ...] = ()
        self._leave: tuple[Callable[[], object], ...] = ()
        self._stream, self._live = stream, live
        self.refresh()
        super().__init__()

    # --------------------------------------------------------------------------- what is drawn

    @property
    def source(self) -> Stream | LiveStream:
        """What is drawn; set it to draw another stream, of any model.

        Raises (when set):
            TypeError: Neither a `Stream` nor a `LiveStream`.
        """
        return self._live or self._stream

    @source.setter
    def source(self, source: Stream | LiveStream) -> None:
        stream, live = parts(source, "DriftPlot")
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
        if channel is not None and whole(channel, "channel", least=0) >= count:
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
            self._drag_of(whole(block, "block", least=0))
        self._chosen = block
        self.refresh()

    def refresh(self) -> None:
        """Draw the stream as it is. Changes of a stream are drawn without it."""
        with self._telling:
            told = self._told()
        for name, value in told.items():
            self.set_trait(name, value)

    # ---------------------------------------------------------------------------- comparison

    def compare_without_rectification(
        self,
        block: int | None = None,
        *,
        wait: bool = True,
    ) -> Stream | None:
        """Do a drag again on a fork without rectification, and draw it as a second curve.

        Same past, same noise, same cutoffs: the lack of Eq. 4 is the one difference. An edit is
        done again from the block as it was before.

        Args:
            block: A block that the drag made; None means the drag that is looked at.
            wait: Return when it is done. False returns at once, for buttons.

        Returns:
            The fork, with the drag's blocks at its end; None if it is not waited for.

        Raises:
            TypeError: ``block`` is not an integer.
            ValueError: No drag made it, or one without rectification.
            RuntimeError: The live stream is at work: pause it first. Or a comparison is under way.
        """
        if self._job is not None and not self._job.done():
            raise RuntimeError("a comparison is under way; wait for it, or stop it first")
        if self._live is not None and self._live.status in {Status.PLAYING, Status.WORKING}:
            raise RuntimeError("the live stream is at work: pause it before you compare")
        drag = (
            self._shown_drag() if block is None else self._drag_of(whole(block, "block", least=0))
        )
        if drag is None:
            raise ValueError("nothing was dragged yet, so there is nothing to compare")
        rerun = Rerun.without_rectification(self._stream, drag.first)
        self._stopping = False
        self._chosen = None if block is None else int(block)
        self._rerun, self._rerun_made = rerun, ()
        self.set_trait("unrectified", None)
        # A pool's threads are waited for when the interpreter ends, which torch needs.
        pool = ThreadPoolExecutor(1, thread_name_prefix="DriftPlot")
        self._job = job = pool.submit(rerun.run, partial(_heard, weakref.ref(self)))
        pool.shutdown(wait=False)
        job.add_done_callback(partial(_finished, weakref.ref(self), rerun))
        self.refresh()
        if not wait:
            return None
        try:
            fork = job.result()
        except BaseException:
            self.stop()
            raise
        self.set_trait("unrectified", fork)
        self.refresh()
        return fork

    def stop(self) -> None:
        """Give up a comparison that is under way, after its present iteration."""
        self._stopping = True

    def forget(self) -> None:
        """Take the comparison off the plot, and give up one that is under way."""
        self.stop()
        self._rerun, self._rerun_made = None, ()
        self.set_trait("unrectified", None)
        self.refresh()

    # --------------------------------------------------------------------------------- others

    def picture(self) -> Image.Image:
        """The curves of the latent frames as a still picture.

        A reopened notebook shows no widgets, so put this beside them.

        Raises:
            ValueError: A stream without blocks.
            ImportError: Without matplotlib (extra ``lab``).
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
        for leave in self._leave:
            leave()
        self._leave, self._made = (), ()  # what was missed comes with its block
        if self.shown:
            self._leave = (self._stream.subscribe(self._pace.ask),)
            if self._live is not None:
                self._leave += (self._live.subscribe(weakly(self._happened)),)
            self.refresh()

    def _happened(self, event: Event) -> None:
        """What the live stream does: iterations are drawn before their block is there."""
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
        self._pace.ask()

    def _drag_of(self, block: int) -> Drag:
        found = [drag for drag in drags(self._stream.blocks) if _holds(drag, block)]
        if not found:
            raise ValueError(f"no drag made block {block}")
        return found[0]

    def _shown_drag(self) -> Drag | None:
        found = drags(self._stream.blocks)
        if self._chosen is not None:
            return next((drag for drag in found if _holds(drag, self._chosen)), None)
        return found[-1] if found else None

    def _told(self) -> dict[str, Any]:
        """The synced traits."""
        blocks = self._stream.blocks
        spec = self._stream.model.spec
        shown = self._shown_drag()
        running = self._made if self._chosen is None and _unfinished(self._made, blocks) else ()
        series = self._series
        if running:
            rows = series.running(running, blocks, spec.denoising_step, self._channel)
        elif shown is not None:
            rows = series.iterations(shown, blocks, self._channel)
        else:
            rows = series.running((), (), 0, None)
        other = self._comparison(shown)
        return {
            "frames": self._frames(self._stream).tobytes(),
            "other_frames": self._other_frames().tobytes(),
            "iterations": rows.tobytes(),
            "other_iterations": b"" if running else other.tobytes(),
            "facts": {
                "channels": spec.latent_channels,
                "channel": self._channel,
                "drags": [_label(drag) for drag in drags(blocks)],
                "drag": None if shown is None or running else shown.first.index,
                "chosen": self._chosen is not None,
                "spans": self._spans(),
                "comparing": self._job is not None and not self._job.done(),
                "compared": None if self._rerun is None else self._rerun.place,
                "running": bool(running),
            },
        }

    def _frames(self, stream: Stream, start: int | None = None) -> Any:
        blocks = stream.blocks
        per_block = stream.model.spec.frames_per_block
        newest = max(0, len(blocks) - -(-self._history // per_block))
        return self._series.frames(blocks, self._channel, newest if start is None else start)

    def _other_frames(self) -> Any:
        """The rows of the comparison, from the last block that both have."""
        fork = self.unrectified
        if fork is None or self._rerun is None or not self._holds_comparison():
            return self._series.frames((), self._channel)
        return self._frames(fork, max(0, self._rerun.place - 1))

    def _comparison(self, shown: Drag | None) -> Any:
        rerun = self._rerun
        none = self._series.running((), (), 0, None)
        if rerun is None or shown is None or shown.first.index != rerun.place:
            return none
        if not self._holds_comparison():
            return none
        if self.unrectified is not None:
            blocks = self.unrectified.blocks
            again = Drag(blocks[rerun.place : rerun.place + rerun.call.part[1]])
            return self._series.iterations(again, blocks, self._channel)
        index, made = rerun.place - 1, []
        for item in self._rerun_made:
            index += item.index == 0
            made.append((index, item))
        step = rerun.settings.denoising_step or 0
        return self._series.running(made, self._stream.blocks, step, self._channel)

    def _holds_comparison(self) -> bool:
        """Is the drag that was compared still part of the stream?"""
        rerun, blocks = self._rerun, self._stream.blocks
        if rerun is None or rerun.place >= len(blocks):
            return False
        return blocks[rerun.place] is rerun.first

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

    def _on_stop(self) -> None:
        self.stop()

    def _on_forget(self) -> None:
        self.forget()


def _heard(known: weakref.ref[DriftPlot], iteration: Iteration) -> None:
    """An iteration of a comparison is done; called on the thread that does it."""
    plot = known()
    if plot is None or plot._stopping:  # noqa: SLF001 - our own
        raise _StoppedError("the comparison was stopped")
    plot._rerun_made = (*plot._rerun_made, iteration)  # noqa: SLF001
    plot._pace.ask()  # noqa: SLF001


def _finished(known: weakref.ref[DriftPlot], rerun: Rerun, job: Future[Stream]) -> None:
    """A comparison has ended, one way or another."""
    plot = known()
    if plot is None or plot._rerun is not rerun:  # noqa: SLF001
        return
    error = job.exception()
    if error is None:
        plot.set_trait("unrectified", job.result())
    else:
        plot._rerun, plot._rerun_made = None, ()  # noqa: SLF001
        if not isinstance(error, _StoppedError):
            plot.send_error(f"{type(error).__name__}: {error}", "compare")
    plot.refresh()


def _holds(drag: Drag, block: int) -> bool:
    return drag.first.index <= block <= drag.blocks[-1].index


def _unfinished(made: tuple[tuple[int, Iteration], ...], blocks: tuple[Block, ...]) -> bool:
    """Are iterations newer than the block that they will make?"""
    if not made:
        return False
    index, newest = made[-1]
    return index >= len(blocks) or not any(item is newest for item in blocks[index].iterations)


def _label(drag: Drag) -> list[Any]:
    """[block, what it is called]."""
    first, last = drag.first.index, drag.blocks[-1].index
    verb = "edit of" if drag.first.mode is Mode.EDIT else "animation of"
    place = f"block {first}" if first == last else f"blocks {first}–{last}"
    return [first, f"{verb} {place}"]
