"""DragCanvas from Python: its drags, their list, undo and redo, the picture."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import dragstream as ds
from dragstream.drags.documents import to_json
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Motion
from dragstream.widgets import DragCanvas
from dragstream.widgets.picture import KEEP_COLOUR, PALETTE
from tests.widgets.canvases import DISC, LOOK, MOVE, TURN, shown


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


# --- the picture and the package ----------------------------------------------------------------


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
