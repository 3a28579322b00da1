"""Decoding on a thread beside the next block: the same bits, the same transactions."""

from __future__ import annotations

import threading

import pytest
import torch

from dragstream.stream import Stream
from dragstream.stream.events import BlockMade, Progress

PATIENCE = 20.0


class Watched:
    """The tiny model with functions called before its passes, with the number of the call."""

    def __init__(self, model, **before):
        self._model, self._before = model, before
        self._calls = dict.fromkeys(before, 0)

    def __getattr__(self, name):
        attribute = getattr(self._model, name)
        if name not in self._before:
            return attribute

        def call(*arguments, **keywords):
            self._calls[name] += 1
            self._before[name](self._calls[name])
            return attribute(*arguments, **keywords)

        return call


def made(model, blocks, *, overlap, prompt="red ball"):
    stream = Stream(model, prompt, seed=7)
    found = stream.run(blocks, progress=False, overlap=overlap)
    assert found == list(stream.blocks)
    return stream


@pytest.mark.parametrize("options", [{}, {"remembers": False}, {"frames": 1}])
def test_the_bits_are_the_same(tiny, trace, options):
    streams = [made(tiny(**options), 5, overlap=overlap) for overlap in (False, True)]
    one, two = streams
    assert trace(one) == trace(two)
    frames = [[block.first_frame for block in stream.blocks] for stream in streams]
    assert frames[0] == frames[1]
    assert all(block.timings.decode > 0 < block.timings.commit for block in two.blocks)


def test_what_follows_has_the_same_bits(model, trace, drags):
    traces = set()
    for overlap in (False, True):
        stream = Stream(model, "red ball", seed=7, prediction_blocks=2)
        stream.step()
        stream.prompt = "blue ball"
        stream.run(3, progress=False, overlap=overlap)
        stream.edit(drags)
        stream.animate(drags, blocks=1)
        stream.rewind(to=2)
        stream.run(1, progress=False, overlap=overlap)
        traces.add(trace(stream))
    assert len(traces) == 1


def test_a_block_is_decoded_while_the_next_is_denoised(tiny):
    next_begins, threads = threading.Event(), []

    def denoise(call):
        if call > 4:  # of the second block
            next_begins.set()

    def decode(call):
        threads.append(threading.current_thread())
        if call == 1:
            assert next_begins.wait(PATIENCE), "the second block waits for the first one's frames"

    made(Watched(tiny(), denoise=denoise, decode=decode), 2, overlap=True)
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize(("name", "call"), [("decode", 3), ("denoise", 9), ("commit", 3)])
@pytest.mark.parametrize("error", [KeyboardInterrupt, torch.OutOfMemoryError])
def test_an_error_is_raised_at_its_block_and_the_earlier_ones_stay(
    *, tiny, trace, overlap, name, call, error
):
    def fail(number):
        if number == call:
            raise error

    model = tiny()
    stream = Stream(Watched(model, **{name: fail}), "red ball", seed=7)
    with pytest.raises(error):
        stream.run(4, progress=False, overlap=overlap)
    assert trace(stream) == trace(made(model, 2, overlap=False))
    stream.run(2, progress=False, overlap=overlap)
    assert trace(stream) == trace(made(model, 4, overlap=False))


def test_of_two_errors_the_earlier_block_s_is_raised(tiny):
    def fail(number):
        if number == 2:
            raise ZeroDivisionError

    def stop(number):
        if number > 8:  # the third block
            raise KeyboardInterrupt

    stream = Stream(Watched(tiny(), decode=fail, denoise=stop), "red ball", seed=7)
    with pytest.raises(ZeroDivisionError):
        stream.run(4, progress=False, overlap=True)
    assert len(stream) == 1
    assert stream.rewind(to=0) is None  # the lock is free


def test_frames_that_are_not_finite_leave_the_stream_as_it_was(tiny, trace):
    class Broken(tiny):
        def decode(self, latents, state=None):
            if self.calls.count("decode") == 1:
                latents = latents * float("nan")
            return super().decode(latents, state)

    stream = Stream(Broken(), "red ball", seed=7)
    with pytest.raises(FloatingPointError, match="decoder"):
        stream.run(3, progress=False, overlap=True)
    assert trace(stream) == trace(made(tiny(), 1, overlap=False))


def test_listeners_hear_of_each_block_and_events_come_from_the_caller(model):
    stream, lengths, events = Stream(model, "red ball", seed=7), [], []

    def note(event):
        events.append((type(event), threading.current_thread()))

    release = stream.reserve(threading.current_thread(), "tested", note)
    stream.subscribe(lambda: lengths.append(len(stream)))
    stream.run(3, progress=False, overlap=True)
    release()
    assert lengths[:3] == [1, 2, 3]
    assert {thread for _, thread in events} == {threading.current_thread()}
    kinds = [kind for kind, _ in events]
    assert kinds.count(BlockMade) == 3
    assert kinds.count(Progress) == 12


def test_an_exception_in_an_event_ends_the_run(model, trace):
    stream = Stream(model, "red ball", seed=7)

    def stop(event):
        if isinstance(event, BlockMade) and event.block.index == 1:
            raise ZeroDivisionError

    release = stream.reserve(threading.current_thread(), "tested", stop)
    with pytest.raises(ZeroDivisionError):
        stream.run(3, progress=False, overlap=True)
    release()
    assert trace(stream) == trace(made(model, 1, overlap=False))


@pytest.mark.parametrize(("count", "overlap"), [(-1, True), (1.5, True), (1, "yes")])
def test_bad_arguments(model, count, overlap):
    stream = Stream(model, "red ball", seed=7)
    with pytest.raises((TypeError, ValueError), match=r"n must|overlap"):
        stream.run(count, progress=False, overlap=overlap)
    assert stream.run(0, progress=False, overlap=True) == []
