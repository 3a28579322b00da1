"""DragCanvas without a page: traits, what the page may send, pictures."""

from __future__ import annotations

import importlib
import io
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import dragstream as ds
from dragstream.drags.documents import DocumentReader, to_json
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Motion
from dragstream.widgets import DragCanvas, messages
from dragstream.widgets.frame_canvas import ClipSender
from dragstream.widgets.picture import KEEP_COLOUR, PALETTE
from tests.widgets.pages import seen

DISC = ds.regions.disc(center=(60, 50), radius=10)
MOVE = ds.Drag(DISC, ds.Translation.by(20, 5))
TURN = ds.Drag(ds.regions.box(100, 30, 120, 50), ds.Rotation((110, 40), degrees=45))


@pytest.fixture
def frame():
    rows, columns = np.mgrid[:128, :192]
    return np.stack([columns, rows, 0 * rows + 90], axis=-1).astype(np.uint8)


@pytest.fixture
def canvas(frame):
    made = DragCanvas(frame)
    made.sent = []
    made.send = lambda content, *_: made.sent.append(content)
    return made


def shown(canvas):
    return np.asarray(Image.open(io.BytesIO(canvas.frame)))


LOOK = {"colour": 3, "muted": False, "arm": None}


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


def test_shows_a_plain_frame(canvas, frame):
    assert np.array_equal(shown(canvas), frame)
    assert (canvas.width, canvas.height) == (192, 128)
    assert repr(canvas) == "DragCanvas(192x128, 0 drags)"
    canvas.add(MOVE)
    assert repr(canvas) == "DragCanvas(192x128, 1 drag)"


def test_drags_and_keep_come_back(canvas):
    canvas.drags = [MOVE, TURN]
    keep = np.zeros((128, 192), bool)
    keep[100:, :50] = True
    canvas.keep = keep
    assert canvas.drags == [MOVE, TURN]
    assert np.array_equal(canvas.keep, keep)
    assert canvas.state == to_json([MOVE, TURN], keep)
    assert [entry.colour for entry in canvas.entries] == [0, 1]
    canvas.keep = ds.regions.box(0, 100, 50, 128)
    assert np.array_equal(canvas.keep, keep)
    canvas.clear()
    assert canvas.drags == []
    assert canvas.keep is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda c: c.add(ds.Drag(ds.regions.disc((400, 50), 5), ds.Translation.by(1, 0))), "pixel"),
        (lambda c: c.add(ds.Drag(np.ones((5, 5), bool), ds.Translation.by(1, 0))), "does not fit"),
        (lambda c: setattr(c, "keep", DISC), "lies inside keep"),
        (lambda c: setattr(c, "keep", np.zeros((128, 192), bool)), "no pixel"),
        (lambda c: setattr(c, "drags", [MOVE, "a drag"]), "must be a Drag"),
        (lambda c: setattr(c, "drags", MOVE), "sequence"),
        (lambda c: c.show(np.zeros((5, 5, 3), np.uint8)), "frames of shape"),
        (lambda c: c.play(np.zeros((2, 5, 5, 3), np.uint8)), "frames of shape"),
        (lambda c: c.play(np.zeros((128, 192, 3), np.uint8)), "must have shape"),
        (lambda c: c.play(np.zeros((0, 128, 192, 3), np.uint8)), "must have shape"),
        (lambda c: c.play(np.zeros((1, 128, 192, 3), np.uint8), 0), "frame_rate"),
        (lambda c: setattr(c, "entries", [MOVE]), "must be an Entry"),
        (lambda c: setattr(c, "entries", "no"), "sequence of Entry"),
        (lambda c: setattr(c, "region", ds.regions.disc((600, 50), 5)), "no pixel"),
        (lambda c: c.mute(1), "number of drags"),
        (lambda c: c.remove(-2), "index"),
        (lambda c: c.move(0, 4), "to must be less"),
        (lambda c: c.duplicate("first"), "index"),
        (lambda c: c.pick((500, 2)), "in the frame"),
        (lambda c: c.zoom_to(np.ones((5, 5), bool)), "does not fit"),
        (lambda c: c.zoom_to(ds.regions.disc((600, 50), 5)), "no pixel"),
        (lambda c: c.zoom_to(3), "region"),
    ],
)
def test_bad_input_from_python_changes_nothing(canvas, change, complaint):
    canvas.add(MOVE)
    before = {name: getattr(canvas, name) for name in canvas.keys}
    with pytest.raises((ValueError, TypeError), match=complaint):
        change(canvas)
    assert {name: getattr(canvas, name) for name in canvas.keys} == before


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("frame", TypeError),
        (np.zeros((8, 8, 3)), TypeError),
        (np.zeros((8, 8), np.uint8), ValueError),
        (np.zeros((0, 8, 3), np.uint8), ValueError),
    ],
)
def test_takes_streams_and_frames_only(source, kind):
    with pytest.raises(kind):
        DragCanvas(source)


