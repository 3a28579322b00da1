"""Tables of looks, and of paired differences from one method, for results of any run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from dragstream.revel.measuring import Result
from dragstream.revel.methods import BASELINE, FULL
from dragstream.revel.statistics import (
    Estimate,
    column,
    differences,
    estimate,
    shown,
    sign_flip_p,
    table,
)
from dragstream.revel.studies import LOOKS, MEASURES, Measure

Cells = list[list[str]]

_TIME = "seconds_per_block"
_REST = {name: measure for name, measure in MEASURES.items() if name != _TIME}
COMPARED = {**_REST, **LOOKS, _TIME: MEASURES[_TIME]}
"""Measures that are compared case by case."""


def reference_row(methods: Sequence[str], against: str | None = None) -> str | None:
    """The method that others are compared with: the named one, the full method or no drag.

    Returns:
        None where none of these was run.

    Raises:
        ValueError: a named method that was not run.
    """
    if against is not None and against not in methods:
        raise ValueError(f"against must be a method that was run, {list(methods)}, got {against!r}")
    return next((name for name in (against, FULL, BASELINE) if name in methods), None)


def all_differences(
    values: pd.DataFrame, against: str, measures: Iterable[str] = COMPARED
) -> dict[str, dict[str, dict[str, Any]]]:
    """By method and measure: the mean difference from one method over the cases that both have.

    Args:
        values: figures by method and case, see `statistics.table`.
        against: the method that the others are compared with.
        measures: columns of `values`.

    Returns:
        `Estimate.to_json` of each method's figure minus the other's, and "p" of the paired
        permutation test. Measures that no case has with both are left out.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name in values.index.unique("method"):
        if name == against:
            continue
        found[name] = {}
        for measure in measures:
            each = differences(values, against, name, measure)
            if (mean := estimate(each)).count:
                found[name][measure] = {**mean.to_json(), "p": sign_flip_p(each)}
    return found


def paired_cells(
    found: Mapping[str, Mapping[str, Any]],
    titles: Mapping[str, str],
    measures: Iterable[Measure] = tuple(COMPARED.values()),
) -> tuple[list[str], Cells]:
    """Head and rows of a table of `all_differences`, with intervals and p."""
    present = [each for each in measures if any(each.name in row for row in found.values())]
    rows = [
        [titles.get(name, name), *(_difference(row.get(each.name), each) for each in present)]
        for name, row in found.items()
    ]
    return ["method", *(each.title for each in present)], rows


def _difference(entry: Mapping[str, Any] | None, measure: Measure) -> str:
    if entry is None:
        return "–"
    found = shown(Estimate.from_json(entry), measure.digits, signed=True)
    return f"{found}, p {shown_p(entry['p'])}"


def shown_p(p: float) -> str:
    """A p with two digits; the least that can be told is given as a bound."""
    if math.isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def looks_cells(results: Sequence[Result], titles: Mapping[str, str]) -> tuple[list[str], Cells]:
    """Head and rows of a table of looks: means with their bootstrap intervals."""
    values = table(results)
    head = ["method", *(each.title for each in LOOKS.values())]
    rows = [
        [titles.get(name, name), *_looks(values, name)] for name in values.index.unique("method")
    ]
    return head, rows


def _looks(values: pd.DataFrame, name: str) -> Iterator[str]:
    for measure in LOOKS.values():
        yield shown(estimate(column(values, name, measure.name)), measure.digits)
