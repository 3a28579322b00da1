from __future__ import annotations

from collections import Counter

from dragstream.revel.cases import PLANNED
from dragstream.revel.suites import Feature, Split, case_specs
from dragstream.stream.records import Mode

SPECS = case_specs()


def test_there_are_204_specs_with_names_of_their_own() -> None:
    assert len(SPECS) == 204
    assert [spec.number for spec in SPECS] == list(range(204))
    assert len({spec.name for spec in SPECS}) == 204


def test_both_halves_hold_the_same_mixture() -> None:
    def mixture(split: Split) -> Counter:
        return Counter((spec.mode, spec.feature) for spec in SPECS if spec.split is split)

    assert mixture(Split.PUBLIC) == mixture(Split.HELD_OUT)
    assert sum(mixture(Split.PUBLIC).values()) == 102


def test_single_drags_are_of_all_kinds_in_both_modes() -> None:
    singles = Counter((spec.mode, spec.kinds) for spec in SPECS if spec.feature is None)
    assert singles == {
        (mode, (kind,)): 12 for mode in (Mode.ANIMATE, Mode.EDIT) for kind in PLANNED
    }


def test_each_feature_comes_twelve_times_a_mode() -> None:
    found = Counter((spec.feature, spec.mode) for spec in SPECS if spec.feature)
    for feature in Feature:
        assert found[feature, Mode.ANIMATE] == 12
        assert found[feature, Mode.EDIT] == (0 if feature is Feature.REENTRY else 12)


def test_slots_have_one_to_three_drags_and_edits_one_block() -> None:
    assert {len(spec.kinds) for spec in SPECS} == {1, 2, 3}
    assert {spec.blocks for spec in SPECS if spec.mode is Mode.EDIT} == {1}
    assert {spec.blocks for spec in SPECS if spec.mode is Mode.ANIMATE} == {1, 2, 3}
    # Every kind comes to stand beside a translation, and after twenty seconds.
    for feature in (Feature.TWO, Feature.LONG):
        assert {spec.kinds[-1] for spec in SPECS if spec.feature is feature} == set(PLANNED)
