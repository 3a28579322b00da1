"""How often a page is told: at once after a rest, then at intervals, always the newest."""

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
