"""Results as rows: means per method, ratios to no drag, Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dragstream.revel.methods import ALL, BASELINE
from dragstream.revel.sweep import Result
from dragstream.stream.records import Mode

__all__ = ["GROUPS", "document", "markdown", "rows"]

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

GROUPS: dict[str, Callable[[Result], bool]] = {
    "translation": lambda result: result.kind == "translation",
    "deformation": lambda result: result.kind == "deformation",
    "rotation": lambda result: result.kind == "rotation",
    "turn": lambda result: result.kind == "turn",
    "animation": lambda result: result.mode == Mode.ANIMATE.value,
    "editing": lambda result: result.mode == Mode.EDIT.value,
}
"""Groups of cases: by the drag's kind, and by mode."""


def rows(results: Sequence[Result]) -> Rows:
    """Per method the mean of each measure over its cases, and `ratio`, those means to "none"'s.

    Measures that no case has are None, and `measured` counts the cases in which ObjMC could be
    measured. Ratios are of the means over the cases that both methods have. `ratio` is None
    without the row "none", and so is each ratio to a mean of 0.
    """
    names = list(dict.fromkeys(result.method for result in results))
    found: Rows = {}
    for name in names:
        mine = [result for result in results if result.method == name]
        found[name] = {measure: _mean(mine, measure) for measure in _MEASURES}
        found[name]["cases"] = len(mine)
        found[name]["measured"] = len(_values(mine, "objmc"))
    base = [result for result in results if result.method == BASELINE]
    for name, row in found.items():
        mine = [result for result in results if result.method == name]
        row["ratio"] = {m: _ratio(mine, m, base, of) for m, of in _RATIOS.items()} if base else None
    return found


def _values(results: Sequence[Result], measure: str) -> dict[str, float]:
    """A measure by case, where it was measured."""
    return {
        result.case: value
        for result in results
        if (value := getattr(result, measure)) is not None and not math.isnan(value)
    }


def _mean(results: Sequence[Result], measure: str) -> float | None:
    values = _values(results, measure)
    return float(np.mean(list(values.values()))) if values else None


def _ratio(mine: Sequence[Result], measure: str, base: Sequence[Result], of: str) -> float | None:
    """Of the means over the cases that were measured in both."""
    ours, theirs = _values(mine, measure), _values(base, of)
    both = [case for case in ours if case in theirs]
    if not both:
        return None
    below = float(np.mean([theirs[case] for case in both]))
    return float(np.mean([ours[case] for case in both])) / below if below else None


def document(
    results: Sequence[Result], *, model: str, scenes: int, seed: int, **about: Any
) -> dict[str, Any]:
    """The whole outcome as JSON: rows, the same by kind and by mode, and each case's results.

    `about` holds further facts; "constants" (by method, `methods.resolved`) is shown by
    `markdown`.
    """
    by_kind = {
        group: rows(chosen)
        for group, belongs in GROUPS.items()
        if (chosen := [result for result in results if belongs(result)])
    }
    return {
        "model": model,
        "scenes": scenes,
        "seed": seed,
        **about,
        "rows": rows(results),
        "by_kind": by_kind,
        "results": [result.to_json() for result in results],
    }


def markdown(outcome: dict[str, Any]) -> str:
    """Two Markdown tables of a `document`: the methods, and how each kind of drag fares."""
    lines = [*_methods(outcome), "", *_kinds(outcome)]
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
    titles = {method.name: method.title for method in ALL}
    lines = [
        "| method | " + " | ".join(_HEAD) + " |",
        "|---" + "|--:" * len(_HEAD) + "|",
    ]
    for name, row in outcome["rows"].items():
        ratio = row["ratio"] or {}
        cells = [
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
        row_head = [titles.get(name, name), *_stated(outcome, name)]
        lines.append("| " + " | ".join([*row_head, *cells]) + " |")
    return lines


def _stated(outcome: dict[str, Any], name: str) -> list[str]:
    """The constants that a row states of a method."""
    chosen = outcome.get("constants", {}).get(name) or {}
    return ["–" if chosen.get(each) is None else f"{chosen[each]:g}" for each in _CONSTANTS]


def _kinds(outcome: dict[str, Any]) -> list[str]:
    groups = outcome["by_kind"]
    lines = [
        "| ObjMC, px (of none) | " + " | ".join(groups) + " |",
        "|---" + "|--:" * len(groups) + "|",
    ]
    titles = {method.name: method.title for method in ALL}
    for name in outcome["rows"]:
        cells = []
        for group in groups.values():
            row = group.get(name)
            share = row and row["ratio"] and row["ratio"]["objmc"]
            value = _objmc(row) if row else "–"
            cells.append(f"{value} ({_cell(share, 2)})" if share is not None else value)
        lines.append(f"| {titles.get(name, name)} | " + " | ".join(cells) + " |")
    return lines


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
