from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dragstream.revel.measuring import Result
from dragstream.revel.methods import ALL, FULL
from dragstream.revel.statistics import (
    Verdict,
    column,
    estimate,
    holm,
    judge,
    paired,
    shown,
    sign_flip_p,
    table,
)
from dragstream.revel.studies import MEASURES, STUDIES, Claim, study_methods


def result(case: str, method: str, objmc: float, **changes: object) -> Result:
    fields = dict.fromkeys(Result.__dataclass_fields__, 1.0)
    named = {"case": case, "method": method, "kind": "rotation", "mode": "edit", "tracker": "t"}
    return Result(**{**fields, **named, "objmc": objmc, **changes})


def values(**methods: list[float]) -> pd.DataFrame:
    return table(
        result(f"c{index}", name, objmc)
        for name, column in methods.items()
        for index, objmc in enumerate(column)
    )


def test_an_interval_is_as_wide_as_theory_says() -> None:
    sample = np.random.default_rng(0).normal(10, 3, size=400)
    found = estimate(sample)
    half = 1.96 * sample.std(ddof=1) / math.sqrt(400)
    assert found.mean == pytest.approx(sample.mean())
    assert found.high - found.mean == pytest.approx(half, rel=0.1)
    assert found.mean - found.low == pytest.approx(half, rel=0.1)
    assert estimate(sample) == found  # the same numbers each time


def test_intervals_that_cannot_be_told_are_points() -> None:
    assert estimate([2.0, 2.0, 2.0]) == estimate([2.0, 2.0, 2.0])
    assert (estimate([2.0, 2.0]).low, estimate([2.0, 2.0]).high) == (2.0, 2.0)
    assert estimate([3.0]).low == 3.0
    assert shown(estimate([3.0]), 1) == "3.0"  # one case has no interval
    assert shown(estimate([2.0, 2.0, math.nan]), 1) == "2.0 [2.0, 2.0] in 2 of 3"
    assert estimate([]).count == 0
    assert math.isnan(estimate([]).mean)


def test_p_is_the_share_of_signs_that_are_as_extreme() -> None:
    few = np.array([3.0, 1.0, 2.0, -1.0, 4.0])
    signs = np.array([[1 - 2 * (number >> bit & 1) for bit in range(5)] for number in range(32)])
    as_far = np.abs((signs * few).sum(axis=1)) >= few.sum()
    assert sign_flip_p(few) == as_far.mean() == 6 / 32
    many = np.random.default_rng(1).normal(0.4, 1.0, 40)
    scipys = stats.permutation_test(
        (many,), np.mean, permutation_type="samples", n_resamples=20_000, rng=2, vectorized=True
    )
    assert sign_flip_p(many) == pytest.approx(scipys.pvalue, abs=0.005)
    assert sign_flip_p([*many, math.nan]) == sign_flip_p(many)
    assert sign_flip_p([0.0, 0.0, 0.0]) == 1.0
    assert math.isnan(sign_flip_p([math.nan]))


def test_holms_adjustment_counts_the_tests_that_were_made() -> None:
    # sorted .01 .02 .03 .5 times 4 3 2 1, never falling
    found = holm([0.03, math.nan, 0.01, 0.5, 0.02])
    assert found[:1] + found[2:] == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert math.isnan(found[1])


def test_pairs_see_what_means_cannot() -> None:
    cases = list(np.linspace(0, 100, 20))
    found = values(a=cases, b=[each + 1 + 0.1 * (each % 3) for each in cases])
    apart = estimate(column(found, "b", "objmc"))
    assert apart.low < estimate(cases).mean < apart.high  # the means overlap by far
    difference = paired(found, "a", "b", "objmc")
    assert 1 <= difference.low <= difference.mean <= difference.high <= 1.3


def test_pairs_are_of_the_cases_that_both_have() -> None:
    found = values(a=[1.0, 2.0, 3.0], b=[2.0, 3.0])
    assert paired(found, "a", "b", "objmc").count == 2
    assert paired(found, "a", "c", "objmc").count == 0


