"""The camera on a DragCanvas: what Python and the page exchange, and the drags that come of it."""

from __future__ import annotations

import numpy as np
import pytest

import dragstream as ds
from dragstream.drags.documents import to_json
from dragstream.widgets import DragCanvas, Entry

CAMERA = ds.Camera(pan=(6, 0), zoom=1.5)
BALL = ds.Drag(ds.regions.disc((40, 40), 8), ds.Translation.by(10, 0))
BOX = ds.Drag(ds.regions.box(60, 20, 70, 30), ds.Rotation((65, 25), 30))
SIGN = ds.regions.box(4, 4, 16, 12)
SIZE = (64, 96)


@pytest.fixture
def canvas():
    made = DragCanvas(np.full((*SIZE, 3), 90, np.uint8))
    made.errors = []
    made.send = lambda content, *_: made.errors.append(content)
    return made


def test_the_drags_of_a_camera_are_those_of_python(canvas) -> None:
    canvas.entries = [
        Entry(BALL),
        Entry(ds.Drag(ds.regions.disc((1, 1), 1), CAMERA), colour=1),
        Entry(BOX, colour=2, relative="frame"),
        Entry(BOX, colour=3, muted=True),
    ]

    relative = ["scene", "frame"]
    assert canvas.drags == ds.with_camera([BALL, BOX], CAMERA, *SIZE, relative=relative)
    assert canvas.drags[0].motion == canvas.camera == CAMERA.in_frame(*SIZE)
    assert canvas.drags[1].motion.at(1) == BALL.motion.at(1).then(canvas.camera.at(1))
    assert canvas.drags[2] == BOX


def test_the_page_sends_and_gets_one_drag_of_the_whole_frame(canvas) -> None:
    whole = {"type": "box", "left": 0, "top": 0, "right": 96, "bottom": 64}
    motion = {"type": "camera", "pan": [6, 0], "zoom": 1.5, "roll": 0, "center": [47.5, 31.5]}
    state = to_json([BALL], SIGN)
    state["drags"].append({"region": whole, "motion": motion | {"ease": "linear"}, "source": None})
    looks = [
        {"colour": 0, "muted": False, "arm": None, "relative": "frame"},
        {"colour": 1, "muted": False, "arm": None},
    ]

    canvas.set_state({"state": state, "looks": looks, "draft": None, "revision": 1})

    assert canvas.errors == []
    assert canvas.camera == CAMERA.in_frame(*SIZE)
    assert canvas.drags == ds.with_camera([BALL], CAMERA, *SIZE, relative="frame", keep=SIGN)
    assert canvas.keep is None  # it goes with the scene, as the second drag

    looks[1]["relative"] = "frame"
    canvas.set_state({"looks": looks, "revision": 2})

    ground, kept, ball = canvas.drags
    assert (kept.motion, ball) == (ds.Poses((9.5, 7.5), [(0, 0)]), BALL)
    assert kept.mask(*SIZE).sum() == 96
    assert not (kept.mask(*SIZE) & ground.mask(*SIZE)).any()
    assert canvas.keep is None
    looks[1]["muted"] = True
    canvas.set_state({"looks": looks, "revision": 3})
    assert canvas.keep.sum() == 96


def test_setting_the_drags_that_were_read_changes_nothing(canvas) -> None:
    canvas.keep = SIGN
    for choice in ("scene", "frame"):
        entries = [
            Entry(ds.Drag(SIGN, CAMERA), relative=choice),
            Entry(BALL, colour=1),
            Entry(BOX, colour=2, relative="frame"),
        ]
        canvas.entries = entries
        before, drags = canvas.state, canvas.drags

        canvas.drags = drags

        assert canvas.drags == drags
        assert canvas.state == before
        assert [entry.relative for entry in canvas.entries] == [choice, "scene", "frame"]


def test_one_region_is_kept_and_others_at_rest_stay_drags(canvas) -> None:
    resting = ds.Drag(BALL.region, ds.Poses((40, 40), [(0, 0)]))
    drags = ds.with_camera(
        [resting], CAMERA, *SIZE, relative="frame", keep=SIGN, keep_relative="frame"
    )
    canvas.drags = drags
    assert canvas.drags == drags
    assert [entry.relative for entry in canvas.entries] == ["frame", "frame"]
    with pytest.raises(ValueError, match="at most one camera"):
        canvas.drags = [*drags, ds.Drag(ds.regions.box(80, 50, 90, 60), drags[0].motion)]


def test_python_moves_the_camera_and_takes_it_back(canvas) -> None:
    canvas.drags = [BALL]
    canvas.camera = CAMERA
    canvas.camera = ds.Camera(roll=5)

    assert len(canvas.entries) == 2
    assert canvas.camera == ds.Camera(roll=5).in_frame(*SIZE)
    assert repr(canvas) == "DragCanvas(96x64, 2 drags)"
    canvas.undo()
    assert canvas.camera == CAMERA.in_frame(*SIZE)
    canvas.camera = None
    assert (canvas.camera, canvas.drags) == (None, [BALL])
    with pytest.raises(TypeError, match="camera must be a Camera or None, got 4"):
        canvas.camera = 4


def test_one_camera_at_a_time(canvas) -> None:
    canvas.camera = CAMERA
    drag = canvas.entries[0].drag
    with pytest.raises(ValueError, match="at most one camera that is not muted, got 2"):
        canvas.add(ds.Drag(SIGN, ds.Camera(roll=5)))

    canvas.duplicate(0)

    assert [(entry.drag, entry.muted) for entry in canvas.entries] == [(drag, True), (drag, False)]
    pinned = ds.Drag(BALL.region, ds.Translation(ds.drags.Path([(0, 0), (9, 0)], frames=[0, 2])))
    with pytest.raises(ValueError, match=r"drags\[2\] is pinned to latent frames"):
        canvas.entries = [*canvas.entries, Entry(pinned)]
    canvas.entries = [*canvas.entries, Entry(pinned, relative="frame")]


def test_a_still_picture_shows_the_frame_and_tints_nothing(canvas) -> None:
    canvas.camera = ds.Camera(zoom=2)
    canvas.add(ds.Drag(ds.regions.box(62, 26, 66, 30), ds.Translation.by(8, 0)))

    picture = np.asarray(canvas.picture(scale=2)).astype(int)

    assert (picture[4, 4] == 90).all()
    # the frame will lie from x = 23.75 to 71.75: its left side, in the first colour
    assert abs(picture[64, 46:50] - (255, 138, 31)).sum(axis=-1).min() < 60
    # the box, moved to 70 and then twice as far from the middle, will be seen from x = 91.5 on
    assert (abs(picture[46:56, 182:186] - 90).sum(axis=-1) > 60).any()
