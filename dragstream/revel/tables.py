"""Results as rows: means per method, ratios to no drag, Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from dragstream.revel.cases import Kind
from dragstream.revel.measuring import Result
from dragstream.revel.methods import ALL, BASELINE
from dragstream.revel.pages import table_lines
from dragstream.revel.paired_tables import (
    all_differences,
    looks_cells,
    paired_cells,
    reference_row,
)
from dragstream.revel.statistics import column, table
from dragstream.revel.studies import LOOKS
from dragstream.stream.records import Mode

Rows = dict[str, dict[str, Any]]

_MEASURES = (
    "objmc",
    "still",
    "coverage",
    "objmc_flow",
    "dai",
    "dai_pasted",
    "drift",
    "clean_drift",
    "mean_shift",
    "std_ratio",
    "leak",
    "seconds_per_block",
    *LOOKS,
)
_RATIOS = {
    "objmc": "objmc",
    "objmc_flow": "objmc_flow",
    "dai": "dai",
    "dai_pasted": "dai",
    "drift": "drift",
    "clean_drift": "clean_drift",
    "seconds_per_block": "seconds_per_block",
}
"""Measures reported as a ratio, with the measure without a drag that divides each."""

_CONSTANTS = ("rate", "sigma")
"""Constants of a method on the model that a row lists, see `methods.resolved`."""
_HEAD = (
    "rate",
    "σ",
    "ObjMC, px",
    "of none",
    "by flow, px",
    "DAI",
    "of none",
    "drift",
    "after",
    "leak",
    "s",
)

GROUPS = {
    **{kind.value: ("kind", kind.value) for kind in Kind},
    "animation": ("mode", Mode.ANIMATE.value),
    "editing": ("mode", Mode.EDIT.value),
}
"""Groups of cases, by the drag's kind and by mode: the field of `Result` and its value."""


def rows(results: Sequence[Result]) -> Rows:
    """Per method the mean of each measure over its cases, and `ratio`, those means to "none"'s.

    Measures that no case has are None, and `measured` counts the cases in which ObjMC could be
    measured. Ratios are of the means over the cases that both methods have. `ratio` is None
    without the row "none", and so is each ratio to a mean of 0.
    """
    values = table(results)
    methods = values.index.unique("method")
    return {name: _means(values, name, ratio=BASELINE in methods) for name in methods}


def _means(values: pd.DataFrame, name: str, *, ratio: bool) -> dict[str, Any]:
    ratios = {measure: _ratio(values, name, measure, of) for measure, of in _RATIOS.items()}
    return {
        **{measure: _mean(column(values, name, measure)) for measure in _MEASURES},
        "cases": len(values.loc[name]),
        "measured": int(column(values, name, "objmc").count()),
        "ratio": ratios if ratio else None,
    }


def _mean(values: pd.Series[float]) -> float | None:
    known = values.dropna()
    return float(np.mean(known.to_numpy())) if len(known) else None


def _ratio(values: pd.DataFrame, name: str, measure: str, of: str) -> float | None:
    """Of the means over the cases that were measured with both methods."""
    pair = (column(values, name, measure), column(values, BASELINE, of))
    both = pd.concat(pair, axis=1, join="inner").dropna()
    above, below = (_mean(both.iloc[:, side]) for side in (0, 1))
    return above / below if above is not None and below else None


def document(
    results: Sequence[Result],
    *,
    model: str,
    scenes: int,
    seed: int,
    against: str | None = None,
    **about: Any,
) -> dict[str, Any]:
    """The whole outcome as JSON: rows, the same by kind and by mode, and each case's results.

    "paired" has the differences of all methods from `against` (`paired_tables.all_differences`);
    None: from the full method, or no drag. `about` holds further facts; "constants" (by method,
    `methods.resolved`) is shown by `markdown`.
    """
    by_kind = {
        group: rows(chosen)
        for group, (field, value) in GROUPS.items()
        if (chosen := [result for result in results if getattr(result, field) == value])
    }
    compared = reference_row([result.method for result in results], against)
    return {
        "model": model,
        "scenes": scenes,
        "seed": seed,
        **about,
        "rows": rows(results),
        "by_kind": by_kind,
        "against": compared,
        "paired": {} if compared is None else all_differences(table(results), compared),
        "results": [result.to_json() for result in results],
    }


