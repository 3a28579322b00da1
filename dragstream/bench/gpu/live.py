"""Latency from a move of the pointer to the frames that follow it, while the stream plays."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from functools import partial

from dragstream.bench.gpu.setup import Row, Setup, attempt
from dragstream.bench.measure import Spread
from dragstream.stream.events import Event, HoldsChanged
from dragstream.stream.live import LiveStream

_MOVES = 30
"""Moves of the pointer a second."""

_REACH = 0.1
"""Amplitude of the pointer's movement, in widths of the frame."""

_PATIENCE = 20.0
"""Seconds to wait for one block."""


def live(setup: Setup) -> Iterator[Row]:
    """Latency as fast as the model can, and at the video's own frame rate."""
    rate = setup.filled.model.spec.clock.frame_rate
    for name, frame_rate in (
        ("as fast as it can", math.inf),
        (f"at {rate:g} frames a second", rate),
    ):
        yield attempt(name, partial(_pull, setup, name, frame_rate))


def _pull(setup: Setup, name: str, frame_rate: float) -> Row:
    """Hold an object and pull it to and fro for some blocks."""
    filled = setup.filled
    grid = filled.model.spec.grid
    stream = LiveStream(filled.stream.fork(), frame_rate)
    latencies: list[float] = []
    published: list[float] = []
    enough = threading.Event()

    def on_event(event: Event) -> None:
        if isinstance(event, HoldsChanged) and event.holds and event.holds[0].latency is not None:
            published.append(time.monotonic())
            latencies.append(event.holds[0].latency)
            if len(latencies) > setup.size.live_blocks:
                enough.set()

    stream.subscribe(on_event)
    stream.start()
    try:
        hold = stream.hold(filled.measured.region)
        started = time.monotonic()
        while not enough.wait(1 / _MOVES):
            passed = time.monotonic() - started
            hold.move_to(grid.width * (0.5 + _REACH * math.sin(passed)), grid.height / 2)
            if passed > _PATIENCE * (1 + len(latencies)):
                raise TimeoutError(f"no block within {_PATIENCE:g} s")
    finally:
        stream.stop()
    # A move right after a block has read the pointer waits for the block after it.
    missed = [
        now - (before - latency)
        for before, now, latency in zip(published[:-1], published[1:], latencies[:-1], strict=True)
    ]
    return Row(
        f"newest move to its frames, {name}",
        own=Spread.of(latencies[1:]),
        beside=Spread.of(missed),
        note=f"{len(missed)} blocks",
    )