def test_page_may_send_documents(canvas):
    document = to_json([MOVE, TURN], ds.regions.box(0, 0, 9, 9))
    canvas.set_state({"state": document, "looks": [LOOK, LOOK | {"arm": [-90, 20]}], "draft": None})
    assert canvas.drags == [MOVE, TURN]
    assert canvas.entries[1].arm == (-90, 20)
    assert canvas.keep.sum() == 81
    assert canvas.sent == []


def test_painted_region_reaches_python_before_it_is_pulled(canvas):
    assert canvas.region is None
    canvas.set_state({"draft": {"type": "disc", "center": [60, 50], "radius": 10}})
    assert np.array_equal(canvas.region, ds.regions.rasterise(DISC, 128, 192))
    canvas.clear()
    assert canvas.region is None


def nested(depth):
    region = {"type": "disc", "center": [5, 5], "radius": 2}
    for _ in range(depth):
        region = {"type": "union", "of": [region, region]}
        if depth > 20:  # deep, not large
            region["of"] = [region["of"][0], {"type": "disc", "center": [5, 5], "radius": 2}]
    return region


def a_drag(**changes):
    drag = to_json([MOVE])["drags"][0]
    return {"version": 1, "drags": [drag | changes], "keep": None}


@pytest.mark.parametrize(
    "message",
    [
        {"state": "text"},
        {"state": None},
        {"state": [1, 2]},
        {"state": {"version": 2, "drags": [], "keep": None}},
        {"state": {"version": 1, "drags": [], "keep": None, "extra": 1}},
        {"state": {"version": 1, "drags": {}, "keep": None}},
        {"state": a_drag(colour="red")},
        {"state": a_drag(region={"type": "disc", "center": [6000, 50], "radius": 5})},
        {"state": a_drag(region={"type": "disc", "center": [60, 50], "radius": -5})},
        {"state": a_drag(region={"type": "mask", "height": 128, "width": 192, "runs": [1, 2]})},
        {"state": a_drag(region={"type": "mask", "height": 2, "width": 2, "runs": [0, 4]})},
        {"state": a_drag(motion={"type": "rotation", "center": [60, 50], "degrees": None})},
        {"state": a_drag(motion={"type": "translation", "path": {"points": [[0, 1e9], [1, 2]]}})},
        {"state": a_drag(region=nested(60))},
        {"state": {"version": 1, "drags": [], "keep": nested(18)}},
        {"state": {"version": 1, "drags": [0] * 300_000, "keep": None}},
        {"state": {"version": 1, "drags": [], "keep": memoryview(b"abc")}},
        {"state": to_json([MOVE], DISC)},
        {"draft": {"type": "box", "left": 0, "top": 0, "right": 0, "bottom": 4}},
        {"draft": 7},
        {"frame": "no"},
        {"width": 5},
        {"_esm": "alert(1)"},
        {"state": to_json([]), "height": 5},
        {"state": to_json([])},
        {"looks": []},
        {"looks": "red"},
        {"looks": [LOOK, LOOK]},
        {"looks": [7]},
        {"looks": [LOOK | {"extra": 1}]},
        {"looks": [LOOK | {"colour": -1}]},
        {"looks": [LOOK | {"colour": 10**9}]},
        {"looks": [LOOK | {"colour": True}]},
        {"looks": [LOOK | {"muted": "yes"}]},
        {"looks": [LOOK | {"arm": [0, -1]}]},
        {"looks": [LOOK | {"arm": [0, float("nan")]}]},
        {"looks": [LOOK | {"arm": [1, 2, 3]}]},
        {"looks": [[0] * 300_000]},
        {"onion": 9},
        {"onion": -1},
        {"onion": "2"},
        {"onion": True},
        {"revision": -1},
        {"revision": 1.5},
        {"revision": 2**53},
        {"revision": None},
        {"aim": {"box": [0, 0, 5, 5], "number": 1}},
        {"trail": []},
    ],
)
def test_bad_messages_change_nothing_and_are_answered(canvas, message):
    canvas.add(MOVE)
    if "state" in message and "looks" not in message and message["state"] != to_json([]):
        message = message | {"looks": [LOOK]}
    before = {name: getattr(canvas, name) for name in canvas.keys}
    canvas.set_state(message)
    assert {name: getattr(canvas, name) for name in canvas.keys} == before
    (answer,) = canvas.sent
    assert answer["type"] == "error"
    assert 0 < len(answer["text"]) <= 500


