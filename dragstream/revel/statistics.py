"""Statistics of results: means with confidence intervals, and paired differences.

Cases differ more than methods do, so methods are compared case by case.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from dragstream.metrics.objmc import json_number
from dragstream.revel.measuring import Result
from dragstream.revel.studies import MEASURES, Claim

CONFIDENCE = 0.95
_RESAMPLES = 4000
_SEED = 0
_EXACT = 13
_FLIPS = 10_000
_LEAST = 6
"""Cases below which no verdict is given: intervals of so few are too narrow, and even differences
of one sign have a p of 2 / 2^5 > 0.05."""


@dataclass(frozen=True)
class Estimate:
    """A mean over cases; NaN where no case was measured."""

    mean: float
    low: float  # of the confidence interval; the mean where all figures are the same
    high: float
    count: int  # of measured cases
    unmeasured: int = 0  # cases without a figure

    def to_json(self) -> dict[str, Any]:
        """All fields; null for NaN."""
        numbers = {name: json_number(getattr(self, name)) for name in ("mean", "low", "high")}
        return {**asdict(self), **numbers}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Estimate:
        """The inverse of `to_json`; further entries are not read."""
        mean, low, high = (
            math.nan if document[name] is None else float(document[name])
            for name in ("mean", "low", "high")
        )
        return cls(mean, low, high, document["count"], document["unmeasured"])


class Verdict(Enum):
    """Verdict of a paired test on a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "cannot be told"
    UNMEASURED = "not measured"


@dataclass(frozen=True)
class Finding:
    """The result of testing a claim."""

    verdict: Verdict
    difference: Estimate  # worse minus better, per case: above 0 if the claim holds
    factor: float | None  # mean of the worse over the better one; None: printed as 0, or unknown
    p: float  # `sign_flip_p` of the differences; NaN where there are none


def table(results: Iterable[Result]) -> pd.DataFrame:
    """Results as rows, indexed by method and case; NaN for what could not be measured."""
    names = list(Result.__dataclass_fields__)
    frame = pd.DataFrame([asdict(result) for result in results], columns=names)
    return frame.set_index(["method", "case"])


def column(values: pd.DataFrame, method: str, measure: str) -> pd.Series[float]:
    """A measure of a method by case; empty where the method was not run."""
    if method not in values.index.get_level_values("method"):
        return pd.Series(dtype=float)
    return values[measure].loc[method].astype(float)


def estimate(values: Sequence[float] | pd.Series[float]) -> Estimate:
    """Mean and bootstrap interval (bias-corrected and accelerated) of one number per case.

    Cases without a figure (NaN) are left out, and counted.
    """
    every = np.asarray(values, np.float64)
    sample = every[~np.isnan(every)]
    if not len(sample):
        return Estimate(float("nan"), float("nan"), float("nan"), 0, len(every))
    mean = float(sample.mean())
    low, high = _interval(sample, mean)
    return Estimate(mean, low, high, len(sample), len(every) - len(sample))


def _interval(sample: NDArray[np.float64], mean: float) -> tuple[float, float]:
    # The bootstrap needs at least two different numbers.
    if len(sample) < 2 or np.ptp(sample) <= 1e-12 * max(1.0, abs(mean)):
        return mean, mean
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BCa is NaN for some samples of few cases
        for method in ("BCa", "percentile"):
            found = stats.bootstrap(
                (sample,),
                np.mean,
                confidence_level=CONFIDENCE,
                n_resamples=_RESAMPLES,
                method=method,
                rng=np.random.default_rng(_SEED),
            ).confidence_interval
            if np.isfinite(found).all():
                break
    return float(found.low), float(found.high)


def sign_flip_p(differences: Sequence[float] | pd.Series[float]) -> float:
    """Two-sided p of the paired permutation test of the mean difference against 0.

    p is the share of the assignments of signs to the differences whose mean is at least as far from
    0 as the observed one: of all assignments for up to 13 cases, else of 9,999 random ones and the
    observed one. NaN without cases.
    """
    every = np.asarray(differences, np.float64)
    sample = every[~np.isnan(every)]
    if not len(sample):
        return float("nan")
    if len(sample) <= _EXACT:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(sample))))
    else:
        rng = np.random.default_rng(_SEED)
        signs = rng.choice((1.0, -1.0), (_FLIPS, len(sample)))
        signs[0] = 1.0
    means = np.abs(signs @ sample)
    return float((means >= means[0] * (1 - 1e-9)).mean())


def holm(values: Sequence[float]) -> list[float]:
    """Holm's adjustment of the p of several tests; NaN stays NaN and does not count as a test."""
    known = sorted((p, index) for index, p in enumerate(values) if not np.isnan(p))
    adjusted, least = [float("nan")] * len(values), 0.0
    for rank, (p, index) in enumerate(known):
        least = max(least, min(1.0, (len(known) - rank) * p))
        adjusted[index] = least
    return adjusted


def shown(found: Estimate, digits: int, *, signed: bool = False) -> str:
    """Format a mean with its interval, and the number of cases if some have no figure.

    One case has no interval.
    """
    if not found.count or math.isnan(found.mean):
        return "not measured" if found.unmeasured else "–"
    sign = "+" if signed else ""
    every = found.count + found.unmeasured
    of = f" in {found.count} of {every}" if found.unmeasured else ""
    mean, low, high = (f"{value:{sign}.{digits}f}" for value in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]{of}" if found.count > 1 else mean + of


def paired(values: pd.DataFrame, better: str, worse: str, measure: str) -> Estimate:
    """Mean over the cases that both have a figure of: worse minus better."""
    return estimate(differences(values, better, worse, measure))


def differences(values: pd.DataFrame, better: str, worse: str, measure: str) -> pd.Series[float]:
    """Worse minus better in each case that was run with both; NaN where one has no figure."""
    both = _both(values, better, worse, measure)
    return both.worse - both.better


def _both(values: pd.DataFrame, better: str, worse: str, measure: str) -> pd.DataFrame:
    """A measure of two methods, a row for each case that was run with both."""
    columns = {"better": column(values, better, measure), "worse": column(values, worse, measure)}
    return pd.concat(columns, axis=1, join="inner")


def judge(values: pd.DataFrame, claim: Claim) -> Finding:
    """Test a claim on results."""
    both = _both(values, claim.better, claim.worse, claim.measure)
    apart = both.worse - both.better
    difference, means = estimate(apart), both.dropna().mean()
    # A mean that is printed as 0, as drift after rectification, is rounding: a ratio would be, too.
    printed = difference.count and round(abs(means.better), MEASURES[claim.measure].digits)
    factor = means.worse / means.better if printed else None
    p = sign_flip_p(apart)
    return Finding(verdict(difference, p), difference, factor, p)


def verdict(difference: Estimate, p: float) -> Verdict:
    """The verdict of an interval and a test; OPEN if they disagree.

    The bootstrap interval of few cases with an outlier can lie on one side of 0 by chance.
    """
    if not difference.count:
        return Verdict.UNMEASURED
    if difference.count < _LEAST or difference.low <= 0 <= difference.high or p >= 1 - CONFIDENCE:
        return Verdict.OPEN
    return Verdict.HOLDS if difference.low > 0 else Verdict.FAILS
