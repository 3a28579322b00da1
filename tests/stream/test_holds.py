"""Holds of live streams: dragged blocks while it plays, recorded as ordinary drags."""

import math
import threading

import numpy as np
import pytest
import torch

import dragstream as ds
from dragstream.drags import regions
from dragstream.stream import LiveStream, Mode, Stream
from dragstream.stream.events import BlockMade, HoldsChanged, Iterated, Progress, Status

PATIENCE = 600


@pytest.fixture
def lively():
    """Makes live streams as fast as they go, and stops them after the test."""
    made = []

    def make(stream, frame_rate=math.inf):
        made.append(LiveStream(stream, frame_rate))
        return made[-1]

    yield make
    for live in made:
        live.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "LiveStream"]


@pytest.fixture(scope="module")
def two(model):
    stream = Stream(model, "red ball", seed=7)
    stream.run(2, progress=False)
    return stream


def on(live, kind, act):
    """Call ``act`` with each event of a kind, on the generating thread."""

    def listener(event):
        if isinstance(event, kind):
            act(event)

    return live.subscribe(listener)


def pull(live, moves, region=None):
    """Hold a region, move it once a block, and pause after the last move's block."""
    hold = live.hold(regions.disc((20, 16), 6) if region is None else region)
    moves = list(moves)

    def next_move(event):
        if event.step != 0:
            return
        if moves:
            hold.move_to(*moves.pop(0))
        else:
            live.pause()

    on(live, Progress, next_move)
    live.start()
    assert live.wait(PATIENCE)
    return hold


def replayed(stream, start):
    """The same blocks from ordinary calls."""
    twin = stream.fork(at=start)
    for block in stream.blocks[start:]:
        if block.drags:
            twin.animate(list(block.drags), keep=block.keep, settings=block.settings)
        else:
            twin.step()
    return twin


def test_each_block_is_an_ordinary_drag_to_where_the_pointer_was(lively, two, trace):
    stream = two.fork()
    hold = pull(lively(stream), [(22, 16), (26, 14), (26, 18)])
    first, second, third = stream.blocks[2:5]
    assert [block.mode for block in (first, second, third)] == [Mode.ANIMATE] * 3
    (drag,) = first.drags
    assert drag.region == regions.disc((20, 16), 6)
    assert drag.source is None
    assert drag.motion.center == (20, 16)
    assert [pose[:2] for pose in drag.motion.poses] == [(0.667, 0), (1.333, 0), (2, 0)]
    (drag,) = second.drags
    assert drag.source == ds.Memory(1, regions.disc((20, 16), 6))
    landed = [drag.motion.at(share / 3).apply((drag.motion.center)) for share in (1, 2, 3)]
    assert np.allclose(landed[-1], (26, 14), atol=2e-3)
    assert trace(replayed(stream, 2)) == trace(stream)
    assert hold.active
