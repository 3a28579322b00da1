"""The write lock of a stream: for one call at a time, or for one thread until it is released."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from dragstream.stream.events import Watch, nobody


@dataclass(frozen=True, eq=False)
class Keeper:
    """Exclusive owner of the write lock: thread, error text for others, event callback."""

    thread: threading.Thread
    reason: str
    watch: Watch


class Writing:
    """One call that changes a stream.

    It releases the lock by setting `over`. That is a plain store, which no interrupt can split or
    precede, so that a call that has ended never holds the lock.
    """

    def __init__(self, call: str) -> None:
        self.call = call
        self.over = False


class Pen:
    """The write lock of a stream."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._writing: Writing | None = None
        self._keeper: Keeper | None = None

    @property
    def watch(self) -> Watch:
        """The event callback of the owner; `nobody` without an owner."""
        keeper = self._keeper
        return nobody if keeper is None else keeper.watch

    def take(self, writing: Writing) -> None:
        """Take the lock for a call, until it sets `over`.

        Raises:
            RuntimeError: Another call holds the lock, or another thread owns it.
        """
        with self._mutex:
            self._check(writing.call, threading.current_thread())
            self._writing = writing

    def keep(self, keeper: Keeper) -> Callable[[], None]:
        """Make one thread the owner of the lock; the returned function releases it.

        Raises:
            RuntimeError: A call holds the lock, or another thread owns it.
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
                f"{call} cannot change the stream now: {writing.call} is still running"
            )
