"""Tables of results: means per method, ratios to no drag, looks, paired differences; Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from dragstream.revel.cases import Kind
from dragstream.revel.measuring import Result
from dragstream.revel.methods import ALL, BASELINE, FULL
from dragstream.revel.pages import table_lines
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
from dragstream.stream.records import Mode

Rows = dict[str, dict[str, Any]]
Cells = tuple[list[str], list[list[str]]]
"""Head and rows of a table."""

_TIME = "seconds_per_block"
_REST = {name: measure for name, measure in MEASURES.items() if name != _TIME}
COMPARED = {**_REST, **LOOKS, _TIME: MEASURES[_TIME]}
"""Measures that are compared case by case."""

_UNNAMED = ("case", "method", "kind", "mode", "tracker")
_MEASURES = [name for name in Result.__dataclass_fields__ if name not in _UNNAMED]
_RATIOS = ("objmc", "objmc_flow", "dai", "dai_pasted", "drift", "clean_drift", _TIME)
"""Measures reported as a ratio to the same without a drag; `dai_pasted` to `dai`."""

_HEAD = "method|rate|σ|ObjMC, px|of none|by flow, px|DAI|of none|drift|after|leak|s"

GROUPS = {
    **{kind.value: ("kind", kind.value) for kind in Kind},
    "animation": ("mode", Mode.ANIMATE.value),
    "editing": ("mode", Mode.EDIT.value),
}
"""Groups of cases, by the drag's kind and by mode: the field of `Result` and its value."""


def rows(results: Sequence[Result]) -> Rows:
    """Per method the mean of each measure over its cases, and `ratio`, those means to "none"'s.

    Measures that no case has are None. Ratios are of the means over the cases that both methods
    have; None without the row "none", and to a mean of 0.
    """
    values = table(results)
    methods = values.index.unique("method")
    return {
        name: {
            **{measure: _mean(column(values, name, measure)) for measure in _MEASURES},
            "cases": len(values.loc[name]),
            "measured": int(column(values, name, "objmc").count()),
            "ratio": {measure: _ratio(values, name, measure) for measure in _RATIOS}
            if BASELINE in methods
            else None,
        }
        for name in methods
    }


def _mean(values: pd.Series[float]) -> float | None:
    known = values.dropna().to_numpy()
    return float(known.mean()) if len(known) else None


def _ratio(values: pd.DataFrame, name: str, measure: str) -> float | None:
    """Ratio to no drag of the means over the cases that both methods have."""
    base = column(values, BASELINE, "dai" if measure == "dai_pasted" else measure)
    both = pd.concat((column(values, name, measure), base), axis=1, join="inner").dropna()
    above, below = (_mean(both.iloc[:, side]) for side in (0, 1))
    return above / below if above is not None and below else None


def reference_row(methods: Sequence[str], against: str | None = None) -> str | None:
    """The method that others are compared with: the named one, else the full method or no drag.

    None if neither was run; a ValueError if the named one was not.
    """
    if against is not None and against not in methods:
        raise ValueError(f"against must be a method that was run, {list(methods)}, got {against!r}")
    return next((name for name in (against, FULL, BASELINE) if name in methods), None)


