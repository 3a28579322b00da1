"""Cases drawn on a world that stands still, where the start shows what they were drawn on."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.motions import Deformation, targets, validate
from dragstream.models.playground import world
from dragstream.revel import proposals, sampling
from dragstream.revel.cases import Case, Kind
from dragstream.revel.detection import detect
from dragstream.revel.measuring import measure
from dragstream.revel.methods import select
from dragstream.revel.preparation import prepare, visible_targets
from dragstream.revel.sampling import PAST, sample_case
from dragstream.revel.suites import Feature, case_specs
from dragstream.stream.records import Mode

ROUND = case_specs()[:17]
SIZE = world.HEIGHT, world.WIDTH


@pytest.fixture(scope="module")
def cases(model) -> dict[int, Case]:
    return {spec.number: sample_case(model, spec)[0] for spec in ROUND}


def drawn(cases, feature: Feature) -> list[Case]:
    return [cases[spec.number] for spec in ROUND if spec.feature is feature]


def test_slots_are_filled_as_they_say(cases) -> None:
    for spec in ROUND:
        case = cases[spec.number]
        assert case.name == spec.name
        assert (case.mode, case.blocks, case.kinds) == (spec.mode, spec.blocks, spec.kinds)
        assert case.tags == tuple(
            filter(None, [spec.split.value, spec.feature and spec.feature.value])
        )


def test_cases_are_the_same_again_and_survive_json(model, cases) -> None:
    assert sample_case(model, ROUND[8])[0] == cases[8]
    assert sample_case(model, ROUND[8], seed=1)[0] != cases[8]
    for case in cases.values():
        assert Case.from_json(json.loads(json.dumps(case.to_json()))) == case


def test_drags_lie_on_their_subjects_and_nothing_kept_moves(cases) -> None:
    for case in cases.values():
        handles = validate(case.drags, case.keep, *SIZE)  # refuses a handle inside keep
        for handle, subject in zip(handles, case.subjects, strict=True):
            seen = detect(case.start.image(), subject.color, subject.kind)
            assert (handle & seen.mask).sum() > 0.97 * handle.sum()
        if case.keep is not None:
            kept = regions.rasterise(case.keep, *SIZE)
            for drag, handle in zip(case.drags, handles, strict=True):
                for target in targets(drag.motion, 3 * case.blocks):
                    assert not (kept & (regions.warp(handle, target) > 0)).any()


def test_most_cases_keep_something(cases) -> None:
    assert sum(case.keep is not None for case in cases.values()) > 12


def test_two_drags_move_two_objects(cases) -> None:
    for case in drawn(cases, Feature.TWO):
        assert len(set(case.subjects)) == 2


def test_three_drags_pull_one_object_apart_and_move_another(cases) -> None:
    for case in drawn(cases, Feature.THREE):
        left, right, other = case.drags
        assert case.subjects[0] == case.subjects[1] != case.subjects[2]
        assert isinstance(left.motion, Deformation)
        np.testing.assert_allclose(np.add(left.motion.path.reach, right.motion.path.reach), 0)
        assert not (left.mask(*SIZE) & right.mask(*SIZE)).any()
        assert other.motion.displacement(1.0, other.mask(*SIZE))[0] >= 19


def test_occlusion_hides_part_of_another_object(cases) -> None:
    for case in drawn(cases, Feature.OCCLUSION):
        (drag,) = case.drags
        image = case.start.image()
        truth = case.start.scenes()
        colors = [list(world.COLORS)[int(index)] for index in truth.color[0]]
        (hidden,) = (
            detect(image, color, world.KINDS[int(kind)])
            for color, kind in zip(colors, truth.kind[0], strict=True)
            if color != case.subjects[0].color
        )
        frames = 6 if case.mode is Mode.ANIMATE else 1
        covered = [
            regions.warp(drag.mask(*SIZE), target)[hidden.mask].sum() / hidden.area
            for target in targets(drag.motion, frames)
        ]
        assert 0.2 <= max(covered) <= 0.7


def test_re_entry_leaves_and_comes_back(model, cases) -> None:
    (case,) = drawn(cases, Feature.REENTRY)
    (drag,) = case.drags
    mask = drag.mask(*SIZE)
    shares = [regions.warp(mask, each).sum() / mask.sum() for each in targets(drag.motion, 9)]
    assert min(shares) < 0.3
    assert shares[-1] == pytest.approx(1, abs=1e-3)
    prepared = prepare(model, case)
    mask = drag.mask(*prepared.before.shape[:2])
    seen = visible_targets(mask, prepared.command.commands(drag))
    assert 0 < len(seen) < 9
    assert seen[-1] == 8
    # An object that stays where it is does badly on the way, and well at the end.
    result = measure(prepared, select(["none"])[0])
    assert result.coverage == 1
    assert result.objmc == pytest.approx(result.still, abs=0.3)


def test_long_cases_come_after_twenty_seconds(model, cases) -> None:
    for case in drawn(cases, Feature.LONG):
        seconds = case.block * model.spec.frames_per_block / model.spec.clock.frame_rate
        assert 20 <= seconds < 22
    assert all(cases[number].block == PAST for number in range(8))


def test_the_stream_that_comes_with_a_case_is_its_past(model) -> None:
    case, stream = sample_case(model, ROUND[0])
    assert len(stream) == case.block
    np.testing.assert_array_equal(stream.frames, prepare(model, case).stream.frames)


def test_where_nothing_can_be_turned_something_is_moved(model, monkeypatch) -> None:
    monkeypatch.setattr(sampling, "_RUNS", 1)
    monkeypatch.setitem(proposals._PROPOSE, Kind.TURN, lambda _: None)
    case, _ = sample_case(model, ROUND[3])
    assert case.name == ROUND[3].name == "003-animate-turn"
    assert case.kind is Kind.TRANSLATION
    assert case.tags == ("public", "simplified")
    monkeypatch.setitem(proposals._PROPOSE, Kind.TRANSLATION, lambda _: None)
    with pytest.raises(ValueError, match="kept no object to drag in any scene"):
        sample_case(model, ROUND[3])


def test_a_model_of_another_size_is_refused(model, monkeypatch) -> None:
    monkeypatch.setattr(world, "WIDTH", 96)
    with pytest.raises(ValueError, match="the playground's frames are 96x160"):
        sample_case(model, ROUND[0])
