"""Reading captions back: exact on the renderer's own frames, honest about what is not there."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from dragstream.models.playground import world
from dragstream.revel import captions
from dragstream.revel.cases import Subject
from dragstream.revel.detection import detect, kind_of
from dragstream.revel.proposals import is_whole

RED = Subject("box", "red")


@pytest.fixture(scope="module")
def scenes() -> world.Scenes:
    return world.sample_scenes(torch.Generator().manual_seed(5), 40, 1, objects=1)


def test_every_rendered_kind_is_recognised(scenes: world.Scenes) -> None:
    frames = world.render(scenes)[:, 0]
    colors = list(world.COLORS)
    whole = 0
    for index, frame in enumerate(frames):
        color, kind = colors[int(scenes.color[index, 0])], world.KINDS[int(scenes.kind[index, 0])]
        seen = detect(frame, color, kind)
        assert seen is not None
        if is_whole(seen):  # what a side cuts off may look like another kind
            assert kind_of(frame, color) == kind
            whole += 1
    assert whole > 0.7 * len(frames)


def test_a_critter_cut_below_its_eyes_is_still_one(scenes: world.Scenes) -> None:
    frames = world.render(scenes)[:, 0]
    critters = torch.nonzero(scenes.kind[:, 0] == world.KINDS.index("critter"))[:, 0].tolist()
    cut = 0
    for index in critters:
        color = list(world.COLORS)[int(scenes.color[index, 0])]
        seen = detect(frames[index], color, "critter")
        assert seen is not None
        if not is_whole(seen):
            continue
        frame = frames[index].copy()
        frame[np.nonzero(seen.marks)[0].max() + 3 :] = 220
        flat = detect(frame, color, "critter")
        assert flat is not None
        assert flat.area < 0.9 * seen.area
        assert kind_of(frame, color) == "critter"
        cut += 1
    assert cut >= 5


def disc(center: tuple[float, float], radius: float = 20.0) -> np.ndarray:
    y, x = np.mgrid[: world.HEIGHT, : world.WIDTH]
    frame = np.full((world.HEIGHT, world.WIDTH, 3), 220, np.uint8)
    frame[np.hypot(x - center[0], y - center[1]) <= radius] = world.COLORS["red"]
    return frame


def test_a_ball_without_a_face_is_no_kind() -> None:
    assert kind_of(disc((90.0, 70.0)), "red") is None
    assert kind_of(disc((90.0, 70.0)), "blue") is None


@pytest.mark.parametrize(
    ("step", "way"),
    [
        ((-5.0, 2.0), "slides left"),
        ((5.0, 2.0), "slides right"),
        ((2.0, -5.0), "slides up"),
        ((2.0, 5.0), "slides down"),
        ((1.0, 1.0), None),
    ],
)
def test_the_way_is_that_of_the_centre(step: tuple[float, float], way: str | None) -> None:
    frames = np.stack([disc((90 + step[0] * t, 70 + step[1] * t)) for t in range(4)])
    assert captions.direction_of(frames, RED) == way


def test_an_object_that_is_mostly_lost_went_nowhere() -> None:
    gone = np.full((world.HEIGHT, world.WIDTH, 3), 220, np.uint8)
    frames = np.stack([disc((90.0, 70.0)), gone, gone, gone, gone])
    assert captions.direction_of(frames, RED) is None


def test_obedience_counts_what_was_asked() -> None:
    def reading(**values: object) -> captions.Reading:
        usual = {
            "stream": 0, "subject": RED, "way": None, "found": True,
            "kind": "box", "went": None, "rendered": False,
        }  # fmt: skip
        return captions.Reading(**(usual | values))  # type: ignore[arg-type]

    shares = captions.accuracy(
        [
            reading(way="slides left", went="slides left"),
            reading(way="slides left", went="slides up", kind="star"),
            reading(went="slides up"),  # asked to go nowhere in particular
            reading(found=False, kind=None),
            reading(rendered=True),
        ]
    )
    assert shares["model"] == {"color": 0.75, "kind": 0.5, "motion": 0.5, "objects": 4.0}
    assert shares["renderer"]["kind"] == 1.0
    assert math.isnan(shares["renderer"]["motion"])


def test_streams_are_read_beside_the_renderers_clips(model) -> None:
    readings = list(captions.read(model, 1, seed=0, blocks=1))
    assert [reading.rendered for reading in readings] == [False, True] * (len(readings) // 2)
    rendered = [reading for reading in readings if reading.rendered]
    assert all(reading.found for reading in rendered)
    assert [reading.kind for reading in rendered] == [each.subject.kind for each in rendered]


@pytest.mark.parametrize("kinds", tuple(itertools.permutations(world.KINDS)))
def test_a_tie_is_the_earliest_kind_in_every_process(model, monkeypatch, kinds) -> None:
    # A set of words has another order in each process.
    order = itertools.cycle(kinds)
    monkeypatch.setattr(captions, "kind_of", lambda *_: next(order))
    readings = list(captions.read(model, 1, seed=0, blocks=3))
    assert {reading.kind for reading in readings} == {kinds[0]}


def test_nothing_to_read_is_refused(model) -> None:
    with pytest.raises(ValueError, match="streams must be at least 1, got 0"):
        next(captions.read(model, 0))
