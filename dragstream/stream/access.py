"""`StreamAccess`: write access to a stream, one call at a time, and its change listeners."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dragstream.stream.events import EventCallback, Listeners, ignore_event
from dragstream.stream.plain_torch import plain_torch
from dragstream.stream.reader import StreamReader
from dragstream.stream.state import State
from dragstream.stream.write_lock import Owner, WriteLock, Writer


class StreamAccess(StreamReader):
    """Lets one call at a time change the stream, and calls the listeners after each change."""

    def __init__(self) -> None:
        self._write_lock = WriteLock()
        self._listeners = Listeners()
        self._players: weakref.WeakSet[Any] = weakref.WeakSet()

    @property
    def players(self) -> weakref.WeakSet[Any]:
        """The live streams of this stream that are still referenced."""
        return self._players

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
        return self._write_lock.own(Owner(thread, reason, on_event))

    @contextmanager
    def _writing(self, call: str) -> Iterator[State]:
        """Hold the write lock for one call, which replaces ``_state`` in its last line or never."""
        writer = Writer(call)
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
