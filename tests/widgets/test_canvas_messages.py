"""What a page may send to a DragCanvas: whole documents are taken, all else is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import dragstream as ds
from dragstream.drags.documents import DocumentReader, to_json
from dragstream.widgets import DragCanvas, messages
from tests.widgets.canvases import DISC, LOOK, MOVE, TURN


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


def test_budget_counts_every_value():
    messages.check_budget([0] * (messages.MOST_VALUES - 1))
    with pytest.raises(ValueError, match="more than"):
        messages.check_budget([0] * messages.MOST_VALUES)


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
