"""DragCanvas without a page: traits, what the page may send, pictures."""

from __future__ import annotations

import importlib
import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import dragstream as ds
from dragstream.drags.documents import to_json
from dragstream.widgets import DragCanvas, drag_canvas, messages
from dragstream.widgets.picture import KEEP_COLOUR, PALETTE

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


class FakeStream:
    """What the canvas looks at, without a model."""

    def __init__(self, frame):
        grid = SimpleNamespace(height=frame.shape[0], width=frame.shape[1])
        self.model = SimpleNamespace(spec=SimpleNamespace(grid=grid, frames_per_block=5))
        self.frames = np.zeros((0, *frame.shape), np.uint8)
        self.callbacks = []

    def subscribe(self, callback):
        self.callbacks.append(callback)
        return lambda: self.callbacks.remove(callback)

    def add(self, frame):
        self.frames = np.concatenate([self.frames, frame[None]])
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
    ],
)
def test_bad_input_from_python_changes_nothing(canvas, change, complaint):
    canvas.add(MOVE)
    before = (canvas.state, canvas.frame)
    with pytest.raises((ValueError, TypeError), match=complaint):
        change(canvas)
    assert (canvas.state, canvas.frame) == before


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
    canvas.set_state({"state": document, "draft": None})
    assert canvas.drags == [MOVE, TURN]
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
    ],
)
def test_bad_messages_change_nothing_and_are_answered(canvas, message):
    canvas.add(MOVE)
    before = {name: getattr(canvas, name) for name in canvas.keys}
    canvas.set_state(message)
    assert {name: getattr(canvas, name) for name in canvas.keys} == before
    (answer,) = canvas.sent
    assert answer["type"] == "error"
    assert 0 < len(answer["text"]) <= 500


def test_custom_messages_are_refused(canvas):
    canvas._handle_custom_msg({"type": "run"}, [])
    assert canvas.sent[0]["type"] == "error"


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


def test_follows_a_stream_without_announcements_on_request(frame):
    stream = FakeStream(frame)
    stream.subscribe = None
    canvas = DragCanvas(stream)
    stream.add(frame)
    assert (shown(canvas) == 128).all()
    canvas.refresh()
    assert np.array_equal(shown(canvas), frame)


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
    assert (drag_canvas._STATIC / "drag_canvas.css").is_file()


def test_missing_anywidget_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "dragstream.widgets.drag_canvas")
    package = importlib.import_module("dragstream.widgets")
    with pytest.raises(ImportError, match=r"dragstream\[lab\]"):
        package.DragCanvas  # noqa: B018
    with pytest.raises(AttributeError):
        package.Nothing  # noqa: B018


def test_budget_counts_every_value():
    messages.check_budget([0] * (messages.MOST_VALUES - 1))
    with pytest.raises(ValueError, match="more than"):
        messages.check_budget([0] * messages.MOST_VALUES)
