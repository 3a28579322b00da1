from __future__ import annotations

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.motions import Deformation, Rotation, Translation
from dragstream.models.playground import world
from dragstream.revel.cases import Kind, Subject
from dragstream.revel.scenes import playground_cases, propose
from dragstream.revel.sight import sight
from dragstream.stream.records import Mode


@pytest.fixture(scope="module")
def cases(model) -> list:
    return list(playground_cases(model, 8, seed=3, warm_up=1))


def test_eight_scenes_hold_every_kind_in_both_modes(cases) -> None:
    assert {(case.kind, case.mode) for case in cases} == {
        (kind, mode) for kind in Kind for mode in (Mode.ANIMATE, Mode.EDIT)
    }
    assert len({case.name for case in cases}) == 8


def test_the_same_seed_draws_the_same_cases(model, cases) -> None:
    assert list(playground_cases(model, 2, seed=3, warm_up=1)) == cases[:2]
    assert next(playground_cases(model, 1, seed=4, warm_up=1)) != cases[0]


def test_prompts_are_the_worlds(cases) -> None:
    for case in cases:
        assert case.subjects[0].color in case.prompt
        assert case.subjects[0].kind in case.prompt


def test_drags_hold_what_they_say(cases) -> None:
    # The model's world stands still, so the start shows what the drag was drawn on.
    for case in cases:
        (drag,) = case.drags
        assert case.block == 2  # the image and one plain block
        seen = sight(case.start.image(), case.subjects[0].color, case.subjects[0].kind)
        handle = drag.mask(world.HEIGHT, world.WIDTH)
        assert (handle & seen.mask).sum() > 0.97 * handle.sum()
        pixels, degrees = drag.motion.displacement(1.0, handle)
        if case.kind is Kind.TRANSLATION:
            assert isinstance(drag.motion, Translation)
            assert 19 <= pixels <= 35
            assert handle.sum() > 0.95 * seen.area
        elif case.kind is Kind.DEFORMATION:
            assert isinstance(drag.motion, Deformation)
            assert 11 <= pixels <= 19
            assert handle.sum() < 0.5 * seen.area
        elif case.kind is Kind.ROTATION:
            assert isinstance(drag.motion, Rotation)
            assert 25 <= abs(degrees) <= 50
            assert case.subjects[0].kind in {"box", "star"}
            assert drag.motion.center == pytest.approx(seen.center, abs=0.6)
        else:
            assert case.subjects[0].kind == "critter"
            assert 8 <= pixels <= 13
            assert drag.motion.at(1.0).apply((0.0, 0.0))[1] == 0
            assert handle.sum() < 0.5 * seen.area


def test_targets_stay_in_the_frame_and_off_the_other_object(cases) -> None:
    for case in cases:
        (drag,) = case.drags
        handle = drag.mask(world.HEIGHT, world.WIDTH)
        moved = regions.warp(handle, drag.motion.at(1.0))
        left, top, right, bottom = regions.bounding_box(moved)
        assert min(left, top) >= 1
        assert right <= world.WIDTH - 1
        assert bottom <= world.HEIGHT - 1
        truth = case.start.scenes()
        for slot in range(2):
            color = list(world.COLORS)[int(truth.color[0, slot])]
            if truth.present[0, slot] and color != case.subjects[0].color:
                other = world.masks(truth)[0, 0, slot]
                assert not (other & (moved > 0)).any()


@pytest.mark.parametrize("kind", Kind)
def test_no_drag_is_drawn_on_what_is_missing_or_in_pieces(kind: Kind, film) -> None:
    shape = "critter" if kind is Kind.TURN else "box"
    subject = Subject(shape, "red")
    rng = np.random.default_rng(0)
    alone = film(shape, "red", radius=[25.0])[0]
    assert propose(alone, [subject], kind, rng) is not None
    assert propose(film(shape, "blue")[0], [subject], kind, rng) is None
    halves = alone.copy()
    halves[:, 82:110] = 230
    assert propose(halves, [subject], kind, rng) is None
    at_the_side = film(shape, "red", x=[12.0])[0]
    assert propose(at_the_side, [subject], kind, rng) is None


def test_balls_are_not_rotated_and_boxes_have_no_face(film) -> None:
    rng = np.random.default_rng(0)
    ball = film("critter", "red")[0]
    assert propose(ball, [Subject("critter", "red")], Kind.ROTATION, rng) is None
    box = film("box", "red")[0]
    assert propose(box, [Subject("box", "red")], Kind.TURN, rng) is None


def test_faces_turn_toward_the_side_with_room(film) -> None:
    for yaw, sign in ((35.0, -1), (-35.0, 1)):
        frame = film("critter", "red", yaw=[yaw])[0]
        found = propose(frame, [Subject("critter", "red")], Kind.TURN, np.random.default_rng(1))
        assert found is not None
        assert np.sign(found[1].motion.at(1.0).apply((0.0, 0.0))[0]) == sign


@pytest.mark.parametrize("numbers", [{"count": 0}, {"count": 2, "warm_up": 0}])
def test_numbers_are_checked(model, numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        next(playground_cases(model, **numbers))


def test_a_model_that_loses_its_objects_is_reported(model, monkeypatch) -> None:
    monkeypatch.setattr("dragstream.revel.scenes.ATTEMPTS", 3)
    monkeypatch.setattr(model, "denoise", lambda latents, *_: latents * 0)
    with pytest.raises(ValueError, match=r"kept no .* in 6 attempts at scene 0"):
        next(playground_cases(model, 1))
