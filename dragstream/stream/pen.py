"""Who may change a stream: one call at a time, or the one thread that keeps the pen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from dragstream.stream.events import Watch, nobody


@dataclass(frozen=True, eq=False)
class Keeper:
    """The thread that keeps the pen, what others are told meanwhile, and who watches it write."""

    thread: threading.Thread
    reason: str
    watch: Watch


class Writing:
    """One call that changes a stream.

    It lets go of the pen by setting `over`. That is a plain store, which no interrupt can split or
    come in front of, so that the pen is never left with a call that has ended.
    """

    def __init__(self, call: str) -> None:
        self.call = call
        self.over = False


class Pen:
    """What a call holds while it changes a stream."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._writing: Writing | None = None
        self._keeper: Keeper | None = None

    @property
    def watch(self) -> Watch:
        """Who watches the keeper write."""
        keeper = self._keeper
        return nobody if keeper is None else keeper.watch

    def take(self, writing: Writing) -> None:
        """Begin to write; the call is over when it says so.

        Raises:
            RuntimeError: Another call is at it, or another thread keeps the pen.
        """
        with self._mutex:
            self._check(writing.call, threading.current_thread())
            self._writing = writing

    def keep(self, keeper: Keeper) -> Callable[[], None]:
        """Let only one thread write, until the function that is returned is called.

        Raises:
            RuntimeError: A call is writing, or another thread keeps the pen.
        """
        with self._mutex:
            self._check(keeper.thread.name, keeper.thread)
            self._keeper = keeper

        def release() -> None:
            if self._keeper is keeper:
                self._keeper = None

        return release

    def _check(self, call: str, thread: threading.Thread) -> None:
        keeper = self._keeper
        if keeper is not None and keeper.thread is not thread:
            raise RuntimeError(f"{call} cannot change the stream now: {keeper.reason}")
        writing = self._writing
        if writing is not None and not writing.over:
            raise RuntimeError(
                f"{call} cannot change the stream now: {writing.call} is still at work on it"
            )
