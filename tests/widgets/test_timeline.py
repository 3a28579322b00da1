"""Timeline without a page: branches, what the page is told, what it may send."""

from __future__ import annotations

import io
import math
import threading

import numpy as np
import pytest
from PIL import Image

from dragstream.stream.live import LiveStream
from dragstream.stream.stream import Stream
from dragstream.widgets import Timeline, session
from tests.widgets.pages import listening, seen
from tests.widgets.swatches import DRAG, Swatches

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model():
    return Swatches()


@pytest.fixture(scope="module")
def made(model):
    """Five blocks: two plain, two animated, the last of them edited, one plain."""
    stream = Stream(model, "a disc", seed=5)
    stream.run(2, progress=False)
    stream.animate([DRAG], blocks=2)
    stream.edit([DRAG])
    stream.prompt = "another"
    stream.step()
    return stream


@pytest.fixture
def stream(made):
    return made.fork()


@pytest.fixture
def timeline(stream):
    return listening(Timeline(stream))


def ask(timeline, **content):
    """The answers to the page."""
    timeline.sent.clear()
    timeline._handle_custom_msg(content, [])
    return timeline.sent


def test_the_page_is_told_of_every_block(timeline, stream):
    state = timeline.state
    assert state["keys"] == [[0, 5]]
    assert state["lengths"] == [[9, 1], [12, 4]]
    assert [mark[:4] for mark in state["marks"]] == [[2, "animate", 0, 2], [3, "edit", 0, 1]]
    assert state["marks"][0][4] == ["Translation"]
    assert state["marks"][0][5] == len(stream.blocks[2].iterations) > 0
    assert state["prompts"] == [[0, "a disc"], [4, "another"]]
    assert (state["least"], state["latentFrames"], state["temporalFactor"]) == (0, 3, 4)
    assert (timeline.branch, timeline.stream, timeline.live) == ("main", stream, None)
    assert repr(timeline) == "Timeline('main', 5 blocks, 1 branch)"


def test_long_takes_stay_small():
    assert session.runs([7, 8, 9, 3, 4, 4], step=1) == [[7, 3], [3, 2], [4, 1]]
    assert session.runs([9] + [12] * 499) == [[9, 1], [12, 499]]
    assert session.runs([]) == []


def test_a_picture_that_began_the_stream_stays(model):
    image = np.full((64, 96, 3), 90, np.uint8)
    timeline = listening(Timeline(Stream(model, "a disc", image=image)))
    assert timeline.state["least"] == 1
    with pytest.raises(ValueError, match="from 1 to 1"):
        timeline.rewind(to=0)


def test_fork_switch_and_remove(timeline, stream):
    seen = []
    timeline.observe(lambda change: seen.append((change["new"], timeline.branch)), "stream")
    second = timeline.fork(at=3)
    assert timeline.stream is second
    assert seen == [(second, "branch 2")]
    assert second.blocks == stream.blocks[:3]
    assert timeline.state["keys"] == [[0, 3]]
    second.step()
    ours = {branch["name"]: branch for branch in timeline.state["branches"]}
    assert ours["branch 2"]["at"] == ours["main"]["shared"] == 3
    assert ours["main"]["sharedFrames"] == 33
    assert timeline.stream_of("main") is stream
    timeline.compare("main")
    timeline.switch("main")
    assert timeline.compared == "branch 2"
    assert timeline.stream is stream
    timeline.remove("branch 2")
    assert timeline.compared is None
    assert [branch.name for branch in timeline.branches] == ["main"]


