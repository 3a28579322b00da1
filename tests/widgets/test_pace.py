"""Throttles: least interval of updates, largest share of time of background work."""

from __future__ import annotations

import pytest

from dragstream.widgets.pace import Aside, Pace


class Clock:
    """A time that passes when it is told to, and calls that wait for theirs."""

    def __init__(self):
        self.time = 0.0
        self.later = []

    def parts(self):
        return {"later": lambda *call: self.later.append(call), "now": lambda: self.time}


class Page:
    """Counts what it is told, which takes some seconds of its clock."""

    def __init__(self, clock, seconds=0.0):
        self.told = 0
        self._clock, self._seconds = clock, seconds

    def tell(self):
        self.told += 1
        self._clock.time += self._seconds


def test_news_are_paced_and_the_last_is_told():
    clock = Clock()
    page = Page(clock)
    pace = Pace(page.tell, 1.0, **clock.parts())
    pace.ask()
    assert page.told == 1
    clock.time = 0.25
    for _ in range(5):
        pace.ask()
    assert page.told == 1
    ((seconds, call),) = clock.later
    assert seconds == 0.75
    clock.time = 1.0
    call()
    assert page.told == 2
    clock.time = 1.5
    pace.ask()
    assert page.told == 2
    assert clock.later[1][0] == 0.5
    clock.time = 2.0
    clock.later[1][1]()
    clock.time = 9.0
    pace.ask()
    assert page.told == 4
    assert len(clock.later) == 2


def test_work_aside_rests_in_proportion_and_ends_with_the_newest():
    clock = Clock()
    page = Page(clock, seconds=2.0)
    aside = Aside(page.tell, 0.2, **clock.parts())
    for _ in range(3):
        aside.ask()
    assert page.told == 0  # never on the thread that asks
    ((seconds, call),) = clock.later
    assert seconds == 0
    call()
    assert (page.told, len(clock.later)) == (1, 1)
    clock.time = 3.0
    aside.ask()
    aside.ask()
    assert clock.later[1][0] == 7.0  # two seconds of work, eight of rest
    clock.time = 10.0
    clock.later[1][1]()
    assert page.told == 2
    clock.time = 100.0
    aside.ask()
    assert clock.later[2][0] == 0


def test_what_is_asked_for_during_the_work_follows_after_the_rest():
    clock = Clock()

    class Asking(Page):
        def tell(self):
            super().tell()
            if self.told == 1:
                aside.ask()
                aside.ask()

    page = Asking(clock, seconds=1.0)
    aside = Aside(page.tell, 0.5, **clock.parts())
    aside.ask()
    clock.later[0][1]()
    assert [seconds for seconds, _ in clock.later] == [0, 1.0]
    clock.later[1][1]()
    assert page.told == 2
    assert len(clock.later) == 2


def test_work_that_fails_can_be_asked_for_again():
    clock = Clock()

    class Failing:
        def work(self):
            raise MemoryError

    failing = Failing()
    aside = Aside(failing.work, 0.2, **clock.parts())
    aside.ask()
    with pytest.raises(MemoryError):
        clock.later[0][1]()
    aside.ask()
    assert len(clock.later) == 2


def test_neither_keeps_anybody_alive():
    clock = Clock()
    page = Page(clock, seconds=1.0)
    pace, aside = Pace(page.tell, 1.0, **clock.parts()), Aside(page.tell, 0.2, **clock.parts())
    del page
    pace.ask()
    aside.ask()
    clock.later[0][1]()
    assert clock.time == 0
