"""Identity over many blocks, on frames that are painted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dragstream.models.playground import world
from dragstream.revel import captions
from dragstream.revel.cases import RenderedStart, Subject
from dragstream.revel.scenes import subjects_of


@pytest.fixture(scope="module")
def start() -> RenderedStart:
    """A scene with one object that stands free."""
    return next(
        each
        for each in (RenderedStart(0, number, 0) for number in range(50))
        if len(subjects_of(each.scenes())) == 1
    )


def observation(start: RenderedStart, *frames: np.ndarray) -> captions.Observation:
    subjects = subjects_of(start.scenes())
    return captions._observe(0, 10, subjects[0], start.image(), frames, subjects=subjects)


def test_the_first_frame_keeps_everything(start: RenderedStart) -> None:
    found = observation(start, start.image())
    assert found.kept
    assert found.shaped
    assert found.size == 1.0
    assert found.iou is not None
    assert found.iou > 0.97


def test_an_object_that_is_gone_is_not_kept(start: RenderedStart) -> None:
    empty = np.full((world.HEIGHT, world.WIDTH, 3), 200, np.uint8)
    found = observation(start, empty)
    assert not found.kept
    assert not found.shaped
    assert found.size == 0.0
    assert found.iou == 0.0
    assert found.corners is None
    assert observation(start, empty, start.image(), empty).kept  # hidden for a while


def test_an_object_that_shrinks_or_doubles_is_not_kept(start: RenderedStart) -> None:
    image = start.image()
    assert not observation(start, np.concatenate([image, image], axis=1)).kept
    small = np.full_like(image, 200)
    small[40:120, 64:192] = image[::2, ::2]
    shrunk = observation(start, small)
    assert not shrunk.kept
    assert shrunk.size == pytest.approx(0.25, abs=0.08)


def test_the_summary_counts_objects_and_streams() -> None:
    red, blue = Subject("box", "red"), Subject("star", "blue")
    rows = [
        captions.Observation(
            stream, 10, each.color, each.kind, kept, size, each is red, iou=iou, corners=corners
        )
        for stream, each, kept, size, iou, corners in (
            (0, red, True, 1.0, 0.9, 2.0),
            (0, blue, True, 1.1, 0.6, 5.0),
            (1, red, True, 0.9, None, None),  # hidden
            (1, blue, False, 0.0, 0.0, None),  # gone
        )
    ]
    assert captions.summary(rows)["10"] == {
        "objects_kept": 0.75,
        "objects_shaped": 0.5,
        "streams_kept": 0.5,
        "size": pytest.approx(0.95),
        "iou": pytest.approx(0.5),
        "corners": pytest.approx(3.5),
        "iou_by_kind": {
            "critter": None,
            "box": pytest.approx(0.9),
            "star": pytest.approx(0.3),
        },
        "objects": 4,
        "judged": 3,
    }


@pytest.mark.parametrize("marks", [(), (100, 10), (0, 10)])
def test_marks_that_do_not_rise_are_refused(marks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="marks must rise"):
        next(captions.observe(None, 1, 0, marks))  # type: ignore[arg-type]
