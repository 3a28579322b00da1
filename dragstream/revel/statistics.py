"""Statistics of results: means with confidence intervals, and paired differences.

Cases differ far more than methods do. So means stand with bootstrap intervals over cases, and two
methods are compared case by case: the interval of the mean difference, not that of each mean,
shows whether one is better.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from dragstream.revel.measuring import Result
from dragstream.revel.studies import Claim

CONFIDENCE = 0.95
_RESAMPLES = 4000
_SEED = 0


@dataclass(frozen=True)
class Estimate:
    """A mean over cases.

    Attributes:
        mean: mean over the measured cases; NaN where there is none.
        low: lower end of the confidence interval; the mean where there is none.
        high: upper end.
        count: number of measured cases.
        unmeasured: number of cases that were run and have no figure.
    """

    mean: float
    low: float
    high: float
    count: int
    unmeasured: int = 0


class Verdict(Enum):
    """Verdict of the cases on a claim."""

    HOLDS = "holds"
    LEANS = "leans that way"
    AGAINST = "leans the other way"
    FAILS = "fails"
    UNMEASURED = "not measured"


@dataclass(frozen=True)
class Finding:
    """A claim and its verdict.

    Attributes:
        claim: the paper's claim.
        verdict: the side of 0 on which the difference's interval lies, or neither.
        difference: worse minus better, per case: above 0 where the claim is right.
        factor: mean of the worse over that of the better; None where that is 0 or unknown.
    """

    claim: Claim
    verdict: Verdict
    difference: Estimate
    factor: float | None


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
    # A bootstrap of equal numbers, or of one, has no spread.
    if len(sample) < 2 or np.ptp(sample) <= 1e-12 * max(1.0, abs(mean)):
        return mean, mean
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few cases: intervals that do not exist are NaN
        found = stats.bootstrap(
            (sample,),
            np.mean,
            confidence_level=CONFIDENCE,
            n_resamples=_RESAMPLES,
            method="BCa",
            rng=np.random.default_rng(_SEED),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if np.isfinite([low, high]).all() else (mean, mean)


def shown(found: Estimate, digits: int, *, signed: bool = False) -> str:
    """A mean with its interval and, where not all cases have a figure, their number, as text."""
    if not found.count or math.isnan(found.mean):
        return "not measured" if found.unmeasured else "–"
    sign = "+" if signed else ""
    every = found.count + found.unmeasured
    of = f" in {found.count} of {every}" if found.unmeasured else ""
    return (
        f"{found.mean:{sign}.{digits}f} [{found.low:{sign}.{digits}f}, "
        f"{found.high:{sign}.{digits}f}]{of}"
    )


def paired(values: pd.DataFrame, better: str, worse: str, measure: str) -> Estimate:
    """Mean over the cases that both have a figure of: worse minus better."""
    both = _both(values, better, worse, measure)
    return estimate(both.worse - both.better)


def _both(values: pd.DataFrame, better: str, worse: str, measure: str) -> pd.DataFrame:
    """A measure of two methods, a row for each case that was run with both."""
    columns = {"better": column(values, better, measure), "worse": column(values, worse, measure)}
    return pd.concat(columns, axis=1, join="inner")


def judge(values: pd.DataFrame, claim: Claim) -> Finding:
    """The finding of results on a claim."""
    both = _both(values, claim.better, claim.worse, claim.measure)
    difference = estimate(both.worse - both.better)
    means = both.dropna().mean()
    factor = means.worse / means.better if difference.count and means.better else None
    return Finding(claim, _verdict(difference), difference, factor)


def _verdict(difference: Estimate) -> Verdict:
    if not difference.count:
        return Verdict.UNMEASURED
    if difference.low > 0:
        return Verdict.HOLDS
    if difference.high < 0:
        return Verdict.FAILS
    return Verdict.LEANS if difference.mean > 0 else Verdict.AGAINST
