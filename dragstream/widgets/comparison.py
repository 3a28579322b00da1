"""`Comparison`: a drag repeated on a fork without rectification, on a thread of its own."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from dragstream.method.base import DragMethod
from dragstream.method.settings import DragSettings
from dragstream.stream.records import Block, Call, Iteration, Mode
from dragstream.stream.stream import Stream

Callback = Callable[[Iteration], Any]


@dataclass(frozen=True, eq=False)
class Rerun:
    """A drag to repeat."""

    fork: Stream  # without the drag
    before: tuple[Call, ...]  # to repeat first: those that made the block which was edited then
    call: Call
    settings: DragSettings
    first: Block  # that the drag made

    @property
    def place(self) -> int:
        """Number of the block that it begins with."""
        return self.first.index

    @classmethod
    def without_rectification(cls, stream: Stream, first: Block) -> Rerun:
        """The call that made a block first, without rectification (Eq. 4)."""
        call = first.call
        if call.settings is None:
            raise ValueError(f"block {first.index} was not dragged: there is nothing to compare")
        settings = call.settings
        if not isinstance(settings, DragSettings) or settings.rectification is False:
            raise ValueError(f"block {first.index} was dragged without rectification already")
        settings = replace(settings, rectification=False)
        if first.earlier:  # edited, or a whole clip made again with the motion in it
            return cls(_origin(stream, first), first.earlier, call, settings, first)
        return cls(stream.fork(at=first.index), (), call, settings, first)

    def run(self, callback: Callback) -> Stream:
        """Repeat the drag; `callback` is called after each iteration, and may raise to stop."""
        for call in self.before:
            _repeat(self.fork, call, call.settings, None)
            if len(self.fork) > self.place + 1:  # an animation went on after the block
                self.fork.rewind(self.place + 1)
        _repeat(self.fork, self.call, self.settings, callback)
        return self.fork


def _origin(stream: Stream, block: Block) -> Stream:
    """A fork in which the first of the earlier calls of a block can be repeated."""
    first = block.earlier[0]
    if first.mode is Mode.ANIMATE:
        return stream.fork(at=block.index - first.part[0])
    if first.mode is not Mode.IMAGE:
        return stream.fork(at=block.index)
    beginning = stream.blocks[0]
    if beginning.picture is None is beginning.footage:
        raise ValueError(f"block {block.index} cannot be made again: its picture is not kept")
    return Stream(
        stream.model,
        block.prompt,
        stream.seed,
        beginning.picture,
        video=beginning.footage,
    )


def _repeat(
    stream: Stream, call: Call, settings: DragMethod | None, callback: Callback | None
) -> None:
    if call.mode is Mode.STEP:
        stream.step()
    elif call.mode is Mode.EDIT:
        stream.edit(call.drags, call.keep, settings, callback)
    elif call.mode is Mode.ANIMATE:
        stream.animate(call.drags, call.part[1], call.keep, settings, callback)


class StoppedError(Exception):
    """The comparison was stopped before its end."""


class Comparison:
    """A `Rerun` that runs or is done, with its iterations so far.

    The bound methods are called on its thread, after each iteration and at the end. Their object is
    not kept alive; the comparison stops when it is gone.
    """

    def __init__(
        self,
        rerun: Rerun,
        progressed: Callable[[], object],
        ended: Callable[[Comparison], object],
    ) -> None:
        self.rerun = rerun
        self.made: tuple[Iteration, ...] = ()
        self._progressed = weakref.WeakMethod(progressed)
        self._ended = weakref.WeakMethod(ended)
        self._stopping = False
        self.job: Future[Stream] = Future()

    def start(self) -> None:
        """Begin to repeat the drag."""
        # The interpreter waits for a pool's threads at its end, as torch needs.
        pool = ThreadPoolExecutor(1, thread_name_prefix="DriftPlot")
        self.job = pool.submit(self.rerun.run, self._on_iteration)
        pool.shutdown(wait=False)
        self.job.add_done_callback(self._on_end)

    @property
    def under_way(self) -> bool:
        """True while the drag is being repeated."""
        return not self.job.done()

    @property
    def numbered(self) -> list[tuple[int, Iteration]]:
        """The iterations made so far, each with the index of its block."""
        index, numbered = self.rerun.place - 1, []
        for item in self.made:
            index += item.index == 0
            numbered.append((index, item))
        return numbered

    def concerns(self, blocks: tuple[Block, ...]) -> bool:
        """Return True if the original drag is still part of a stream with these blocks."""
        place = self.rerun.place
        return place < len(blocks) and blocks[place] is self.rerun.first

    def stop(self) -> None:
        """Stop after the current iteration."""
        self._stopping = True

    def _on_iteration(self, iteration: Iteration) -> None:
        progressed = self._progressed()
        if progressed is None or self._stopping:
            raise StoppedError("the comparison was stopped")
        self.made = (*self.made, iteration)
        progressed()

    def _on_end(self, _job: Future[Stream]) -> None:
        if (ended := self._ended()) is not None:
            ended(self)
