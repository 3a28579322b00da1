"""Whatever goes wrong, and wherever: the stream is bit for bit what it was, and goes on."""

import threading

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Drag, Memory, Rotation, Translation
from dragstream.method.settings import DragSettings
from dragstream.stream import Stream
from dragstream.stream.access import WriteLock


class Failing:
    """A model that raises at the n-th pass of one kind, or makes its result NaN."""

    def __init__(self, model, name, countdown, error):
        self._model, self._name, self._countdown, self._error = model, name, countdown, error

    def __getattr__(self, name):
        attribute = getattr(self._model, name)
        if name != self._name:
            return attribute

        def call(*arguments, **keywords):
            self._countdown -= 1
            result = attribute(*arguments, **keywords)
            if self._countdown == 0 and isinstance(self._error, BaseException):
                raise self._error
            if self._countdown == 0:
                result = result * float("nan")
            return result

        return call


CALLS = {
    "step": lambda stream, _: stream.step(),
    "edit": lambda stream, drags: stream.edit(drags),
    "animate": lambda stream, drags: stream.animate(drags, blocks=2),
}


def started(model):
    stream = Stream(model, "red ball", seed=5)
    stream.run(3, progress=False)
    stream.prompt = "blue ball"
    return stream


@pytest.fixture(scope="module")
def made(model):
    """A started stream to fork."""
    return started(model)


@pytest.fixture(scope="module")
def afterwards(model, drags, trace):
    """What each call makes of the started stream when nothing fails."""
    traces = {}
    for name, call in CALLS.items():
        stream = started(model)
        call(stream, drags)
        traces[name] = trace(stream)
    return traces


@pytest.mark.parametrize(
    ("call", "name", "place"),
    [
        ("step", "denoise", 1),
        ("step", "denoise", 4),
        ("step", "commit", 1),
        ("step", "decode", 1),
        ("step", "with_text", 1),
        ("edit", "read", 1),
        ("edit", "read", 4),
        ("edit", "denoise", 3),
        ("edit", "commit", 1),
        ("edit", "decode", 1),
        ("animate", "read", 7),
        ("animate", "denoise", 8),
        ("animate", "commit", 2),
        ("animate", "decode", 2),
    ],
)
@pytest.mark.parametrize("error", [KeyboardInterrupt(), torch.OutOfMemoryError("no more")])
def test_an_interrupt_in_any_pass_changes_nothing(
    *, model, drags, trace, afterwards, call, name, place, error
):
    stream = started(model)
    before, blocks = trace(stream), stream.blocks
    stream._cache.model = Failing(model, name, place, error)
    with pytest.raises(type(error)):
        CALLS[call](stream, drags)
    stream._cache.model = model
    assert stream.blocks is blocks
    assert trace(stream) == before
    CALLS[call](stream, drags)
    assert trace(stream) == afterwards[call]


@pytest.mark.parametrize("call", ["step", "edit", "animate"])
def test_an_interrupt_just_after_the_pen_was_taken_lets_go_of_it(
    *, model, drags, trace, afterwards, call, monkeypatch
):
    stream = started(model)
    before, acquire = trace(stream), WriteLock.acquire

    def interrupted(lock, writer):
        acquire(lock, writer)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WriteLock, "acquire", interrupted)
        with pytest.raises(KeyboardInterrupt):
            CALLS[call](stream, drags)
    assert trace(stream) == before
    CALLS[call](stream, drags)
    assert trace(stream) == afterwards[call]


@pytest.mark.parametrize(
    ("call", "name"), [("step", "denoise"), ("edit", "denoise"), ("animate", "denoise")]
)
def test_values_that_are_not_finite_are_an_error_and_change_nothing(
    model, drags, trace, call, name
):
    stream = started(model)
    before = trace(stream)
    stream._cache.model = Failing(model, name, 2, None)
    with pytest.raises(FloatingPointError, match="not finite"):
        CALLS[call](stream, drags)
    assert trace(stream) == before


