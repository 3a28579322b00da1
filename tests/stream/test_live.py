"""Live streams: the same blocks on another thread, and nobody else writes meanwhile."""

import gc
import math
import threading

import pytest

import dragstream as ds
from dragstream.drags import regions
from dragstream.stream import LiveStream, Mode, Stream
from dragstream.stream.events import (
    BlockMade,
    Changed,
    Iterated,
    Progress,
    Status,
    StatusChanged,
)
from tests.stream.playing import PATIENCE, Gate, pause_with, record


def passed(block, step):
    return lambda event: isinstance(event, Progress) and (event.block, event.step) == (block, step)


def plain(model, blocks):
    stream = Stream(model, "red ball", seed=7)
    stream.run(blocks, progress=False)
    return stream


@pytest.fixture(scope="module")
def three(two):
    stream = two.fork()
    stream.step()
    return stream


# ----------------------------------------------------------------------------- the same blocks


def test_the_blocks_are_those_of_the_same_calls(lively, model, drags, trace):
    stream = Stream(model, "red ball", seed=7)
    live = lively(stream)
    pause_with(live, 1)
    live.start()
    assert live.wait(PATIENCE)
    keep = regions.box(30, 0, 48, 10)
    settings = ds.DragSettings.released()
    live.animate(drags, blocks=2)
    live.prompt = "blue ball"
    live.edit(drags[:1], keep=keep)
    live.rewind(to=3)
    live.animate(drags[1:], settings=settings)
    assert live.wait(PATIENCE)

    expected = plain(model, 2)
    expected.animate(drags, blocks=2)
    expected.prompt = "blue ball"
    expected.edit(drags[:1], keep=keep)
    expected.rewind(to=3)
    expected.animate(drags[1:], settings=settings)
    assert trace(stream) == trace(expected)
    assert live.prompt == expected.prompt


def test_everything_is_published_in_order_as_it_happens(lively, two, drags):
    stream = two.fork()
    live = lively(stream)
    events, seen = record(live), []
    live.subscribe(lambda _: seen.append(live.status))
    live.animate(drags, blocks=2)
    live.wait(PATIENCE)
    live.stop()

    assert seen == [Status.WORKING] * (len(events) - 2) + [Status.PAUSED, Status.STOPPED]
    first, *body, second_last, last = events
    assert first == StatusChanged(Status.WORKING)
    assert (second_last, last) == (StatusChanged(Status.PAUSED), StatusChanged(Status.STOPPED))
    block = [Progress, *[Iterated] * 4, *[Progress] * 3, BlockMade]
    assert [type(event) for event in body] == [*block, *block, Changed]
    assert [e for e in body if isinstance(e, Progress)] == [
        Progress(index, step, 4) for index in (2, 3) for step in range(4)
    ]
    made = tuple(e.block for e in body if isinstance(e, BlockMade))
    assert body[-1] == Changed(stream.blocks)
    assert stream.blocks[2:] == made
    iterations = tuple((e.block, e.iteration) for e in body if isinstance(e, Iterated))
    assert iterations == tuple((b.index, item) for b in made for item in b.iterations)


def test_events_come_while_the_call_goes_on(lively, two, drags):
    stream = two.fork()
    live = lively(stream)
    gate = Gate(live, lambda event: isinstance(event, BlockMade) and event.block.index == 2)
    live.animate(drags, blocks=2)
    with gate:
        assert live.status is Status.WORKING
        assert len(stream) == 2
        assert stream.frames.shape[0] == 11
    live.wait(PATIENCE)
    assert len(stream) == 4


# ------------------------------------------------------------------------------ play and pause


