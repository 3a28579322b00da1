"""Throttles: least interval of updates, largest share of time of background work."""

from __future__ import annotations

import pytest

from dragstream.widgets.throttle import BackgroundThrottle, Throttle


class Clock:
    """A time that passes when it is told to, and calls that wait for theirs."""

    def __init__(self):
        self.time = 0.0
        self.later = []

    def parts(self):
        return {"later": lambda *call: self.later.append(call), "now": lambda: self.time}


class Page:
    """Counts its updates, each of which takes some seconds of its clock."""

    def __init__(self, clock, seconds=0.0):
        self.updates = 0
        self._clock, self._seconds = clock, seconds

    def update(self):
        self.updates += 1
        self._clock.time += self._seconds


def test_news_are_paced_and_the_last_is_sent():
    clock = Clock()
    page = Page(clock)
    throttle = Throttle(page.update, 1.0, **clock.parts())
    throttle.request()
    assert page.updates == 1
    clock.time = 0.25
    for _ in range(5):
        throttle.request()
    assert page.updates == 1
    ((seconds, call),) = clock.later
    assert seconds == 0.75
    clock.time = 1.0
    call()
    assert page.updates == 2
    clock.time = 1.5
    throttle.request()
    assert page.updates == 2
    assert clock.later[1][0] == 0.5
    clock.time = 2.0
    clock.later[1][1]()
    clock.time = 9.0
    throttle.request()
    assert page.updates == 4
    assert len(clock.later) == 2


def test_work_aside_rests_in_proportion_and_ends_with_the_newest():
    clock = Clock()
    page = Page(clock, seconds=2.0)
    background = BackgroundThrottle(page.update, 0.2, **clock.parts())
    for _ in range(3):
        background.request()
    assert page.updates == 0  # never on the thread that asks
    ((seconds, call),) = clock.later
    assert seconds == 0
    call()
    assert (page.updates, len(clock.later)) == (1, 1)
    clock.time = 3.0
    background.request()
    background.request()
    assert clock.later[1][0] == 7.0  # two seconds of work, eight of rest
    clock.time = 10.0
    clock.later[1][1]()
    assert page.updates == 2
    clock.time = 100.0
    background.request()
    assert clock.later[2][0] == 0


def test_what_is_asked_for_during_the_work_follows_after_the_rest():
    clock = Clock()

    class Asking(Page):
        def update(self):
            super().update()
            if self.updates == 1:
                background.request()
                background.request()

    page = Asking(clock, seconds=1.0)
    background = BackgroundThrottle(page.update, 0.5, **clock.parts())
    background.request()
    clock.later[0][1]()
    assert [seconds for seconds, _ in clock.later] == [0, 1.0]
    clock.later[1][1]()
    assert page.updates == 2
    assert len(clock.later) == 2


def test_work_that_fails_can_be_asked_for_again():
    clock = Clock()

    class Failing:
        def work(self):
            raise MemoryError

    failing = Failing()
    background = BackgroundThrottle(failing.work, 0.2, **clock.parts())
    background.request()
    with pytest.raises(MemoryError):
        clock.later[0][1]()
    background.request()
    assert len(clock.later) == 2


def test_neither_keeps_anybody_alive():
    clock = Clock()
    page = Page(clock, seconds=1.0)
    throttle, background = (
        Throttle(page.update, 1.0, **clock.parts()),
        BackgroundThrottle(page.update, 0.2, **clock.parts()),
    )
    del page
    throttle.request()
    background.request()
    clock.later[0][1]()
    assert clock.time == 0
