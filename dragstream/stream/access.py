"""`StreamAccess`: write access to a stream, one call at a time, and its change listeners."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dragstream.stream.events import EventCallback, Listeners, ignore_event
from dragstream.stream.reader import StreamReader
from dragstream.stream.state import State, plain_torch


@dataclass(frozen=True, eq=False)
class _Owner:
    """Exclusive owner of the write lock: thread, error text for others, event callback."""

    thread: threading.Thread
    reason: str
    on_event: EventCallback


class _Writer:
    """One call that changes a stream.

    It releases the lock by setting `done`. That is a plain store, which no interrupt can split or
    precede, so that a call that has ended never holds the lock.
    """

    def __init__(self, call: str) -> None:
        self.call = call
        self.done = False


class WriteLock:
    """The write lock of a stream: one call at a time, or one thread until it releases it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._writer: _Writer | None = None
        self._owner: _Owner | None = None

    @property
    def on_event(self) -> EventCallback:
        """The event callback of the owner; `ignore_event` without an owner."""
        owner = self._owner
        return ignore_event if owner is None else owner.on_event

    def acquire(self, writer: _Writer) -> None:
        """Take the lock for a call, until it sets `done`."""
        with self._mutex:
            self._check(writer.call, threading.current_thread())
            self._writer = writer

    def own(
        self, thread: threading.Thread, reason: str, on_event: EventCallback
    ) -> Callable[[], None]:
        """Make one thread the owner of the lock; the returned function releases it."""
        owner = _Owner(thread, reason, on_event)
        with self._mutex:
            self._check(thread.name, thread)
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


class StreamAccess(StreamReader):
    """Lets one call at a time change the stream, and calls the listeners after each change."""

    def __init__(self) -> None:
        self._write_lock = WriteLock()
        self._listeners = Listeners()
        self.players: weakref.WeakSet[Any] = weakref.WeakSet()
        """The live streams of this stream that are still referenced."""

    def subscribe(self, listener: Callable[[], Any]) -> Callable[[], None]:
        """Call ``listener`` after each change, on the thread that made it.

        An exception in a listener is logged and disturbs nothing. A fork starts without listeners.

        Returns:
            A function that ends the subscription; calling it again does nothing.

        Raises:
            TypeError: Something that cannot be called.
        """
        return self._listeners.add(listener)

    def reserve(
        self, thread: threading.Thread, reason: str, on_event: EventCallback = ignore_event
    ) -> Callable[[], None]:
        """Let only one thread change the stream; all others get a RuntimeError with the reason.

        `on_event` is called on that thread with each `Progress`, `Iterated` and `BlockMade`, before
        the change is complete; an exception in it ends the call and leaves the stream as it was.
        The returned function ends the reservation.

        Raises:
            RuntimeError: The stream is being changed, or is reserved for another thread.
        """
        return self._write_lock.own(thread, reason, on_event)

    @contextmanager
    def _writing(self, call: str) -> Iterator[State]:
        """Hold the write lock for one call, which replaces ``_state`` in its last line or never."""
        writer = _Writer(call)
        state: State | None = None
        try:  # from here on, so that an interrupt cannot leave the lock taken
            self._write_lock.acquire(writer)
            state = self._state
            # Contexts are kept for later gradients, so inference tensors must not get into them.
            with plain_torch():
                yield state
        finally:
            writer.done = True
            if state is not None and self._state is not state:  # even if interrupted just after
                self._listeners.call(self)