@pytest.mark.parametrize(
    "message",
    [
        {"type": "run"},
        {"type": ["pick"]},
        {"type": "pick", "point": [5, 5]},
        {"type": "pick", "point": [5, 5], "selector": "magic"},
        {"type": "pick", "point": [5, 5], "selector": ["sam"]},
        {"type": "pick", "point": [5, 5], "selector": "features", "more": 1},
        {"type": "pick", "point": [5, 500], "selector": "features"},
        {"type": "pick", "point": "here", "selector": "features"},
        {"type": "pick", "point": [0] * 300_000, "selector": "features"},
        {"type": "pick", "point": [5, 5], "selector": "features"},  # a frame has none
        {"type": "pick", "point": [5, 5], "selector": "sam"},  # not given
        {"type": "seen", "clip": -1},
        {"type": "seen", "clip": 1.5},
        "text",
        None,
        [1],
    ],
)
def test_bad_requests_are_answered(canvas, message):
    canvas.add(MOVE)
    before = {name: getattr(canvas, name) for name in canvas.keys}
    canvas._handle_custom_msg(message, [])
    assert {name: getattr(canvas, name) for name in canvas.keys} == before
    (answer,) = canvas.sent
    assert answer["type"] == "error"
    assert 0 < len(answer["text"]) <= 500


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "point", "selector", "clip", "version", "drags", "region", "of"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    names=st.lists(st.sampled_from(["state", "looks", "draft", "onion", "revision", "width"])),
    value=ANYTHING,
)
def test_whatever_the_page_sends_is_taken_whole_or_not_at_all(names, value):
    canvas = DragCanvas(np.zeros((16, 24, 3), np.uint8))
    canvas.drags = [ds.Drag(ds.regions.disc((8, 8), 3), ds.Translation.by(4, 0))]
    sent = []
    canvas.send = lambda content, *_: sent.append(content)
    before = {name: getattr(canvas, name) for name in canvas.keys}
    canvas.set_state(dict.fromkeys(names, value))
    after = {name: getattr(canvas, name) for name in canvas.keys}
    if sent:
        assert after == before
    else:  # None and whole numbers mean something
        assert all(after[name] == value for name in names)
    canvas._handle_custom_msg(value, [])
    assert {name: getattr(canvas, name) for name in canvas.keys} == after
    assert all(message["type"] in {"error", "hello"} for message in sent)
    assert len(canvas.drags) == 1
    canvas.close()


def test_says_that_it_is_there(canvas):
    canvas._handle_custom_msg({"type": "hello"}, [])
    assert canvas.sent == [{"type": "hello"}]


# --- the list ---------------------------------------------------------------------------------


def colours(canvas):
    return [entry.colour for entry in canvas.entries]


def test_muted_drags_take_no_part(canvas):
    canvas.drags = [MOVE, TURN]
    canvas.mute(0)
    assert canvas.drags == [TURN]
    assert [entry.drag for entry in canvas.entries] == [MOVE, TURN]
    assert repr(canvas) == "DragCanvas(192x128, 1 drag)"
    canvas.keep = DISC  # the handle of the muted one
    with pytest.raises(ValueError, match="lies inside keep"):
        canvas.mute(0, muted=False)
    canvas.keep = None
    canvas.mute(0, muted=False)
    assert canvas.drags == [MOVE, TURN]


def test_colours_stay_with_their_drags(canvas):
    other = ds.Drag(DISC, ds.Translation.by(-9, 0))
    canvas.drags = [MOVE, TURN, other]
    canvas.move(2, 0)
    assert canvas.drags == [other, MOVE, TURN]
    assert colours(canvas) == [2, 0, 1]
    canvas.remove(1)
    assert colours(canvas) == [2, 1]
    canvas.add(MOVE)
    assert colours(canvas) == [2, 1, 0]
    canvas.drags = [MOVE, ds.Drag(DISC, ds.Translation.by(0, 9)), TURN]
    assert colours(canvas) == [0, 2, 1]
    for _ in range(5):
        canvas.add(MOVE)
    assert sorted(colours(canvas)) == [0, 0, 1, 1, 2, 3, 4, 5]


