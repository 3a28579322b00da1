"""Errors of live streams: who hears of them, what they leave alone, and how a script may end."""

import logging
import math
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from dragstream.method.settings import DragSettings
from dragstream.stream import LiveStream, Stream
from dragstream.stream.events import Changed, Status, StatusChanged
from tests.stream.playing import PATIENCE, Gate, pause_with, record


class Broken:
    """A model whose n-th prediction fails."""

    def __init__(self, model, countdown, error):
        self._model, self._countdown, self._error = model, countdown, error

    def __getattr__(self, name):
        return getattr(self._model, name)

    def denoise(self, *arguments):
        self._countdown -= 1
        if self._countdown == 0:
            raise self._error
        return self._model.denoise(*arguments)


# -------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("how", ["wait", "pause", "stop", "start", "animate"])
def test_an_error_reaches_the_user_with_its_traceback(*, lively, model, two, drags, trace, how):
    stream = two.fork()
    live = lively(stream)
    events = record(live)
    stream._cache = Stream(Broken(model, 6, FloatingPointError("oh no")), "red ball")._cache
    gate = Gate(live, lambda event: isinstance(event, Changed))
    live.start()
    with gate:
        expected = trace(stream)
    assert live._worker.wait(PATIENCE)

    calls = {
        "animate": lambda: live.animate(drags),
        "wait": lambda: live.wait(PATIENCE),
        "pause": live.pause,
        "stop": live.stop,
        "start": live.start,
    }
    with pytest.raises(
        RuntimeError, match=r"paused by an error: FloatingPointError.*oh no"
    ) as caught:
        calls[how]()
    cause = caught.value.__cause__
    assert isinstance(cause, FloatingPointError)
    names = [frame.name for frame in traceback.extract_tb(cause.__traceback__)]
    assert names[-1] == "denoise"
    assert "drag_late" in names
    assert [e.error for e in events if e == StatusChanged(Status.PAUSED, cause)] == [cause]
    assert trace(stream) == expected
    assert len(stream) == 3
    stream.step()  # it is free, and told only once
    pause_with(live, 4)
    live.start()
    live.wait(PATIENCE)
    assert len(stream) == 5


def test_an_error_drops_what_was_queued_behind_it(lively, two, trace):
    stream = two.fork()
    live = lively(stream)
    gate = Gate(live, lambda event: event == StatusChanged(Status.WORKING))
    live.prompt = "green ball"
    with gate:
        live.rewind(to=1)
    with pytest.raises(RuntimeError) as caught:
        live.wait(PATIENCE)
    assert "green" in str(caught.value.__cause__)
    assert trace(stream) == trace(two)
    live.rewind(to=1)
    assert live.wait(PATIENCE)
    assert len(stream) == 1


def test_a_listener_that_fails_disturbs_nothing(lively, two, caplog):
    live = lively(two.fork())
    unsubscribe = live.subscribe(lambda _: 1 / 0)
    events = record(live)
    with caplog.at_level(logging.ERROR):
        live.rewind(to=1)
        assert live.wait(PATIENCE)
    assert "ZeroDivisionError" in caplog.text
    unsubscribe()
    unsubscribe()
    caplog.clear()
    live.rewind(to=0)
    assert live.wait(PATIENCE)
    assert not caplog.text
    assert len([event for event in events if isinstance(event, Changed)]) == 2


def test_a_listener_cannot_wait_for_itself(lively, two):
    live, errors = lively(two.fork()), []

    def listener(_):
        try:
            live.wait()
        except RuntimeError as error:
            errors.append(str(error))

    live.subscribe(listener)
    live.rewind(to=1)
    live.wait(PATIENCE)
    assert set(errors) == {"a listener cannot wait for the thread that it is called on"}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda live, _: live.animate([]), ValueError, "empty"),
        (lambda live, drags: live.animate(drags, blocks=0), ValueError, "blocks"),
        (lambda live, drags: live.edit(drags[0]), TypeError, "sequence"),
        (lambda live, drags: live.edit(drags, settings="paper"), TypeError, "'paper'"),
        (lambda live, drags: live.edit(drags, keep="all"), TypeError, "region"),
        (lambda live, _: live.rewind(to=-1), ValueError, "-1"),
        (lambda live, _: setattr(live, "prompt", 3), TypeError, "got 3"),
        (lambda live, _: live.subscribe(None), TypeError, "listener must be callable"),
        (lambda live, _: LiveStream(live), TypeError, "must be a Stream"),
        (lambda live, _: LiveStream(live.stream, 0), ValueError, "positive, got 0"),
        (lambda live, _: LiveStream(live.stream, math.nan), ValueError, "nan"),
        (lambda live, _: LiveStream(live.stream, "fast"), TypeError, "'fast'"),
        (lambda live, _: LiveStream(live.stream, settings="fast"), TypeError, "'fast'"),
        (
            lambda live, _: LiveStream(live.stream, settings=DragSettings(denoising_step=9)),
            ValueError,
            "0 to 3, got 9",
        ),
    ],
)
def test_bad_arguments_are_refused_at_once(*, two, drags, trace, call, error, message):
    stream = two.fork()
    live = LiveStream(stream)
    with pytest.raises(error, match=message):
        call(live, drags)
    assert live._worker._thread is None
    assert trace(stream) == trace(two)


# --------------------------------------------------------------------------------- plain scripts

SCRIPT = """
import math, runpy, threading
import torch
torch.set_num_threads(1)
import dragstream as ds
from dragstream.stream.events import BlockMade, StatusChanged

model = runpy.run_path({conftest!r})["TinyModel"]()
made, failed = threading.Event(), threading.Event()

playing = ds.LiveStream(ds.Stream(model, "red ball"), math.inf)
playing.subscribe(lambda event: made.set() if isinstance(event, BlockMade) else None)
playing.start()
held = ds.LiveStream(ds.Stream(model, "red ball"), 1e-9)
held.start()
paused = ds.LiveStream(ds.Stream(model, "red ball"))
paused.rewind(to=0)
assert paused.wait()
broken = ds.LiveStream(ds.Stream(model, "red ball"))
broken.subscribe(lambda event: failed.set() if getattr(event, "error", None) else None)
broken.prompt = "green ball"
assert failed.wait() and made.wait()
print("the end")
"""


def test_a_script_may_end_while_live_streams_play():
    script = SCRIPT.format(conftest=str(Path(__file__).with_name("conftest.py")))
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (result.returncode, result.stdout) == (0, "the end\n")
    # The only trace is the error that the script did not ask about.
    assert result.stderr.startswith("a live stream stopped with an error\nTraceback")
    assert result.stderr.count("Traceback") == 1
    assert "green" in result.stderr.splitlines()[-1]