def test_a_branch_gets_another_name(timeline, stream):
    second = timeline.fork(at=3)
    timeline.compare("main")
    timeline.rename("main", "as it was")
    assert timeline.stream_of("as it was") is stream
    assert timeline.compared == "as it was"
    ask(timeline, type="rename", name="branch 2", to="turned <b>")
    assert timeline.sent == []
    assert (timeline.branch, timeline.stream) == ("turned <b>", second)
    state = timeline.state
    assert state["branch"] == "turned <b>"
    names = [(branch["name"], branch["parent"]) for branch in state["branches"]]
    assert names == [("as it was", None), ("turned <b>", "as it was")]
    second.step()  # it is still followed
    assert timeline.state["branches"][1]["blocks"] == 4
    timeline.switch("as it was")
    timeline.remove("turned <b>")
    assert [branch.name for branch in timeline.branches] == ["as it was"]


def test_a_parent_that_is_rewound_keeps_less_in_common(timeline, stream):
    timeline.fork(at=4)
    stream.rewind(2)
    stream.run(2, progress=False)
    timeline.refresh()
    assert [branch["at"] for branch in timeline.state["branches"]] == [0, 2]


def test_frames_follow_until_one_is_shown(timeline, stream):
    assert timeline.frame is None
    timeline.show(40)
    stream.step()
    assert timeline.frame == 40
    timeline.rewind(to=3)
    assert (timeline.frame, len(stream)) == (None, 3)
    timeline.show(20)
    timeline.fork(at=2)
    assert timeline.frame == 20
    timeline.switch("main")
    timeline.show(30)
    timeline.switch("branch 2")
    assert timeline.frame is None


def test_an_edited_block_gets_another_number(timeline, stream):
    stream.rewind(4)
    stream.edit([DRAG])
    timeline.refresh()
    assert timeline.state["keys"] == [[0, 3], [5, 1]]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda t: t.fork(at=9), "at must be at most 5"),
        (lambda t: t.fork(name="main"), "already"),
        (lambda t: t.switch("x"), "no branch 'x'"),
        (lambda t: t.remove("main"), "cannot be removed"),
        (lambda t: t.rename("x", "y"), "no branch 'x'"),
        (lambda t: t.rename("main", " "), "printable"),
        (lambda t: t.rewind(to=6), "from 0 to 5"),
        (lambda t: t.rewind(to="1"), "integer"),
        (lambda t: t.show(57), "frames 0 to 56"),
        (lambda t: t.show(-1), "at least 0"),
        (lambda t: t.compare("main"), "current branch"),
        (lambda t: t.picture(0), "blocks must be at least 1"),
        (lambda _: Timeline("stream"), "Timeline takes a Stream"),
    ],
)
def test_bad_calls_change_nothing(timeline, change, complaint):
    before = (timeline.state, timeline.branches, timeline.frame, timeline.compared)
    with pytest.raises((ValueError, TypeError), match=complaint):
        change(timeline)
    assert (timeline.state, timeline.branches, timeline.frame, timeline.compared) == before


def test_the_page_gets_pictures(timeline, stream):
    ((content, buffers),) = ask(timeline, type="thumbnails", branch="main", blocks=[0, 4], ticket=3)
    assert content == {"type": "thumbnails", "ticket": 3, "keys": [0, 4]}
    sizes = [Image.open(io.BytesIO(buffer)).size for buffer in buffers]
    assert sizes == [(96, 64), (96, 64)]
    ((content, buffers),) = ask(timeline, type="frame", branch="main", frame=21, ticket=8)
    assert content == {"type": "frame", "ticket": 8}
    shown = np.asarray(Image.open(io.BytesIO(buffers[0]))).astype(int)
    assert np.abs(shown - stream.blocks[2].frames[0]).mean() < 2
    assert ask(timeline, type="hello")[0][0] == {"type": "hello"}


def test_the_page_commands(timeline, stream):
    ask(timeline, type="fork", at=2)
    assert (timeline.branch, len(timeline.stream)) == ("branch 2", 2)
    ask(timeline, type="switch", name="main")
    ask(timeline, type="compare", name="branch 2")
    assert (timeline.branch, timeline.compared) == ("main", "branch 2")
    ask(timeline, type="show", frame=12)
    assert timeline.frame == 12
    ask(timeline, type="rewind", to=4)
    assert len(stream) == 4
    ask(timeline, type="remove", name="branch 2")
    assert len(timeline.branches) == 1