def test_cases_without_a_figure_take_no_part() -> None:
    found = values(a=[1.0, math.nan, 3.0], b=[2.0, 5.0, math.nan])
    means = estimate(column(found, "a", "objmc"))
    assert (means.mean, means.count, means.unmeasured) == (2.0, 2, 1)
    difference = paired(found, "a", "b", "objmc")
    assert (difference.mean, difference.count, difference.unmeasured) == (1.0, 1, 2)
    assert judge(found, Claim("a", "b", "objmc")).factor == pytest.approx(2.0)
    rounding = values(a=[1e-8, 2e-8], b=[2.0, 5.0])  # printed as 0.00: no ratio
    assert judge(rounding, Claim("a", "b", "objmc")).factor is None
    nothing = estimate([math.nan])
    assert math.isnan(nothing.mean)
    assert (nothing.count, nothing.unmeasured) == (0, 1)


@pytest.mark.parametrize(
    ("better", "verdict"),
    [
        ([1.0, 2.0, 3.0, 4.0], Verdict.HOLDS),
        ([6.5, 1.0, 9.5, 6.0], Verdict.OPEN),
        ([5.0, 1.0, 9.5, 12.0], Verdict.OPEN),
        ([7.0, 8.0, 9.5, 9.0], Verdict.FAILS),
    ],
)
def test_verdicts(better: list[float], verdict: Verdict) -> None:
    claim = Claim("a", "b", "objmc")
    found = judge(values(a=2 * better, b=2 * [6.0, 7.0, 8.0, 6.0]), claim)
    assert found.verdict is verdict
    assert found.factor == pytest.approx(6.75 / np.mean(better))
    assert (found.difference.low > 0) == (verdict is Verdict.HOLDS)
    assert (found.difference.high < 0) == (verdict is Verdict.FAILS)


def test_an_interval_on_one_side_of_0_alone_decides_nothing() -> None:
    # One large difference among small ones of either sign.
    apart = [-0.4, 0.2, -2.0, 0.1, 0.3, -0.5, -0.3, -0.5, -0.2, -0.2]
    found = judge(values(a=[7 - each for each in apart], b=[7.0] * 10), Claim("a", "b", "objmc"))
    assert found.difference.high < 0
    assert found.p > 0.05
    assert found.verdict is Verdict.OPEN


def test_what_was_not_measured_is_said_so() -> None:
    assert judge(values(a=[1.0]), Claim("a", "b", "objmc")).verdict is Verdict.UNMEASURED
    nothing = judge(values(a=[0.0], b=[1.0]), Claim("a", "b", "objmc"))
    assert nothing.factor is None
    assert nothing.verdict is Verdict.OPEN  # one case tells nothing
    five, six = (
        judge(values(a=[1.0] * count, b=list(range(2, 2 + count))), Claim("a", "b", "objmc"))
        for count in (5, 6)
    )
    assert five.p == 2 / 32
    assert (five.verdict, six.verdict) == (Verdict.OPEN, Verdict.HOLDS)


def test_studies_are_of_methods_that_exist_and_claims_of_their_rows() -> None:
    known = {method.name for method in ALL}
    for study in STUDIES.values():
        rows = {row.method for row in study.rows}
        assert rows <= known
        for claim in study.claims:
            assert {claim.better, claim.worse} <= rows
            assert claim.measure in MEASURES
    assert FULL in {method.name for method in study_methods()}
    # Each method is run once, however many studies show it.
    names = [method.name for method in study_methods()]
    assert len(names) == len(set(names)) == 30
    with pytest.raises(ValueError, match="unknown studies"):
        study_methods(["nothing"])


def test_variants_differ_from_the_full_method_in_their_part_only() -> None:
    settings = {method.name: method.settings for method in ALL}
    full = settings[FULL].to_json()
    for name, fields in {
        "no_cst": {"constraint"},
        "L_n=3": {"rectification"},
        "L_n=18": {"rectification"},
        "alpha=2": {"focus"},
        "cutoff=0.2": {"cutoffs"},
        "switching": {"cutoffs"},
        "no_x0": {"prediction_weight"},
        "paper": {"cutoffs", "upsampling", "prediction_weight"},
        "default": {"warm_start"},
        "paper_rate=0.04": {"cutoffs", "upsampling", "prediction_weight", "learning_rate"},
        "range=0.2-1": {"cutoffs"},
        "bare": {"rectification", "cutoffs", "focus"},
    }.items():
        changed = settings[name].to_json()
        assert {key for key in full if full[key] != changed[key]} == fields
    assert settings["L_n=18"].rectification.neighbours == 18
    assert settings["alpha=0.5"].focus.alpha == 0.5
    assert len(settings["range=0.2-1"].cutoffs) == 81
    assert settings["range=0.4-1"].cutoffs[0] == 0.4
