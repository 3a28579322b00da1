"""How often a page is told, and how much of the time that may take: always the newest."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable

Later = Callable[[float, Callable[[], None]], object]


def on_a_timer(seconds: float, call: Callable[[], None]) -> None:
    """Call something later, on a thread that holds nobody up."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class Pace:
    """Calls a method soon after it is asked to, but no more often than once an interval.

    However often it is asked meanwhile, one call follows, which then tells the newest. The
    method's object is not kept alive.

    Args:
        publish: The bound method.
        seconds: Least time between two calls.
        later: Calls a function after some seconds; a test has its own.
        now: The time in seconds; a test has its own.
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

    def ask(self) -> None:
        """Something has changed. May be called on any thread, and calls back on it or later."""
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


class Aside:
    """Calls a method on a thread of its own, one call at a time, for a share of the time at most.

    Who asks goes on at once. However often it is asked while a call is under way, or while the
    rest after it lasts, one call follows, which then finds the newest. A call that took a while is
    followed by a rest in proportion. The method's object is not kept alive.

    Args:
        work: The bound method.
        share: Of the time that calls may take, in (0, 1].
        later: Calls a function after some seconds on another thread; a test has its own.
        now: The time in seconds; a test has its own.
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
        self._asked = False
        self._busy = False  # a call is under way or has been arranged

    def ask(self) -> None:
        """There is something to do. May be called on any thread, and returns at once."""
        with self._lock:
            self._asked = True
            if self._busy:
                return
            self._busy = True
            wait = max(0.0, self._next - self._now())
        self._later(wait, self._go)

    def _go(self) -> None:
        with self._lock:
            self._asked = False
        begin = self._now()
        try:
            if (work := self._work()) is not None:
                work()
        finally:
            end = self._now()
            with self._lock:
                wait = (end - begin) * self._rest
                self._next = end + wait
                again = self._busy = self._asked
            if again:
                self._later(wait, self._go)