def test_a_pause_drops_the_block_in_the_making_and_it_is_made_again(lively, model, three, trace):
    stream = Stream(model, "red ball", seed=7)
    live = lively(stream)
    events = record(live)
    gate = Gate(live, passed(block=1, step=1))
    live.start()
    with gate:
        live.pause(wait=False)
    assert live.wait(PATIENCE)
    shown = [event.block for event in events if isinstance(event, BlockMade)]
    assert stream.blocks == tuple(shown)
    assert len(stream) == 1
    assert events[-1] == StatusChanged(Status.PAUSED)

    pause_with(live, 2)
    live.resume()
    assert live.wait(PATIENCE)
    assert trace(stream) == trace(three)


def test_pause_returns_when_the_stream_is_free(lively, model, three, trace):
    stream = Stream(model, "red ball", seed=7)
    live = lively(stream)
    gate = Gate(live, passed(block=1, step=0))
    live.start()
    with gate:
        pausing = threading.Thread(target=live.pause)
        pausing.start()
        assert not live.wait(timeout=0)
    pausing.join(PATIENCE)
    assert live.status is Status.PAUSED
    stream.run(2, progress=False)
    assert trace(stream) == trace(three)


def test_a_pause_right_after_resume_frees_the_stream(lively, two):
    live = lively(two.fork())
    live.start()
    live.pause()
    for _ in range(20):
        live.resume()
        assert live.status is Status.PLAYING
        live.pause()
        assert live.status is Status.PAUSED
        live.stream.rewind(to=2)


def test_a_pause_lets_drags_finish(lively, two, drags, trace):
    stream, expected = two.fork(), two.fork()
    live = lively(stream)
    gate = Gate(live, lambda event: isinstance(event, Iterated))
    live.animate(drags)
    live.edit(drags[:1])
    live.start()
    with gate:
        live.pause(wait=False)
    assert live.wait(PATIENCE)
    expected.animate(drags)
    expected.edit(drags[:1])
    assert trace(stream) == trace(expected)


def test_a_command_acts_on_the_picture_that_is_shown(lively, model, drags, trace):
    stream = Stream(model, "red ball", seed=7)
    live = lively(stream)
    gate = Gate(live, passed(block=1, step=2))
    live.start()
    with gate:
        live.animate(drags)
        live.pause(wait=False)
    assert live.wait(PATIENCE)
    expected = plain(model, 1)
    expected.animate(drags)
    assert trace(stream) == trace(expected)


def test_a_drag_that_is_asked_for_at_once_follows_the_first_block(lively, model, drags):
    stream = Stream(model, "red ball", seed=7)
    live = lively(stream)
    gate = Gate(live, passed(block=0, step=0))
    live.start()
    with gate:
        live.animate(drags)
    pause_with(live, 1)
    assert live.wait(PATIENCE)
    assert [block.mode for block in stream.blocks] == [Mode.STEP, Mode.ANIMATE]


def test_play_goes_on_after_a_command(lively, two, drags):
    stream = two.fork()
    live = lively(stream)
    gate = Gate(live, passed(block=2, step=0))
    pause_with(live, 3)
    live.start()
    with gate:
        live.edit(drags[:1])
        live.start()
    assert live.wait(PATIENCE)
    assert [block.mode.value for block in stream.blocks] == ["step", "edit", "step", "step"]


def test_blocks_are_held_back_until_the_last_one_was_watched(lively, model, three, trace):
    stream = Stream(model, "red ball", seed=7)
    live = lively(stream, frame_rate=1e-9)
    gate = Gate(live, passed(block=1, step=3))
    live.start()
    with gate:
        assert len(stream) == 1
    live.pause()  # though the second block is ready, or nearly so
    assert len(stream) == 1
    stream.run(2, progress=False)
    assert trace(stream) == trace(three)


def test_blocks_are_watched_at_the_models_rate_unless_another_is_given(model):
    live = LiveStream(Stream(model, "red ball"))
    assert live._worker._frame_rate == model.spec.clock.frame_rate
    assert repr(live) == "LiveStream(Stream('tiny', 'red ball', seed=0, blocks=0), stopped)"


# ------------------------------------------------------------------------------ the only writer


