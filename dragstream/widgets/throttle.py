"""Throttles for updates and for work on a thread; callbacks that keep no widget alive."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

Later = Callable[[float, Callable[[], None]], object]


def weak_callback(method: Callable[..., Any]) -> Callable[..., None]:
    """A function that calls a bound method while its object exists, and does not keep it alive."""
    known = weakref.WeakMethod(method)

    def call(*arguments: Any) -> None:
        alive = known()
        if alive is not None:
            alive(*arguments)

    return call


def on_a_timer(seconds: float, call: Callable[[], None]) -> None:
    """Call a function later, on a daemon thread."""
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class _Timed:
    """A bound method and a clock; the method's object is not kept alive."""

    def __init__(
        self,
        method: Callable[[], object],
        *,
        later: Later = on_a_timer,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call = weak_callback(method)
        self._later = later
        self._now = now
        self._lock = threading.Lock()
        self._next = 0.0


class Throttle(_Timed):
    """Calls a bound method at most once in `seconds`, without keeping its object alive.

    All requests within an interval become one call at its end, which finds the newest state.
    """

    def __init__(self, method: Callable[[], object], seconds: float, **clock: Any) -> None:
        super().__init__(method, **clock)
        self._seconds = seconds
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


class BackgroundThrottle(_Timed):
    """Calls a bound method on another thread, for a share in (0, 1] of the time at most.

    `request` returns at once. All requests during a call, or during the pause after it, become one
    call, which finds the newest state. The pause is proportional to the time that the call took.
    The method's object is not kept alive.
    """

    def __init__(self, method: Callable[[], object], share: float, **clock: Any) -> None:
        super().__init__(method, **clock)
        self._rest = 1 / share - 1  # seconds for each second of work
        self._requested = False
        self._busy = False  # a call runs or is scheduled

    def request(self) -> None:
        """Request a call, from any thread; returns at once."""
        with self._lock:
            self._requested = True
            if self._busy:
                return
            self._busy = True
            wait = max(0.0, self._next - self._now())
        self._later(wait, self._run)

    def _run(self) -> None:
        with self._lock:
            self._requested = False
        begin = self._now()
        try:
            self._call()
        finally:
            end = self._now()
            with self._lock:
                wait = (end - begin) * self._rest
                self._next = end + wait
                again = self._busy = self._requested
            if again:
                self._later(wait, self._run)