@pytest.mark.parametrize("call", ["edit", "animate"])
@pytest.mark.parametrize("iteration", [1, 4])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_exception_in_a_callback_changes_nothing(
    *, model, drags, trace, afterwards, call, iteration, error
):
    stream = started(model)
    before, seen = trace(stream), []

    def callback(item):
        seen.append(item)
        if len(seen) == iteration:
            raise error

    with pytest.raises(error):
        getattr(stream, call)(drags, callback=callback)
    assert len(seen) == iteration
    assert trace(stream) == before
    CALLS[call](stream, drags)
    assert trace(stream) == afterwards[call]


def test_an_animation_is_one_transaction_and_a_run_one_for_each_block(model, drags, trace):
    stream = started(model)
    before, seen = trace(stream), []

    def stop_in_the_second_block(item):
        seen.append(item)
        if len(seen) > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream.animate(drags, blocks=3, callback=stop_in_the_second_block)
    assert trace(stream) == before
    expected = started(model)
    expected.run(2, progress=False)
    stream._cache.model = Failing(model, "denoise", 9, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        stream.run(5, progress=False)
    assert trace(stream) == trace(expected)


def test_a_callback_cannot_write_but_may_read(model, drags, trace, afterwards):
    stream = started(model)
    lengths = []

    def callback(_):
        lengths.append(len(stream))
        assert stream.frames.shape[0] == 17
        for call in (
            stream.step,
            lambda: stream.rewind(0),
            lambda: setattr(stream, "prompt", "red"),
        ):
            with pytest.raises(RuntimeError, match="animate is still running"):
                call()

    stream.animate(drags, blocks=2, callback=callback)
    assert set(lengths) == {3}
    assert trace(stream) == afterwards["animate"]


def test_a_second_thread_cannot_write_meanwhile(model, drags):
    stream = started(model)
    errors = []

    def write():
        try:
            stream.step()
        except RuntimeError as error:
            errors.append(str(error))

    def callback(_):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()

    stream.edit(drags, callback=callback)
    assert errors == ["step cannot change the stream now: edit is still running"] * 4
    stream.step()


def test_a_stream_made_in_inference_mode_can_still_be_dragged(model, drags, trace, afterwards):
    with torch.inference_mode():
        stream = started(model)
    stream.animate(drags, blocks=2)
    assert trace(stream) == afterwards["animate"]
    with torch.inference_mode():
        inside = started(model)
        inside.animate(drags, blocks=2)
    assert trace(inside) == afterwards["animate"]


# ------------------------------------------------------------------------------------ bad input

DISC = regions.disc(center=(14, 12), radius=6)
MOVE = Translation.by(12, 4)
GOOD = Drag(DISC, MOVE)

BAD_DRAGS = [
    (list, ValueError, "empty"),
    (lambda: GOOD, TypeError, "sequence"),
    (lambda: [MOVE], TypeError, "Drag"),
    (lambda: [Drag(np.zeros((32, 48), bool), MOVE)], ValueError, "no pixel"),
    (lambda: [Drag(np.ones((48, 32), bool), MOVE)], ValueError, "48"),
    (lambda: [Drag(np.ones((32, 48)), MOVE)], (TypeError, ValueError), "bool"),
    (lambda: [Drag(regions.disc((100, 100), 5), MOVE)], ValueError, "no pixel"),
    (lambda: [Drag(DISC, Translation.by(float("nan"), 0))], ValueError, "nan"),
    (lambda: [Drag(DISC, Translation([]))], ValueError, "point"),
    (lambda: [Drag(DISC, Rotation((14, 12)))], TypeError, "degrees"),
    (lambda: [Drag(DISC, MOVE, source=Memory(3, DISC))], ValueError, "block 3"),
]


@pytest.mark.parametrize("call", ["edit", "animate"])
@pytest.mark.parametrize(("make", "error", "message"), BAD_DRAGS)
def test_bad_drags_are_refused(*, made, trace, call, make, error, message):
    stream = made.fork()
    before = trace(stream)
    with pytest.raises(error, match=message):
        getattr(stream, call)(make())
    assert trace(stream) == before


@pytest.mark.parametrize("call", ["edit", "animate"])
@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"keep": regions.box(10, 10, 20, 20)}, ValueError, "keep"),
        ({"keep": np.zeros((32, 48), bool)}, ValueError, "keep"),
        ({"keep": "everything"}, TypeError, "region"),
        ({"settings": {"iterations": 2}}, TypeError, "settings must be"),
        ({"settings": DragSettings.paper(layers=(3,))}, ValueError, "layers"),
        ({"settings": DragSettings.paper(denoising_step=4)}, ValueError, "denoising_step"),
        ({"callback": 3}, TypeError, "callback must be callable"),
    ],
)
def test_bad_arguments_of_a_drag_are_refused(*, made, trace, call, keywords, error, message):
    stream = made.fork()
    before = trace(stream)
    with pytest.raises(error, match=message):
        getattr(stream, call)([GOOD], **keywords)
    assert trace(stream) == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: s.animate([GOOD], blocks=0), ValueError, "blocks must be at least 1, got 0"),
        (lambda s: s.animate([GOOD], blocks=-2), ValueError, "-2"),
        (lambda s: s.animate([GOOD], blocks=1.0), TypeError, "1.0"),
        (lambda s: s.animate([GOOD], blocks=True), TypeError, "True"),
        (lambda s: s.run(-1), ValueError, "n must be at least 0, got -1"),
        (lambda s: s.run("3"), TypeError, "'3'"),
        (lambda s: s.rewind(to=-1), ValueError, "-1"),
        (lambda s: s.rewind(to=4), ValueError, "at most 3, the number of blocks, got 4"),
        (lambda s: s.rewind(to=True), TypeError, "True"),
        (lambda s: s.rewind(to=2.0), TypeError, "2.0"),
        (lambda s: s.fork(at=4), ValueError, "at must be at most 3"),
        (lambda s: s.fork(at=-1), ValueError, "-1"),
        (lambda s: s.fork(at="2"), TypeError, "'2'"),
        (lambda s: setattr(s, "prompt", ""), ValueError, "words are"),
        (lambda s: setattr(s, "prompt", "green ball"), ValueError, "green"),
        (lambda s: setattr(s, "prompt", None), TypeError, "prompt must be a string, got None"),
        (lambda s: s.remember(regions.disc((100, 100), 5)), ValueError, "no pixel"),
        (lambda s: s.remember(np.ones((4, 4), bool)), ValueError, "4"),
        (lambda s: s.remember(None), TypeError, "region"),
    ],
)
def test_bad_calls_are_refused(made, trace, call, error, message):
    stream = made.fork()
    before = trace(stream)
    with pytest.raises(error, match=message):
        call(stream)
    assert trace(stream) == before


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.edit([GOOD]),
        lambda s: s.animate([GOOD]),
        lambda s: s.remember(DISC),
    ],
)
def test_there_is_nothing_to_drag_before_the_first_block(stream, call):
    with pytest.raises(ValueError, match="the stream has no blocks"):
        call(stream)
    assert len(stream) == 0


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        (("playground", "red"), {}, TypeError, "'playground'"),
        ((None, "red"), {}, TypeError, "None"),
        (("model", ""), {}, ValueError, "words are"),
        (("model", 3), {}, TypeError, "prompt must be a string, got 3"),
        (("model", "red"), {"seed": 1.5}, TypeError, "1.5"),
        (("model", "red"), {"seed": -1}, ValueError, "-1"),
        (("model", "red"), {"undo": 0}, ValueError, "undo must be at least 1, got 0"),
    ],
)
def test_a_stream_cannot_start_from_nonsense(model, arguments, keywords, error, message):
    first, *rest = arguments
    with pytest.raises(error, match=message):
        Stream(model if first == "model" else first, *rest, **keywords)
