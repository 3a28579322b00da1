"""Means of pulls over scenes, by method, and their table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dragstream.revel.live import DRIFTS, Pulled
from dragstream.revel.pages import table_lines
from dragstream.revel.statistics import estimate, shown
from dragstream.revel.studies import Measure

_MEANS = ("overlap", "strays")
"""Figures of which there is one a block, whose mean is shown."""
_COLUMNS = (
    Measure("distance", "px from the pointer", 1),
    Measure("miss", "px from where it was asked to be", 1),
    Measure("seen", "share of frames with it", 2, more=True),
    Measure("iou", "IoU at the end", 2, more=True),
    Measure("size", "size at the end", 2),
    Measure("drift", "drift at the end", 3),
    Measure("identity", "identity at the end", 3, more=True),
    Measure("identity_drift", "identity, last 5 s less first", 3, more=True),
    Measure("colour_drift", "colour, last 5 s less first", 1),
    Measure("overlap", "IoU with its place", 2, more=True),
    Measure("strays", "stray pieces", 2),
    Measure("cost", "× a plain block", 2),
)


def report(pulled: Sequence[Pulled]) -> tuple[dict[str, Any], str]:
    """Means over scenes of each method with their intervals, and a table of them."""
    rows: dict[str, Any] = {}
    cells = []
    for name in dict.fromkeys(each.method for each in pulled):
        own = [each for each in pulled if each.method == name]
        means = {
            column.name: estimate([_figure(each, column.name) for each in own])
            for column in _COLUMNS
        }
        waits = [wait for each in own for wait in each.waits]
        median, late = np.quantile(waits, (0.5, 0.95)).tolist() if waits else (None, None)
        wait = {"median": median, "95th": late, "count": len(waits)}
        rows[name] = {**{key: mean.to_json() for key, mean in means.items()}, "wait": wait}
        shown_means = (
            shown(means[column.name], column.digits, signed=column.name in DRIFTS)
            for column in _COLUMNS
        )
        shown_waits = ("not measured" if each is None else f"{each:.2f}" for each in (median, late))
        cells.append((name, str(len(own)), *shown_means, *shown_waits))
    titles = (each.title for each in _COLUMNS)
    head = ("method", "scenes", *titles, "s to the first picture: median", "95th")
    return rows, "\n".join(table_lines(head, cells)) + "\n"


def _figure(pulled: Pulled, column: str) -> float:
    value = getattr(pulled, column)
    if column in _MEANS:
        value = float(np.mean(value)) if value else None
    elif isinstance(value, tuple):  # one a block: at the end
        value = value[-1] if value else None
    return math.nan if value is None else float(value)
