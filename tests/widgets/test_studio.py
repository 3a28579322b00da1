"""The Studio without a page: what its buttons ask for, and what it tells."""

import gc
import math
import threading
import weakref

import numpy as np
import pytest

import dragstream as ds
from dragstream.stream import LiveStream, Stream
from dragstream.stream.events import Status
from dragstream.widgets.studio import Studio
from tests.widgets.pages import seen, until
from tests.widgets.swatches import Swatches

DRAG = ds.Drag(ds.regions.box(16, 16, 48, 48), ds.Translation.by(24, 0))
KEEP = ds.regions.box(0, 56, 96, 64)
LONG = 60


class Fragile(Swatches):
    """Breaks when it is told to."""

    broken = False

    def denoise(self, latents, sigma, context):
        if self.broken:
            raise FloatingPointError("<b>not finite</b>")
        return super().denoise(latents, sigma, context)


@pytest.fixture
def stream():
    made = Stream(Fragile(), "a disc", seed=3)
    made.run(2, progress=False)
    return made


@pytest.fixture
def studio(stream):
    live = LiveStream(stream, math.inf)
    made = seen(Studio(live))
    yield made
    live.stop()
    made.live.stop()  # of the current branch
    made.close()


def press(studio, **message):
    """Send the message of a pressed button; return the answers."""
    answers = []
    send = studio._bar.send
    studio._bar.send = lambda content, *_: answers.append(content)
    try:
        studio._bar._handle_custom_msg(message, [])
    finally:
        studio._bar.send = send
    return answers


def rest(studio):
    assert studio.live.wait(LONG)
    studio.refresh()


def test_step_animate_edit(studio, stream):
    assert studio._bar.failure is studio._bar.written is None
    assert press(studio, type="step") == []
    rest(studio)
    assert len(stream) == 3
    studio.drags = [DRAG]
    studio.keep = KEEP
    studio.settings = ds.DragSettings.paper(iterations=2)
    press(studio, type="animate", blocks=2)
    rest(studio)
    assert [block.part for block in stream.blocks[3:]] == [(0, 2), (1, 2)]
    assert stream.blocks[4].drags == (DRAG,)
    assert len(stream.blocks[4].iterations) == 2
    assert stream.blocks[4].keep is not None
    press(studio, type="edit")
    rest(studio)
    assert stream.blocks[4].mode.value == "edit"
    assert studio._bar.state["blocks"] == 5
    assert studio._bar.state["drags"] == 1
    names = [figure[0] for figure in studio._bar.figures]
    assert names[:3] == ["block", "iteration", "memory"]


def test_play_and_pause(studio, stream):
    press(studio, type="play")
    grown = threading.Event()
    leave = studio.live.subscribe(lambda _: grown.set() if len(stream) > 5 else None)
    assert grown.wait(LONG)
    leave()
    press(studio, type="pause")
    rest(studio)
    assert studio.live.status is Status.PAUSED
    assert studio._bar.state["status"] == "paused"
    assert repr(studio).endswith(", paused)")
    shown = studio.stream.frames[-1]
    stream.step()  # a plain stream again
    assert not np.array_equal(shown, stream.frames[-1])
    press(studio, type="play")
    press(studio, type="stop")
    assert studio.live.status is Status.STOPPED


def test_nothing_to_apply_is_answered(studio):
    (answer,) = press(studio, type="animate", blocks=1)
    assert answer["type"] == "error"
    assert "paint a region and pull it" in answer["text"]
    with pytest.raises(ValueError, match="paint a region"):
        studio.edit()


def test_an_unknown_prompt_is_answered_beside_its_box(studio, stream):
    (answer,) = press(studio, type="prompt", text="  ")
    assert answer["request"] == "prompt"
    assert "must say something" in answer["text"]
    assert studio.live.status is Status.STOPPED
    assert press(studio, type="prompt", text="a disc that jumps") == []
    rest(studio)
    assert stream.prompt == studio._bar.state["prompt"] == "a disc that jumps"


@pytest.mark.parametrize(
    "message",
    [
        {"type": "animate", "blocks": 0},
        {"type": "animate", "blocks": 101},
        {"type": "animate", "blocks": True},
        {"type": "animate"},
        {"type": "step", "blocks": 1},
        {"type": "prompt", "text": None},
        {"type": "export", "kind": "exe", "name": "take"},
        {"type": "export", "kind": "gif", "name": ""},
        {"type": "export", "kind": "gif", "name": "/no/such/folder/take"},
        {"type": "explode"},
        "play",
        None,
    ],
)
def test_messages_that_make_no_sense_change_nothing(studio, stream, message):
    before = stream.blocks
    answers = []
    studio._bar.send = lambda content, *_: answers.append(content)
    studio._bar._handle_custom_msg(message, [])
    del studio._bar.send
    assert answers[0]["type"] == "error"
    assert stream.blocks is before
    assert studio.live.status is Status.STOPPED


def test_an_error_of_the_worker_is_shown_with_its_traceback(studio, stream):
    stream.model.broken = True
    press(studio, type="step")
    studio.live._worker.wait(LONG)
    failure = studio._bar.failure
    assert failure["text"] == "FloatingPointError: <b>not finite</b>"
    assert "in denoise" in failure["traceback"]
    assert len(stream) == 2
    stream.model.broken = False
    assert press(studio, type="step") == []  # the error has been told: this goes on
    rest(studio)
    assert len(stream) == 3
    press(studio, type="dismiss")
    assert studio._bar.failure is None


