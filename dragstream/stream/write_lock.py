"""The write lock of a stream: for one call at a time, or for one thread until it is released."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from dragstream.stream.events import EventCallback, ignore_event


@dataclass(frozen=True, eq=False)
class Owner:
    """Exclusive owner of the write lock: thread, error text for others, event callback."""

    thread: threading.Thread
    reason: str
    on_event: EventCallback


class Writer:
    """One call that changes a stream.

    It releases the lock by setting `done`. That is a plain store, which no interrupt can split or
    precede, so that a call that has ended never holds the lock.
    """

    def __init__(self, call: str) -> None:
        self.call = call
        self.done = False


class WriteLock:
    """The write lock of a stream."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._writer: Writer | None = None
        self._owner: Owner | None = None

    @property
    def on_event(self) -> EventCallback:
        """The event callback of the owner; `ignore_event` without an owner."""
        owner = self._owner
        return ignore_event if owner is None else owner.on_event

    def acquire(self, writer: Writer) -> None:
        """Take the lock for a call, until it sets `done`."""
        with self._mutex:
            self._check(writer.call, threading.current_thread())
            self._writer = writer

    def own(self, owner: Owner) -> Callable[[], None]:
        """Make one thread the owner of the lock; the returned function releases it."""
        with self._mutex:
            self._check(owner.thread.name, owner.thread)
            self._owner = owner

        def release() -> None:
            if self._owner is owner:
                self._owner = None

        return release

    def _check(self, call: str, thread: threading.Thread) -> None:
        owner = self._owner
        if owner is not None and owner.thread is not thread:
            raise RuntimeError(f"{call} cannot change the stream now: {owner.reason}")
        writer = self._writer
        if writer is not None and not writer.done:
            raise RuntimeError(
                f"{call} cannot change the stream now: {writer.call} is still running"
            )