def test_a_copy_takes_over_from_its_original(canvas):
    canvas.drags = [TURN, MOVE]
    canvas.duplicate(0)
    assert [entry.muted for entry in canvas.entries] == [True, False, False]
    assert canvas.drags == [TURN, MOVE]
    assert colours(canvas) == [0, 2, 1]


def test_region_may_be_set(canvas):
    canvas.region = DISC
    assert np.array_equal(canvas.region, ds.regions.rasterise(DISC, 128, 192))
    canvas.region = None
    assert canvas.region is None


# --- undo and redo ------------------------------------------------------------------------------


def test_every_change_from_python_is_one_step(canvas):
    for change, complaint in ((canvas.undo, "nothing to undo"), (canvas.redo, "nothing to redo")):
        with pytest.raises(RuntimeError, match=complaint):
            change()
    canvas.drags = [MOVE, TURN]
    canvas.keep = ds.regions.box(0, 0, 9, 9)
    canvas.mute(1)
    canvas.mute(1)  # is muted already: no step
    canvas.region = DISC
    canvas.clear()
    canvas.undo()
    assert (canvas.drags, canvas.region.sum(), canvas.keep.sum()) == ([MOVE], 317, 81)
    canvas.undo()
    assert canvas.region is None
    canvas.undo()
    assert canvas.drags == [MOVE, TURN]
    assert colours(canvas) == [0, 1]
    canvas.undo()
    assert canvas.keep is None
    canvas.undo()
    assert canvas.drags == []
    for _ in range(3):
        canvas.redo()
    assert (canvas.drags, canvas.keep.sum()) == ([MOVE], 81)
    canvas.add(TURN)
    with pytest.raises(RuntimeError, match="nothing to redo"):
        canvas.redo()


def test_what_the_page_did_can_be_taken_back(canvas):
    def page(revision, *drags):
        looks = [LOOK] * len(drags)
        canvas.set_state({"state": to_json(drags), "looks": looks, "revision": revision})

    canvas.add(TURN)
    mine = canvas.revision
    page(mine + 5, TURN, MOVE)
    other = ds.Drag(DISC, ds.Translation.by(-9, 0))
    page(mine + 6, TURN, other)  # a key nudges it,
    canvas.set_state({"state": to_json([TURN, MOVE])})  # twice
    canvas.undo()
    assert (canvas.drags, canvas.revision) == ([TURN, MOVE], mine + 5)
    canvas.undo()
    assert (canvas.drags, canvas.revision) == ([TURN], mine)
    page(mine + 5, TURN, MOVE)  # the page has redone it
    canvas.redo()
    assert canvas.revision == mine + 6
    assert canvas.sent == []


def test_what_was_refused_is_no_step(canvas):
    canvas.add(MOVE)
    sent = []
    canvas.send_state = sent.append
    canvas.set_state({"state": to_json([MOVE], DISC), "looks": [LOOK], "revision": 99})
    assert sent == [["state", "looks", "draft", "onion", "revision"]]
    assert canvas.sent[0]["refused"] is True
    canvas.undo()
    assert canvas.drags == []


def test_undo_reaches_the_page_in_one_message(canvas):
    sent = []
    canvas.add(MOVE)
    canvas.region = DISC
    canvas.clear()
    canvas.send_state = lambda key=None: sent.append(set(key))
    canvas.undo()
    assert sent == [{"state", "looks", "draft", "revision"}]


# --- frames -------------------------------------------------------------------------------------


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


def test_zooms_to_a_region_with_room_around_it(canvas):
    assert canvas.aim == {"box": [0, 0, 192, 128], "number": 0}
    canvas.zoom_to(ds.regions.box(100, 30, 120, 40))
    assert canvas.aim == {"box": [98, 29, 122, 41], "number": 1}
    mask = np.zeros((128, 192), bool)
    mask[5, 7] = True
    canvas.zoom_to(mask)
    assert canvas.aim["box"] == pytest.approx([6.9, 4.9, 8.1, 6.1])
    canvas.zoom_to()
    canvas.zoom_to()  # the mouse may have moved on: each call counts
    assert canvas.aim == {"box": [0, 0, 192, 128], "number": 4}


def test_picture_shows_the_drags(canvas, frame):
    plain = np.asarray(canvas.picture(scale=4)).astype(int)
    assert plain.shape == (512, 768, 3)
    assert np.abs(plain[2::4, 2::4] - frame).max() <= 1
    canvas.drags = [MOVE, TURN, ds.Drag(DISC, ds.Deformation.by(0, -20))]
    canvas.keep = ds.regions.box(150, 80, 190, 120)
    drawn = np.asarray(canvas.picture(scale=4)).astype(int)
    changed = np.abs(drawn - plain).max(axis=2) > 8
    assert changed[52 * 4, 55 * 4]  # the region's tint
    assert changed[55 * 4 + 2, 78 * 4]  # the end of the arrow
    assert changed[80 * 4 : 120 * 4, 150 * 4 : 190 * 4].mean() > 0.2  # the hatch
    assert not changed[: 20 * 4, : 40 * 4].any()
    with pytest.raises(ValueError, match="scale"):
        canvas.picture(scale=0)