def markdown(outcome: dict[str, Any]) -> str:
    """Markdown tables of a `document`.

    The methods, how each kind of drag fares, how results look, and differences from one method.
    """
    titles = {name: _title(name) for name in outcome["rows"]}
    results = [Result.from_json(each) for each in outcome["results"]]
    lines = [
        *_methods(outcome),
        "",
        *_kinds(outcome),
        "",
        *table_lines(*looks_cells(results, titles)),
    ]
    if outcome.get("paired"):
        head, cells = paired_cells(outcome["paired"], titles)
        title = f"less {titles[outcome['against']]}"
        lines += ["", *table_lines((title, *head[1:]), cells)]
    if note := _pasted(outcome):
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _pasted(outcome: dict[str, Any]) -> str | None:
    """Share of the DAI that no drag can remove."""
    row = outcome["rows"].get(BASELINE)
    if row is None or row["dai_pasted"] is None:
        return None
    shares = ", ".join(
        f"{group} {_cell(kind[BASELINE]['ratio']['dai_pasted'], 2)}"
        for group, kind in outcome["by_kind"].items()
    )
    return (
        "An object that is cut out and pasted at its target, without a model, has a DAI of "
        f"{_cell(row['dai_pasted'], 4)}, {_cell(row['ratio']['dai_pasted'], 2)} of no drag's "
        f"({shares}): latents change with their place on the grid."
    )


def _methods(outcome: dict[str, Any]) -> list[str]:
    table = []
    for name, row in outcome["rows"].items():
        ratio = row["ratio"] or {}
        table.append(
            [
                _title(name),
                *_constants(outcome, name),
                _objmc(row),
                _cell(ratio.get("objmc"), 2),
                _cell(row["objmc_flow"], 2),
                _cell(row["dai"], 4),
                _cell(ratio.get("dai"), 2),
                _cell(row["drift"], 3),
                _cell(row["clean_drift"], 3),
                _cell(row["leak"], 2),
                _cell(row["seconds_per_block"], 2),
            ]
        )
    return table_lines(("method", *_HEAD), table)


def _title(name: str) -> str:
    return next((method.title for method in ALL if method.name == name), name)


def _constants(outcome: dict[str, Any], name: str) -> list[str]:
    """The rate and noise level of a method."""
    chosen = outcome.get("constants", {}).get(name) or {}
    return ["–" if chosen.get(each) is None else f"{chosen[each]:g}" for each in _CONSTANTS]


def _kinds(outcome: dict[str, Any]) -> list[str]:
    groups = outcome["by_kind"]
    table = [
        [_title(name), *(_share(group.get(name)) for group in groups.values())]
        for name in outcome["rows"]
    ]
    return table_lines(("ObjMC, px (of none)", *groups), table)


def _share(row: dict[str, Any] | None) -> str:
    """ObjMC of a method in a group, and its ratio to no drag's."""
    if row is None:
        return "–"
    ratio = row["ratio"] and row["ratio"]["objmc"]
    return _objmc(row) if ratio is None else f"{_objmc(row)} ({_cell(ratio, 2)})"


def _objmc(row: dict[str, Any]) -> str:
    """ObjMC, and in how many cases it could be measured where not in all."""
    measured = row.get("measured", row["cases"])
    if row["objmc"] is None:
        coverage = row["coverage"]
        return "–" if coverage is None else f"not measured (coverage {100 * coverage:.0f} %)"
    value = _cell(row["objmc"], 2)
    return value if measured == row["cases"] else f"{value} in {measured} of {row['cases']}"


def _cell(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
