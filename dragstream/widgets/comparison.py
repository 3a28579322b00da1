"""`Comparison`: a drag repeated on a fork without rectification, on a thread of its own."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from dragstream.stream.records import Block, Iteration
from dragstream.stream.stream import Stream
from dragstream.widgets.rerun import Rerun


class StoppedError(Exception):
    """The comparison was stopped before its end."""


class Comparison:
    """A `Rerun` under way or done, with the iterations that it has made so far.

    Args:
        rerun: The drag to repeat.
        progressed: A bound method, called after each iteration on the comparison's thread. Its
            object is not kept alive; the comparison stops when it is gone.
        ended: A bound method, called with the comparison at its end, likewise.
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
        # A pool's threads are waited for when the interpreter ends, which torch needs.
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
