"""What a page could send to a canvas: each message is checked in bounded work, or refused."""

from __future__ import annotations

import numpy as np
import pytest

import dragstream as ds
from dragstream.drags.documents import to_json
from dragstream.drags.regions import painting_steps
from dragstream.widgets import DragCanvas, messages
from dragstream.widgets.page import PageWidget

H, W = 480, 832
PATH = {"points": [[1, 1], [5, 5]]}
DISC = {"type": "disc", "center": [300, 200], "radius": 190}


class Panel(PageWidget):
    _esm = ""


@pytest.fixture
def canvas():
    made = DragCanvas(np.zeros((H, W, 3), np.uint8))
    made.sent = []
    made.send = lambda content, *_: made.sent.append(content)
    return made


def drag(region, kind="translation", **fields):
    return {"region": region, "motion": {"type": kind, "path": PATH}, **fields}


def document(*drags, keep=None):
    return {"version": 1, "drags": list(drags), "keep": keep}


def scribble(count, kind="brush"):
    places = np.random.default_rng(0).uniform(0, 480, (count, 2)).round(2).tolist()
    return {"type": kind, "points": places} | ({"radius": 20} if kind == "brush" else {})


def masks(count):
    discs = (ds.regions.disc((200 + n, 200), 90) for n in range(count))
    return [to_json([], ds.regions.rasterise(disc, H, W))["keep"] for disc in discs]


LARGE = {
    "a brush of 16,384 points": lambda: document(drag(scribble(2**14))),
    "a brush across the frame": lambda: document(drag(scribble(2000))),
    "an outline across the frame": lambda: document(drag(scribble(2000, "polygon"))),
    "many large regions": lambda: document(*[drag(DISC)] * 256),
    "many deformations": lambda: document(*[drag(DISC, "deformation")] * 60),
    "many memories": lambda: document(*[drag(DISC, source={"block": 0, "region": DISC})] * 60),
    "many masks": lambda: document(*map(drag, masks(100))),
    "a union of thousands": lambda: document(drag({"type": "union", "of": [DISC] * 4096})),
    "what is kept": lambda: document(keep=scribble(2000)),
    "a path of thousands of points": lambda: document(
        {"region": DISC, "motion": {"type": "translation", "path": scribble(5000, "path")}}
    ),
    "lists within a list": lambda: document() | {"keep": {"of": [[]] * 100_000}},
}


@pytest.mark.parametrize("name", LARGE)
def test_what_would_take_long_is_refused_before_it_is_painted(canvas, name, monkeypatch):
    sent, painted = LARGE[name](), []
    for kind in (ds.regions.Brush, ds.regions.Polygon, ds.regions.Disc, ds.regions.Mask):
        monkeypatch.setattr(kind, "paint", lambda *_: painted.append(1))
    before = dict(canvas.state)
    look = {"colour": 0, "muted": False, "arm": None}
    canvas.set_state({"state": sent, "looks": [look] * len(sent["drags"]), "revision": 7})
    assert canvas.state == before
    assert painted == []
    assert canvas.sent[-1]["type"] == "error"
    assert len(canvas.sent[-1]["text"]) <= 500


def test_state_and_draft_of_a_message_share_one_budget(canvas):
    half = scribble(400)
    steps = painting_steps(ds.regions.brush(half["points"], 20), H, W)
    assert messages.MOST_STEPS / 2 < steps < messages.MOST_STEPS
    look = {"colour": 0, "muted": False, "arm": None}
    canvas.set_state({"draft": half})
    assert canvas.draft == half
    canvas.set_state({"state": document(drag(half)), "looks": [look], "draft": half})
    assert "at most 131072 steps of painting" in canvas.sent[-1]["text"]
    assert canvas.drags == []


def test_what_people_draw_is_taken(canvas):
    """A dozen strokes as the page simplifies them, and what is kept."""
    rng = np.random.default_rng(0)
    strokes = [
        {
            "type": "brush",
            "points": (40 * n + rng.normal(0, 1, (60, 2)).cumsum(axis=0)).clip(0, 479).tolist(),
            "radius": 30,
        }
        for n in range(12)
    ]
    kept = {"type": "box", "left": 700, "top": 0, "right": 832, "bottom": 60}
    look = {"colour": 0, "muted": False, "arm": None}
    state = document(*map(drag, strokes), keep=kept)
    canvas.set_state({"state": state, "looks": [look] * 12})
    assert canvas.sent == []
    assert len(canvas.drags) == 12


@pytest.mark.parametrize("sent", [None, "state", 7, [], ["state"], b"state"])
@pytest.mark.parametrize("kind", ["canvas", "panel"])
def test_a_state_that_is_no_object_is_answered(canvas, sent, kind):
    widget = canvas if kind == "canvas" else Panel()
    widget.sent = []
    widget.send = lambda content, *_: widget.sent.append(content)
    before = {name: getattr(widget, name) for name in widget.keys}
    widget.set_state(sent)
    assert {name: getattr(widget, name) for name in widget.keys} == before
    assert "the page may send an object" in widget.sent[-1]["text"]
