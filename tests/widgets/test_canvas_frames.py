"""Frames on a DragCanvas: clips, what a live stream makes, the onion skin, another source."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dragstream.widgets import DragCanvas
from dragstream.widgets.frame_canvas import ClipSender
from tests.widgets.canvases import MOVE, shown
from tests.widgets.pages import seen


class FakeStream:
    """The part of a stream that the canvas reads, without a model."""

    def __init__(self, frame):
        grid = SimpleNamespace(height=frame.shape[0], width=frame.shape[1])
        clock = SimpleNamespace(temporal_factor=2, frame_rate=8.0)
        spec = SimpleNamespace(grid=grid, frames_per_block=5, clock=clock)
        self.model = SimpleNamespace(spec=spec)
        self.blocks = ()
        self.callbacks = []

    def subscribe(self, callback):
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def add(self, *frames):
        self.blocks = (*self.blocks, SimpleNamespace(frames=np.stack(frames)))
        for callback in tuple(self.callbacks):
            callback()


def decoded(jpegs):
    return [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int) for data in jpegs]


def grey(level, shape=(128, 192, 3)):
    return np.full(shape, level, np.uint8)


@pytest.fixture
def clips(monkeypatch):
    """Messages of all canvases made from now on, with buffers."""
    sent = []
    monkeypatch.setattr(
        DragCanvas, "send", lambda _self, content, buffers=None: sent.append((content, buffers))
    )
    return sent


def test_plays_frames_and_rests_on_the_last(clips, frame):
    canvas = DragCanvas(frame)
    canvas.play(np.stack([grey(50), grey(200)]), 12.5)
    ((message, buffers),) = clips
    assert message == {"type": "clip", "clip": 1, "frame_rate": 12.5}
    assert [round(image.mean()) for image in decoded(buffers)] == [50, 200]
    assert (shown(canvas) == 200).all()
    canvas.show(frame)
    assert clips[-1] == ({"type": "still"}, None)
    assert np.array_equal(shown(canvas), frame)


def test_a_page_that_does_not_keep_up_gets_the_newest_only(clips, frame):
    canvas = DragCanvas(frame)
    for level in (10, 20, 30, 40):
        canvas.play(grey(level)[None], 8)
    assert [message["clip"] for message, _ in clips] == [1, 2]
    assert (shown(canvas) == 40).all()
    canvas._handle_custom_msg({"type": "seen", "clip": 2}, [])
    canvas.play(grey(50)[None], 8)
    assert round(decoded(clips[-1][1])[0].mean()) == 50


def test_clips_that_nobody_confirms_are_given_up():
    now = [0.0]
    sender = ClipSender(lambda *_: None, lambda: now[0])
    frames = grey(1)[None]
    assert [sender.play(frames, 8) for _ in range(3)] == [True, True, False]
    assert (sender.under_way, sender.left_out) == (2, 1)
    now[0] = 10.0
    assert sender.play(frames, 8)
    assert sender.under_way == 1


def test_a_page_is_silent_until_it_confirms_what_was_sent():
    now = [0.0]
    sender = ClipSender(lambda *_: None, lambda: now[0])
    assert sender.silence == 0
    for _ in range(3):
        now[0] += 4.0
        sender.play(grey(1)[None], 8)
    assert sender.silence == 8.0  # the first clip counts, given up or not
    sender.confirm(2)
    assert sender.silence == 0.0  # the third was sent now
    now[0] += 1.0
    assert sender.silence == 1.0
    sender.confirm(3)
    assert sender.silence == 0


def test_plays_what_a_live_stream_makes_and_rests_when_it_does(clips, frame):
    from dragstream.stream.events import BlockMade, Status, StatusChanged

    class FakeLive:
        holds, frame_rate = (), 8.0

        def __init__(self, stream):
            self.stream, self.status, self.listeners = stream, Status.PLAYING, []

        def subscribe(self, listener):
            self.listeners.append(listener)
            return lambda: self.listeners.remove(listener)

    stream = FakeStream(frame)
    live = FakeLive(stream)
    canvas = seen(DragCanvas(live))
    before = canvas.frame
    stream.add(grey(60), grey(90))
    live.listeners[0](BlockMade(stream.blocks[-1]))
    assert canvas.frame == before  # it moves: nothing rests yet
    ((message, buffers),) = clips
    assert message["frame_rate"] == 8
    assert len(buffers) == 2
    live.status = Status.PAUSED
    live.listeners[0](StatusChanged(Status.PAUSED))
    assert (shown(canvas) == 90).all()
    assert len(clips) == 1  # and what plays may end
    canvas.close()
    assert (live.listeners, stream.callbacks) == ([], [])


def test_onion_skin_is_a_latent_frame_apart(frame):
    stream = FakeStream(frame)
    canvas = DragCanvas(stream)
    stream.add(grey(0))
    stream.add(*(grey(10 * n) for n in range(1, 5)))
    assert canvas.trail == []
    canvas.set_state({"onion": 2})
    assert [round(image.mean()) for image in decoded(canvas.trail)] == [20, 0]
    stream.add(grey(50), grey(60))
    assert [round(image.mean()) for image in decoded(canvas.trail)] == [40, 20]
    canvas.onion = 0
    assert canvas.trail == []


def test_onion_skin_of_frames_is_what_was_shown(canvas, frame):
    canvas.onion = 3
    canvas.show(grey(80))
    canvas.show(grey(160))
    newest, oldest = decoded(canvas.trail)
    assert round(newest.mean()) == 80
    assert np.abs(oldest - frame).mean() < 3


def test_follows_a_stream(frame):
    stream = FakeStream(frame)
    canvas = DragCanvas(stream)
    assert (shown(canvas) == 128).all()
    assert canvas.latent_frames == 5
    stream.add(frame)
    assert np.array_equal(shown(canvas), frame)
    canvas.close()
    assert stream.callbacks == []
    canvas.close()


def test_another_source_keeps_the_drags(frame):
    first, second = FakeStream(frame), FakeStream(frame)
    second.add(255 - frame)
    canvas = DragCanvas(first, drags=[MOVE])
    canvas.source = second
    assert canvas.source is second
    assert np.array_equal(shown(canvas), 255 - frame)
    assert canvas.drags == [MOVE]
    first.add(frame)
    assert first.callbacks == []
    assert np.array_equal(shown(canvas), 255 - frame)
    second.add(frame)
    assert np.array_equal(shown(canvas), frame)
    for wrong in (3, frame[:64]):
        with pytest.raises((TypeError, ValueError)):
            canvas.source = wrong
    assert canvas.source is second