@pytest.mark.parametrize(
    "content",
    [
        "text",
        None,
        {"type": "explode"},
        {"type": ["fork"], "at": 1},
        {"type": "fork"},
        {"type": "fork", "at": 1, "name": "x"},
        {"type": "fork", "at": "1"},
        {"type": "fork", "at": True},
        {"type": "fork", "at": 99},
        {"type": "rename", "name": "main", "to": ""},
        {"type": "rename", "name": "main", "to": "x" * 41},
        {"type": "rename", "name": "main", "to": None},
        {"type": "rename", "name": "main"},
        {"type": "rename", "name": "branch 2", "to": "a"},
        {"type": "rewind", "to": -1},
        {"type": "rewind", "to": math.nan},
        {"type": "switch", "name": 3},
        {"type": "show", "frame": 1e300},
        {"type": "compare", "name": "nowhere"},
        {"type": "frame", "branch": "main", "frame": 57, "ticket": 1},
        {"type": "frame", "branch": "gone", "frame": 0, "ticket": 1},
        {"type": "thumbnails", "branch": "main", "blocks": [], "ticket": 1},
        {"type": "thumbnails", "branch": "main", "blocks": [5], "ticket": 1},
        {"type": "thumbnails", "branch": "main", "blocks": [0] * 65, "ticket": 1},
        {"type": "thumbnails", "branch": "main", "blocks": [0] * 300_000, "ticket": 1},
        {"type": "thumbnails", "branch": "main", "blocks": "0", "ticket": 1},
    ],
)
def test_bad_messages_change_nothing_and_are_answered(timeline, stream, content):
    before = {name: getattr(timeline, name) for name in timeline.keys}
    timeline._handle_custom_msg(content, [])
    assert {name: getattr(timeline, name) for name in timeline.keys} == before
    assert len(stream) == 5
    ((answer, _),) = timeline.sent
    assert answer["type"] == "error"
    assert 0 < len(answer["text"]) <= 500


def test_the_page_writes_no_traits(timeline):
    timeline.set_state({"frame": 3, "_esm": "alert(1)"})
    assert timeline.frame is None
    assert "may not write" in timeline.sent[0][0]["text"]


def test_a_busy_stream_is_said_to_be_busy(timeline, stream):
    release = stream.reserve(threading.Thread(name="other"), "somebody else writes")
    timeline._handle_custom_msg({"type": "rewind", "to": 2}, [])
    assert "somebody else writes" in timeline.sent[0][0]["text"]
    release()
    assert len(stream) == 5


def test_each_branch_has_its_live_stream(stream):
    live = LiveStream(stream, frame_rate=math.inf)
    timeline = listening(Timeline(live))
    assert (timeline.stream, timeline.live) == (stream, live)
    timeline.fork(at=2)
    second = timeline.live
    assert second is not live
    assert (second.stream, second.frame_rate) == (timeline.stream, math.inf)
    timeline.rewind(to=1)
    assert second.wait(20)
    assert len(timeline.stream) == 1
    timeline.switch("main")
    assert timeline.live is live
    timeline.remove("branch 2")
    assert second.status.value == "stopped"
    live.stop()


def test_an_error_of_the_live_stream_is_shown(stream):
    live = LiveStream(stream, frame_rate=math.inf)
    timeline = seen(listening(Timeline(live)))
    live.rewind(99)
    with pytest.raises(RuntimeError):
        live.wait(20)
    assert "at most 5" in timeline.sent[0][0]["text"]
    live.stop()


def test_picture_and_close(timeline, stream):
    picture = np.asarray(timeline.picture(blocks=3))
    assert picture.shape[1] == 3 * 96 + 2 * 6
    assert tuple(picture[65, 10]) == (0xFF, 0x8A, 0x1F)
    timeline.close()
    before = timeline.state
    stream.step()
    assert timeline.state == before
