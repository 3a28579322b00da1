"""Plots of a study: one panel a measure, one row a method, means with their intervals."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from dragstream.drags.extras import needed
from dragstream.revel.methods import BASELINE, FULL
from dragstream.revel.statistics import column, estimate
from dragstream.revel.studies import MEASURES, Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAPER = {"objmc": "ObjMC", "dai": "DAI"}
"""The paper's names of the measures that it reports."""
_BLUE, _ORANGE, _INK, _GRID = "#0072B2", "#D55E00", "#333333", "#DDDDDD"


def study_figure(study: Study, values: pd.DataFrame) -> Figure:
    """A study's results (`table`) beside the paper's figures.

    Dots are means over cases, lines their confidence intervals. Diamonds are the paper's figures,
    scaled so that the paper's full method stands where it stands here: they show how the paper's
    rows relate to one another, not its pixels.
    """
    kind = needed("matplotlib.figure", "plots need matplotlib", "widgets").Figure
    size = (2.0 + 2.0 * len(MEASURES), 1.0 + 0.42 * len(study.rows))
    figure: Figure = kind(figsize=size, dpi=90, layout="constrained")
    panels = figure.subplots(1, len(MEASURES), sharey=True)
    for ax, name in zip(panels, MEASURES, strict=True):
        _panel(ax, study, values, name)
    labels = ["\n".join(textwrap.wrap(row.label, 26)) for row in study.rows]
    panels[0].set_yticks(range(len(study.rows)), labels)
    panels[0].invert_yaxis()
    return figure


def _panel(ax: Axes, study: Study, values: pd.DataFrame, name: str) -> None:
    for place, row in enumerate(study.rows):
        found = estimate(column(values, row.method, name))
        if not found.count:
            continue
        colour = _ORANGE if row.method == FULL else _BLUE
        ax.plot([found.low, found.high], [place, place], color=colour, linewidth=2)
        ax.plot(found.mean, place, "o", color=colour, markersize=6)
        scaled = _scaled(study, values, name, row.paper)
        if scaled is not None:
            ax.plot(scaled, place, "D", markerfacecolor="none", color=_INK, markersize=6)
    ax.set_title(MEASURES[name].title, loc="left", fontsize="small", color=_INK)
    ax.grid(visible=True, axis="x", color=_GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(colors=_INK, labelsize="small")
    if ax.lines:
        ax.set_xlim(left=0)


def _scaled(
    study: Study, values: pd.DataFrame, name: str, paper: Mapping[str, float]
) -> float | None:
    """The paper's figure, in units in which its full method (or else no drag) is ours."""
    called = _PAPER.get(name)
    if called is None or called not in paper:
        return None
    for anchor in (FULL, BASELINE):
        of_paper = [row.paper[called] for row in study.rows if row.method == anchor and row.paper]
        ours = estimate(column(values, anchor, name))
        if of_paper and ours.count:
            return paper[called] * ours.mean / of_paper[0]
    return None


def png(figure: Figure) -> bytes:
    """A figure as PNG, drawn without pyplot and so on any thread."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