def test_another_writer_is_told(studio, stream):
    release = stream.reserve(threading.Thread(name="somebody"), "somebody writes")
    (answer,) = press(studio, type="step")
    assert "somebody writes" in answer["text"]
    release()


def test_branches_take_everything_along(studio, stream):
    branch = studio.timeline.fork(at=1)
    assert studio.stream is branch
    assert studio.live.stream is branch
    assert studio.features.stream is branch
    assert studio.drift.source is studio.canvas.source is studio.live
    assert studio._bar.state["branch"] == "branch 2"
    studio.timeline.rename("branch 2", "turned")
    studio.refresh()
    assert studio._bar.state["branch"] == "turned"
    studio.step()
    rest(studio)
    assert (len(branch), len(stream)) == (2, 2)
    assert studio._bar.state["blocks"] == 2
    studio.timeline.switch("main")
    assert studio.stream is stream
    assert studio._bar.state["branch"] == "main"


def test_scrubbing_shows_frames_and_drags_act_on_the_newest(studio, stream):
    newest = studio.canvas.frame
    studio.timeline.show(0)
    assert studio.canvas.frame != newest
    studio.drags = [DRAG]
    studio.animate()
    assert studio.timeline.frame is None
    rest(studio)
    assert len(stream) == 3


def test_two_studios_share_one_worker(stream):
    first, second = Studio(stream), Studio(stream)
    assert first.live is second.live
    first.step()
    assert first.live.wait(LONG)
    second.refresh()
    assert second._bar.state["blocks"] == 3
    second.step()
    assert second.live.wait(LONG)
    assert len(first.stream) == 4
    first.live.stop()
    for studio in (first, second):
        studio.close()


def test_files(studio, stream, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in ("gif", "html", "dragstream"):
        assert press(studio, type="export", kind=kind, name="take") == []
        assert (tmp_path / f"take.{kind}").stat().st_size > 100
        assert f"take.{kind}" in studio._bar.written["text"]
        assert studio._bar.written["code"] is None
    (answer,) = press(studio, type="export", kind="py", name="take")
    assert "has no model 'swatches'" in answer["text"]
    monkeypatch.setattr(Stream, "to_code", lambda self: f"# {len(self)} blocks\n")
    assert press(studio, type="export", kind="py", name="take") == []
    assert studio._bar.written["code"] == "# 2 blocks\n"
    assert (tmp_path / "take.py").read_text() == "# 2 blocks\n"
    with monkeypatch.context() as patch:
        patch.setattr(Stream, "to_code", lambda _: "\ud800")  # which no file can hold
        assert press(studio, type="export", kind="py", name="take") != []
        assert (tmp_path / "take.py").read_text() == "# 2 blocks\n"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert studio.export("py", "~/home") == tmp_path / "home.py"
    names = ["home.py", "take.dragstream", "take.gif", "take.html", "take.py"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    with pytest.raises(ValueError, match="kind must be one of mp4"):
        studio.export("exe", "take")
    with pytest.raises(ValueError, match="name of a file"):
        studio.export("gif", "")
    assert len(stream) == 2


def test_the_features_plan_what_is_drawn_once_they_are_open(studio):
    studio.drags = [DRAG]
    assert studio.features._plan[0] == ()
    studio._folds["Features"].selected_index = 0
    assert studio.features._plan[0] == (DRAG,)
    studio.settings = ds.DragSettings.paper(focus=2)
    assert studio.features._plan[2].focus.alpha == 2
    studio.timeline.show(0)
    assert studio.features.frame == 0
    studio.canvas.mute(0)
    assert studio.features._plan[0] == ()


def test_features_follow_what_plays_while_they_are_open(studio, stream):
    press(studio, type="play")
    until(lambda: len(stream) > 4)
    assert studio.features.frame == 0  # folded away: nothing is computed
    studio._folds["Features"].selected_index = 0
    seen = studio.features.frame
    until(lambda: studio.features.frame > seen)
    press(studio, type="pause")
    rest(studio)
    until(lambda: studio.features.frame == 3 * len(stream) - 1)
    studio.timeline.show(0)
    assert (studio.features.frame, studio.features.follow) == (0, False)
    stream.step()
    assert studio.features.frame == 0
    studio.timeline.show(None)
    assert studio.features.frame == 3 * len(stream) - 1
    studio._folds["Features"].selected_index = None
    assert not studio.features.awake


def test_bad_arguments(stream):
    with pytest.raises(TypeError, match="Studio takes a Stream or a LiveStream"):
        Studio(3)
    with pytest.raises(ValueError, match="denoising_step"):
        Studio(stream, settings=ds.DragSettings.paper(denoising_step=7))
    outside = ds.Drag(ds.regions.box(200, 200, 210, 210), ds.Translation.by(1, 0))
    with pytest.raises(ValueError, match="covers no pixel"):
        Studio(stream, drags=[outside])


def test_a_closed_studio_is_forgotten(stream):
    studio = Studio(stream)
    branch = studio.timeline.fork()
    studio.live.step()
    assert studio.live.wait(LONG)
    parts = (
        studio,
        studio.live,
        studio.canvas,
        studio.timeline,
        studio.drift,
        studio.features,
        branch,
    )
    known = [weakref.ref(part) for part in parts]
    before = set(threading.enumerate())
    studio.close()
    del studio, branch, parts
    gc.collect()
    workers = [thread for thread in before if thread.name == "LiveStream"]
    until(lambda: not any(thread.is_alive() for thread in workers))
    gc.collect()  # what a worker that was ending still held
    assert [part() for part in known if part() is not None] == []
    stream.step()