def test_nobody_else_writes_while_it_plays_and_anybody_afterwards(lively, model, drags, trace):
    stream = plain(model, 1)
    live, second = lively(stream), lively(stream)
    before = trace(stream)
    gate = Gate(live, passed(block=1, step=0))
    live.start()
    with gate:
        for name, call in {
            "step": stream.step,
            "edit": lambda: stream.edit(drags),
            "animate": lambda: stream.animate(drags),
            "rewind": lambda: stream.rewind(0),
            "prompt": lambda: setattr(stream, "prompt", "blue ball"),
            "LiveStream": second.start,
        }.items():
            message = rf"^{name} cannot change the stream now.*live\.pause\(\) or live\.stop\(\)"
            with pytest.raises(RuntimeError, match=message):
                call()
        with pytest.raises(RuntimeError, match=r"live\.stop"):
            second.animate(drags)
        assert trace(stream.fork()) == before
        live.pause(wait=False)
    live.wait(PATIENCE)
    assert trace(stream) == before
    second.rewind(to=0)
    second.wait(PATIENCE)
    stream.step()
    assert trace(stream) == before


def test_between_blocks_the_stream_is_still_reserved(lively, model):
    stream, errors = Stream(model, "red ball", seed=7), []

    def write():
        try:
            stream.step()
        except RuntimeError as error:
            errors.append(str(error))

    def listener(event):
        if isinstance(event, Changed):
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
            live.pause()

    live = lively(stream)
    live.subscribe(listener)
    live.start()
    assert live.wait(PATIENCE)
    assert len(errors) == len(stream) == 1
    assert "live.pause()" in errors[0]


def test_a_live_stream_cannot_start_in_the_middle_of_a_call(lively, model, drags):
    stream = plain(model, 1)
    live = lively(stream)

    def callback(_):
        with pytest.raises(RuntimeError, match="edit is still running"):
            live.start()

    stream.edit(drags, callback=callback)
    live.rewind(to=0)
    assert live.wait(PATIENCE)
    assert len(stream) == 0


# ---------------------------------------------------------------------------------------- stop


@pytest.mark.parametrize("call", ["edit", "animate"])
def test_stopping_in_the_middle_of_a_drag_leaves_the_stream_as_it_was(
    *, lively, two, drags, trace, call
):
    stream = two.fork()
    before, blocks = trace(stream), stream.blocks
    live = lively(stream)
    events = record(live)
    gate = Gate(live, lambda event: isinstance(event, Iterated) and event.iteration.index == 2)
    getattr(live, call)(drags)
    live.rewind(to=0)
    live.start()
    with gate:
        live._worker.stop(0)  # as live.stop(), but does not wait
        with pytest.raises(RuntimeError, match="still stopping"):
            live.start()
    live.stop()
    assert stream.blocks is blocks
    assert trace(stream) == before
    assert events[-1] == StatusChanged(Status.STOPPED)
    getattr(live, call)(drags)
    live.wait(PATIENCE)
    expected = two.fork()
    getattr(expected, call)(drags)
    assert trace(stream) == trace(expected)


def test_an_animation_that_is_stopped_goes_as_a_whole(lively, two, drags, trace):
    stream = two.fork()
    live = lively(stream)
    events = record(live)

    def listener(event):
        if isinstance(event, BlockMade):
            live.stop()

    live.subscribe(listener)
    live.animate(drags, blocks=2)
    live.wait(PATIENCE)
    assert trace(stream) == trace(two)
    assert len([event for event in events if isinstance(event, BlockMade)]) == 1


def test_a_live_stream_that_nobody_holds_ends(model):
    stream = Stream(model, "red ball", seed=7)
    live = LiveStream(stream, math.inf)
    live.rewind(to=0)
    assert live.wait(PATIENCE)
    thread = live._worker._thread
    del live
    gc.collect()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    stream.rewind(to=0)
