"""Helpers to watch a live stream, to hold it in the middle of a block and to pause it."""

import threading

from dragstream.stream.events import BlockMade

PATIENCE = 600
"""Seconds before a thread that never comes is given up; only a bug gets there."""


class Gate:
    """Holds the worker at the first event that matches, until the ``with`` block is left."""

    def __init__(self, live, matches):
        self._matches = matches
        self._reached, self._open = threading.Event(), threading.Event()
        live.subscribe(self._hold)

    def _hold(self, event):
        if not self._reached.is_set() and self._matches(event):
            self._reached.set()
            assert self._open.wait(PATIENCE)

    def __enter__(self):
        assert self._reached.wait(PATIENCE)

    def __exit__(self, *_):
        self._open.set()


def pause_with(live, index):
    """Pause, from the worker's own thread, when block ``index`` has been shown."""

    def listener(event):
        if isinstance(event, BlockMade) and event.block.index == index:
            live.pause()

    return live.subscribe(listener)


def record(live):
    events = []
    live.subscribe(events.append)
    return events
