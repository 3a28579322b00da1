from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.motions import (
    Deformation,
    Drag,
    Rotation,
    Scale,
    Translation,
    targets,
    validate,
)
from dragstream.models.playground import world
from dragstream.revel.cases import PLANNED, Kind, Subject
from dragstream.revel.detection import detect
from dragstream.revel.poses import truth_tracker
from dragstream.revel.proposals import sample_kept_region
from dragstream.revel.scenes import propose, sample_scene_case, scene_specs
from dragstream.stream.records import Mode


@pytest.fixture(scope="module")
def cases(drawn_scenes) -> list:
    return drawn_scenes(8)


def test_eight_scenes_hold_every_kind_in_both_modes(cases) -> None:
    assert {(case.kind, case.mode) for case in cases} == {
        (kind, mode) for kind in PLANNED for mode in (Mode.ANIMATE, Mode.EDIT)
    }
    assert len({case.name for case in cases}) == 8


def test_the_same_seed_draws_the_same_cases(model, drawn_scenes, cases) -> None:
    assert drawn_scenes(2) == cases[:2]
    assert drawn_scenes(1, seed=4) != cases[:1]
    third = scene_specs(3, 3, warm_up=1)[2]  # whatever was drawn before
    assert sample_scene_case(model, third)[0] == cases[2]


def test_prompts_are_the_worlds(cases) -> None:
    for case in cases:
        assert case.subjects[0].color in case.prompt
        assert case.subjects[0].kind in case.prompt


def test_drags_hold_what_they_say(cases) -> None:
    # The model's world stands still, so the start shows what the drag was drawn on.
    for case in cases:
        (drag,) = case.drags
        assert case.block == 2  # the image and one plain block
        seen = detect(case.start.image(), case.subjects[0].color, case.subjects[0].kind)
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


def test_half_of_the_scenes_keep_a_region_in_turn_for_each_kind_and_mode() -> None:
    kept = [scene.keeps for scene in scene_specs(24)]
    assert sum(kept) == 12
    for place in range(8):  # the same kind and mode
        assert kept[place] != kept[place + 8]
    for first in (0, 4, 8, 12):  # the kinds of one mode
        assert sum(kept[first : first + 4]) == 2


def test_kept_regions_are_off_the_drag_and_hold_an_object_or_the_background(cases) -> None:
    for scene, case in zip(scene_specs(8), cases, strict=True):
        assert (case.keep is not None) == scene.keeps
        if case.keep is None:
            continue
        (drag,) = case.drags
        (handle,) = validate(case.drags, case.keep, world.HEIGHT, world.WIDTH)
        kept = regions.rasterise(case.keep, world.HEIGHT, world.WIDTH)
        assert kept.sum() >= 200
        subject = detect(case.start.image(), case.subjects[0].color, case.subjects[0].kind)
        assert not (kept & subject.mask).any()
        for target in targets(drag.motion, 3 if case.mode is Mode.ANIMATE else 1):
            assert not (kept & (regions.warp(handle | subject.mask, target) > 0)).any()


def test_keeping_a_region_changes_no_drag(model, cases) -> None:
    without = [replace(scene, keeps=False) for scene in scene_specs(3, 3, warm_up=1)]
    bare = [sample_scene_case(model, scene)[0] for scene in without]
    assert [case.keep for case in bare] == [None] * 3
    assert [replace(case, keep=None) for case in cases[:3]] == bare
    assert any(case.keep is not None for case in cases[:3])


def test_another_object_or_the_background_is_kept_by_chance() -> None:
    shape = (world.HEIGHT, world.WIDTH)
    drag = Drag(regions.disc((60, 100), 20), Translation.by(20, 0))
    moved, other = drag.mask(*shape), regions.rasterise(regions.disc((200, 100), 15), *shape)
    commands = targets(drag.motion, 3)
    found = [
        regions.rasterise(
            sample_kept_region(drag, moved, other, commands, np.random.default_rng(n)), *shape
        )
        for n in range(20)
    ]
    rim = regions.rasterise(regions.disc((200, 100), 18), *shape)
    objects = [kept for kept in found if (kept == rim).mean() > 0.999]
    # A box 16 px around the disc (40..80) and its last target (60..100) is left out.
    inner, corner = np.s_[66:135, 26:115], (100, 118)
    grounds = [kept for kept in found if kept[0, 0] and kept[corner] and not kept[inner].any()]
    assert len(objects) + len(grounds) == 20
    assert len(objects) >= 5
    assert len(grounds) >= 5


def test_without_another_object_or_without_background_the_other_one_is_kept() -> None:
    shape = (world.HEIGHT, world.WIDTH)
    nothing = np.zeros(shape, bool)
    small = Drag(regions.disc((60, 100), 20), Translation.by(20, 0))
    other = regions.rasterise(regions.box(200, 40, 254, 120), *shape)

    def kept(drag, others, seed):
        commands = targets(drag.motion, 1)
        return sample_kept_region(
            drag, drag.mask(*shape), others, commands, np.random.default_rng(seed)
        )

    for seed in range(6):
        ground = regions.rasterise(kept(small, nothing, seed), *shape)
        assert ground[0, 0]
        assert not ground[100, 60]
    full = Drag(regions.box(8, 8, 236, 150), Translation.by(5, 0))
    assert kept(full, nothing, 0) is None
    pixels = regions.rasterise(kept(full, other & ~full.mask(*shape), 0), *shape)
    assert pixels[80, 250]
    assert not pixels[80, 242]  # too near the target, which ends at 240


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
        _, (drag,) = found
        assert np.sign(drag.motion.at(1.0).apply((0.0, 0.0))[0]) == sign


@pytest.mark.parametrize("numbers", [{"count": 0}, {"count": 2, "warm_up": 0}])
def test_numbers_are_checked(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        scene_specs(**numbers)


def test_a_model_that_loses_its_objects_is_reported(model, monkeypatch) -> None:
    monkeypatch.setattr("dragstream.revel.scenes.ATTEMPTS", 3)
    monkeypatch.setattr(model, "denoise", lambda latents, *_: latents * 0)
    with pytest.raises(ValueError, match=r"kept no .* in 6 attempts at scene 0"):
        sample_scene_case(model, scene_specs(1)[0])


def test_scales_are_drawn_where_they_are_named_and_followed_by_size(drawn_scenes, film) -> None:
    found = drawn_scenes(2, kinds=(Kind.SCALE,))
    assert [(case.kind, case.mode) for case in found] == [
        (Kind.SCALE, Mode.ANIMATE), (Kind.SCALE, Mode.EDIT),
    ]  # fmt: skip
    frames = np.concatenate(
        [film("star", "red", radius=[20.0]), film("star", "red", radius=[30.0])]
    )
    drag = Drag(detect(frames[0], "red", "star").mask, Scale((128, 100), 1.5))
    tracker = truth_tracker(Subject("star", "red"), Kind.SCALE, drag)
    center = np.array(detect(frames[0], "red", "star").center)
    tracks, seen = tracker.track(frames, np.stack([center, center + np.array([20.0, 0.0])]))
    assert seen.all()
    assert np.linalg.norm(tracks[-1, 1] - tracks[-1, 0]) == pytest.approx(30, abs=0.5)