def test_static_files_are_in_the_package():
    bundle = DragCanvas._esm
    text = str(bundle)
    assert "pointerdown" in text
    assert all(colour in text for colour in (*PALETTE, KEEP_COLOUR))
    assert "dragstream" in DragCanvas._css


def test_missing_anywidget_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    for name in ("drag_canvas", "frame_canvas", "page"):
        monkeypatch.delitem(sys.modules, f"dragstream.widgets.{name}")
    package = importlib.import_module("dragstream.widgets")
    monkeypatch.delitem(vars(package), "DragCanvas", raising=False)
    with pytest.raises(ImportError, match=r"dragstream\[widgets\]"):
        package.DragCanvas  # noqa: B018
    with pytest.raises(AttributeError):
        package.Nothing  # noqa: B018


def test_budget_counts_every_value():
    messages.check_budget([0] * (messages.MOST_VALUES - 1))
    with pytest.raises(ValueError, match="more than"):
        messages.check_budget([0] * messages.MOST_VALUES)


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


def test_a_document_is_parsed_once_and_only_if_the_page_sent_it(canvas, monkeypatch):
    parsed = []
    read = DocumentReader.read
    monkeypatch.setattr(
        DocumentReader, "read", lambda self, document: parsed.append(1) or read(self, document)
    )
    canvas.drags = [MOVE, TURN]
    canvas.mute(0)
    canvas.undo()
    canvas.set_state({"looks": [LOOK, LOOK | {"muted": True}], "revision": 10**13})
    assert canvas.drags == [MOVE]
    assert parsed == []
    read_by_observers = []
    canvas.observe(lambda _: read_by_observers.append(list(canvas.drags)), "state")
    canvas.set_state({"state": to_json([TURN]), "looks": [LOOK], "revision": 10**13 + 1})
    for _ in range(3):
        assert canvas.drags == [TURN]
        assert canvas.keep is None
    assert read_by_observers == [[TURN]]
    canvas.undo()
    canvas.redo()
    assert canvas.drags == [TURN]
    assert len(parsed) == 1
    canvas.set_state({"draft": {"type": "disc", "center": [60, 50], "radius": 10}})
    for _ in range(3):
        assert canvas.region.sum() == 317
    assert len(parsed) == 2


@dataclass(frozen=True)
class Growth(Motion):
    """A motion of someone's own."""

    factor: float

    def at(self, fraction):
        scale = 1 + fraction * (self.factor - 1)
        return Affine(((scale, 0.0, 0.0), (0.0, scale, 0.0)))


def test_a_motion_of_ones_own_is_drawn_kept_and_given_back(canvas):
    drag = ds.Drag(ds.regions.box(4, 4, 8, 8), Growth(2.0))
    canvas.add(drag)
    motion = canvas.state["drags"][-1]["motion"]
    assert motion["value"] == {"class": "Growth", "factor": 2.0}
    assert motion["shown"]["maps"][0] == [1, 0, 0, 0, 1, 0]
    assert motion["shown"]["maps"][-1] == [2, 0, 0, 0, 2, 0]
    assert motion["shown"]["lines"][0][0] == [5.5, 5.5]  # from the centroid
    assert motion["shown"]["lines"][0][-1] == [11, 11]
    assert canvas.drags[-1] == drag
    # The page sends it back as it is, and a class that was never added is not known.
    canvas.set_state({"state": canvas.state, "looks": canvas.looks})
    assert canvas.drags[-1] == drag
    canvas.undo()
    canvas.redo()
    assert canvas.drags[-1] == drag


def test_combined_motions_are_drawn_kept_and_given_back(canvas):
    motion = ds.Combined([ds.Translation.by(4, 0), Growth(2.0)])
    drag = ds.Drag(ds.regions.box(4, 4, 8, 8), motion)
    canvas.add(drag)
    assert canvas.state["drags"][-1]["motion"]["shown"]["maps"][-1] == [2, 0, 8, 0, 2, 0]
    canvas.set_state({"state": canvas.state, "looks": canvas.looks})
    assert canvas.drags[-1] == drag
