"""Helpers to hold a region of a live stream and to make its blocks again by ordinary calls."""

import dragstream as ds
from dragstream.stream import LiveStream
from tests.stream.playing import PATIENCE

QUICK = ds.DragSettings(iterations=1)


def on(live, kind, act):
    """Call ``act`` with each event of a kind, on the generating thread."""

    def listener(event):
        if isinstance(event, kind):
            act(event)

    return live.subscribe(listener)


def replayed(stream, start):
    """The same blocks from ordinary calls."""
    twin = stream.fork(at=start)
    for block in stream.blocks[start:]:
        if block.drags:
            twin.animate(list(block.drags), keep=block.keep, settings=block.settings)
        else:
            twin.step()
    return twin


def lively_step(stream):
    """One more block of a stream's live stream; returns its only drag."""
    live = LiveStream.of(stream)
    live.step()
    assert live.wait(PATIENCE)
    (drag,) = stream.blocks[-1].drags
    return drag
