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


class Pen:
    """What a call holds while it changes a stream."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._call: str | None = None
        self._keeper: Keeper | None = None

    @property
    def watch(self) -> Watch:
        """Who watches the keeper write."""
        keeper = self._keeper
        return nobody if keeper is None else keeper.watch

    def take(self, call: str) -> None:
        """Begin to write.

        Raises:
            RuntimeError: Another call is at it, or another thread keeps the pen.
        """
        with self._mutex:
            self._check(call, threading.current_thread())
            self._call = call

    def lay_down(self) -> None:
        """End what `take` began."""
        self._call = None

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
        if self._call is not None:
            raise RuntimeError(
                f"{call} cannot change the stream now: {self._call} is still at work on it"
            )
