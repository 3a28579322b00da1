"""Throttles for updates to the front end and for work on a background thread."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable

Later = Callable[[float, Callable[[], None]], object]


def on_a_timer(seconds: float, call: Callable[[], None]) -> None:
    """Call a function later, on a daemon thread."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class Throttle:
    """Throttles a method to one call per interval.

    All requests within an interval become one call at its end, which finds the newest state. The
    method's object is not kept alive.

    Args:
        publish: The bound method.
        seconds: Least time between two calls.
        later: Calls a function after some seconds; replaced in tests.
        now: The time in seconds; replaced in tests.
    """

    def __init__(
        self,
        publish: Callable[[], object],
        seconds: float,
        *,
        later: Later = on_a_timer,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publish = weakref.WeakMethod(publish)
        self._seconds = seconds
        self._later = later
        self._now = now
        self._lock = threading.Lock()
        self._next = 0.0
        self._waiting = False

    def request(self) -> None:
        """Request a call, from any thread; the method is called on it at once, or later."""
        with self._lock:
            if self._waiting:
                return
            wait = self._next - self._now()
            if soon := wait > 0:
                self._waiting = True
            else:
                self._next = self._now() + self._seconds
        if soon:
            self._later(wait, self._after)
        else:
            self._call()

    def _after(self) -> None:
        with self._lock:
            self._waiting = False
            self._next = self._now() + self._seconds
        self._call()

    def _call(self) -> None:
        if (publish := self._publish()) is not None:
            publish()


class BackgroundThrottle:
    """Calls a method on a thread of its own, one call at a time, for a share of the time at most.

    `request` returns at once. All requests during a call, or during the pause after it, become one
    call, which finds the newest state. The pause is proportional to the time that the call took.
    The method's object is not kept alive.

    Args:
        work: The bound method.
        share: Of the time that calls may take, in (0, 1].
        later: Calls a function after some seconds on another thread; replaced in tests.
        now: The time in seconds; replaced in tests.
    """

    def __init__(
        self,
        work: Callable[[], object],
        share: float,
        *,
        later: Later = on_a_timer,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = weakref.WeakMethod(work)
        self._rest = 1 / share - 1  # seconds for each second of work
        self._later = later
        self._now = now
        self._lock = threading.Lock()
        self._next = 0.0
        self._requested = False
        self._busy = False  # a call is under way or has been arranged

    def request(self) -> None:
        """Request a call, from any thread; returns at once."""
        with self._lock:
            self._requested = True
            if self._busy:
                return
            self._busy = True
            wait = max(0.0, self._next - self._now())
        self._later(wait, self._go)

    def _go(self) -> None:
        with self._lock:
            self._requested = False
        begin = self._now()
        try:
            if (work := self._work()) is not None:
                work()
        finally:
            end = self._now()
            with self._lock:
                wait = (end - begin) * self._rest
                self._next = end + wait
                again = self._busy = self._requested
            if again:
                self._later(wait, self._go)