def all_differences(
    values: pd.DataFrame, against: str, measures: Iterable[str] = COMPARED
) -> dict[str, dict[str, dict[str, Any]]]:
    """The mean difference from one method over the cases that both have, by method and measure.

    Each is an `Estimate.to_json` of the method's figure minus the other's, with the "p" of the
    paired permutation test. Measures without a case that has both figures are left out.
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
) -> Cells:
    """`all_differences` with intervals and p."""
    present = [each for each in measures if any(each.name in row for row in found.values())]
    cells = [
        [titles.get(name, name), *(_difference(row.get(each.name), each) for each in present)]
        for name, row in found.items()
    ]
    return ["method", *(each.title for each in present)], cells


def _difference(entry: Mapping[str, Any] | None, measure: Measure) -> str:
    if entry is None:
        return "–"
    found = shown(Estimate.from_json(entry), measure.digits, signed=True)
    return f"{found}, p {shown_p(entry['p'])}"


def shown_p(p: float) -> str:
    """Format a p with two digits, or as "< 0.001"."""
    if math.isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def mean_cells(
    values: pd.DataFrame, titles: Mapping[str, str], measures: Iterable[Measure]
) -> Cells:
    """Means of each method with their bootstrap intervals."""
    every = list(measures)
    cells = [
        [titles.get(name, name), *(shown_mean(values, name, each) for each in every)]
        for name in values.index.unique("method")
    ]
    return ["method", *(each.title for each in every)], cells


def shown_mean(values: pd.DataFrame, method: str, measure: Measure) -> str:
    """Format a mean with its interval, or the coverage if no case has an ObjMC."""
    found = estimate(column(values, method, measure.name))
    if measure.name == "objmc" and found.unmeasured and not found.count:
        return _unmeasured(column(values, method, "coverage").mean())
    return shown(found, measure.digits)


def _unmeasured(coverage: float) -> str:
    return f"not measured (coverage {100 * coverage:.0f} %)"


def document(
    results: Sequence[Result],
    *,
    model: str,
    scenes: int,
    seed: int,
    against: str | None = None,
    **about: Any,
) -> dict[str, Any]:
    """The outcome as JSON: rows, rows by kind and by mode, and the result of each case.

    "paired" has the differences of all methods from `against` (`all_differences`), by default from
    the full method or no drag. `about` holds further entries; `markdown` shows "constants", by
    method (`methods.resolved`).
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
    """The tables of a `document`: methods, kinds of drags, image measures, paired differences."""
    titles = {name: _title(name) for name in outcome["rows"]}
    values = table(Result.from_json(each) for each in outcome["results"])
    looks = mean_cells(values, titles, LOOKS.values())
    lines = [*_methods(outcome), "", *_kinds(outcome), "", *table_lines(*looks)]
    if outcome.get("paired"):
        head, cells = paired_cells(outcome["paired"], titles)
        title = f"less {titles[outcome['against']]}"
        lines += ["", *table_lines((title, *head[1:]), cells)]
    if note := _pasted(outcome):
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _pasted(outcome: dict[str, Any]) -> str | None:
    """A sentence on the DAI of cut-and-paste, which no drag is expected to beat."""
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
    cells = []
    for name, row in outcome["rows"].items():
        ratio, chosen = row["ratio"] or {}, outcome.get("constants", {}).get(name) or {}
        constants = (chosen.get(each) for each in ("rate", "sigma"))
        cells.append(
            [
                _title(name),
                *("–" if each is None else f"{each:g}" for each in constants),
                _objmc(row),
                _cell(ratio.get("objmc"), 2),
                _cell(row["objmc_flow"], 2),
                _cell(row["dai"], 4),
                _cell(ratio.get("dai"), 2),
                _cell(row["drift"], 3),
                _cell(row["clean_drift"], 3),
                _cell(row["leak"], 2),
                _cell(row[_TIME], 2),
            ]
        )
    return table_lines(_HEAD.split("|"), cells)


def _title(name: str) -> str:
    return next((method.title for method in ALL if method.name == name), name)


def _kinds(outcome: dict[str, Any]) -> list[str]:
    groups = outcome["by_kind"]
    cells = [
        [_title(name), *(_share(group.get(name)) for group in groups.values())]
        for name in outcome["rows"]
    ]
    return table_lines(("ObjMC, px (of none)", *groups), cells)


def _share(row: dict[str, Any] | None) -> str:
    """ObjMC of a method in a group, and its ratio to no drag's."""
    if row is None:
        return "–"
    ratio = row["ratio"] and row["ratio"]["objmc"]
    return _objmc(row) if ratio is None else f"{_objmc(row)} ({_cell(ratio, 2)})"


def _objmc(row: dict[str, Any]) -> str:
    """ObjMC, with the number of measured cases if some were not."""
    if row["objmc"] is None:
        return "–" if row["coverage"] is None else _unmeasured(row["coverage"])
    value = _cell(row["objmc"], 2)
    whole = row["measured"] == row["cases"]
    return value if whole else f"{value} in {row['measured']} of {row['cases']}"


def _cell(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
