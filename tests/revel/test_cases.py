from __future__ import annotations

import json

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.motions import Drag, Rotation, Translation
from dragstream.models.playground import world
from dragstream.revel.cases import Case, Kind, RenderedStart, Subject
from dragstream.stream.records import Mode


def a_case(**changes: object) -> Case:
    fields = {
        "name": "000-animate-translation",
        "model": "playground",
        "prompt": "a red box",
        "seed": 5,
        "block": 3,
        "drags": (Drag(regions.disc((60, 50), 12), Translation.by(20, -4)),),
        "mode": Mode.ANIMATE,
        "kind": Kind.TRANSLATION,
        "keep": regions.box(0, 0, 20, 20),
        "start": RenderedStart(7, 2, 1),
        "subjects": (Subject("box", "red"),),
    }
    return Case(**{**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"start": None, "subjects": (), "keep": None},
        {
            "mode": Mode.EDIT,
            "kind": Kind.ROTATION,
            "drags": (Drag(np.eye(16, dtype=bool), Rotation((8, 8), 30)),),
        },
    ],
)
def test_cases_survive_json(changes: dict[str, object]) -> None:
    case = a_case(**changes)
    assert Case.from_json(json.loads(json.dumps(case.to_json()))) == case


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 1}, "version 2, got 1"),
        ({"extra": 1}, "unknown fields 'extra'"),
        ({"mode": "step"}, "Mode.STEP"),
        ({"mode": "fly"}, "fly"),
        ({"kind": "shear"}, "shear"),
        ({"start": {"seed": 1, "scene": 2}}, "a start has either seed, scene and attempt, or png"),
        ({"start": {"seed": 1, "scene": -2, "attempt": 0}}, "scene must be at least 0, got -2"),
        ({"subjects": [{"kind": "cone", "color": "red"}]}, "cone"),
        ({"subjects": [{"kind": "box"}]}, "damaged case"),
        ({"block": 0}, "block must be at least 1, got 0"),
    ],
)
def test_damaged_cases_are_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Case.from_json({**a_case().to_json(), **change})


def test_a_missing_field_is_named() -> None:
    document = a_case().to_json()
    del document["prompt"]
    with pytest.raises(ValueError, match="lacks prompt"):
        Case.from_json(document)


def test_starts_are_reproducible_and_differ() -> None:
    image = RenderedStart(7, 2, 1).image()
    assert image.shape == (world.HEIGHT, world.WIDTH, 3)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, RenderedStart(7, 2, 1).image())
    others = [RenderedStart(8, 2, 1), RenderedStart(7, 3, 1), RenderedStart(7, 2, 2)]
    assert all((image != other.image()).any() for other in others)
