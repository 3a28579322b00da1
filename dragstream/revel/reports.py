"""Reports of a run: the paper's ablations with the run's figures, in Markdown and HTML.

A `Report` is sections of paragraphs, tables and pictures, without markup; `pages` writes it as a
page and escapes all text, so that names of cases, methods and files cannot become markup.
"""

from __future__ import annotations

import io
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dragstream.drags.extras import needed
from dragstream.drags.files import expanded
from dragstream.revel.cases import Case
from dragstream.revel.folders import method_titles, read_cases, read_run
from dragstream.revel.measuring import Result
from dragstream.revel.methods import BASELINE, FULL
from dragstream.revel.pages import Picture, Report, Section, Table, to_html, to_markdown
from dragstream.revel.statistics import (
    CONFIDENCE,
    Finding,
    Verdict,
    column,
    estimate,
    holm,
    judge,
    paired,
    shown,
    table,
    verdict,
)
from dragstream.revel.studies import LOOKS, MEASURES, STUDIES, Claim, Study
from dragstream.revel.tables import (
    all_differences,
    mean_cells,
    paired_cells,
    reference_row,
    shown_mean,
    shown_p,
)

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


Key = tuple[str, str, str]
"""A comparison: better, worse, measure."""

_OBJMC = (
    "ObjMC: mean distance between where an object is and where the drag puts it, at each new "
    "latent frame, in pixels; in the packaged world by the object's own colour, else by optical "
    "flow. Cases in which too little of the object could be found have no figure: they are left "
    "out of the means, which say so, and of the differences."
)
_DAI = (
    "DAI: how much the latents around the target differ from those around the handle before the "
    "drag (Eq. 11)."
)
_REST = (
    "Drift: distance of the new latents' channel means and deviations from those of the frames "
    "before; in the drag at the noise level where rectification acts, after it in the finished "
    "latents. Leak: mean change of pixels outside the drag against no drag, in grey levels. "
    "Seconds a block: drag and decoding included, on the machine that ran."
)
_DIFFERENCES = (
    "Differences are taken case by case between two methods that share the past and the noise. "
    "p is that of the paired permutation test (signs of the differences), in brackets by Holm's "
    "adjustment for all the orderings of this report. An ordering holds if the whole 95 % interval "
    "of the difference lies on its side of 0 and the adjusted p is below 0.05, does not hold if "
    "the same is so on the other side, and cannot be told otherwise, nor of fewer than six cases. "
    "In the plots dots are means and lines "
    "their intervals; diamonds are the paper's figures, scaled so that its full method stands "
    "where it stands here."
)


_LOOKS = (
    "At the target: EPE, mean distance of the followed points from their own commands; IoU of the "
    "object's mask and the commanded one; duplicates and scraps, pieces of the object's colour "
    "that do not touch the commanded mask; identity, cosine of the features of the object before "
    "and after; likeness outside, the same of the rest of the frame with and without the drag, and "
    "LPIPS outside, the perceptual distance there. Of IoU and both cosines more is better."
)
_CLAIM_HEAD = ("the paper's ordering", "here", "difference", "p (Holm)", "factor", "paper's")


def write_report(folder: str | Path, against: str | None = None) -> tuple[Path, Path]:
    """Write `report.md` (with its plots beside it) and `report.html` into a run's folder.

    Args:
        folder: the run's folder.
        against: method that the others are compared with case by case; None: the full method, or
            no drag.

    Returns:
        Both files.

    Raises:
        ValueError: a folder without results, or `against` a method that was not run.
        ImportError: matplotlib is not installed.
    """
    place = expanded(folder, "folder")
    about, results = read_run(place)
    report = compose(results, read_cases(place), about, against)
    for section in report.sections:
        for part in section.parts:
            if isinstance(part, Picture):
                target = place / "plots" / f"{part.name}.png"
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(part.png)
    markdown, page = place / "report.md", place / "report.html"
    markdown.write_text(to_markdown(report, "plots"), encoding="utf-8")
    page.write_text(to_html(report), encoding="utf-8")
    return markdown, page


def compose(
    results: Sequence[Result],
    cases: Sequence[Case],
    about: Mapping[str, Any],
    against: str | None = None,
) -> Report:
    """The report of results of any methods; `cases` and `about` as `RunFolder` writes them."""
    values, titles = table(results), method_titles(about)
    studies = [part for study in STUDIES.values() if (part := _run_part(study, values)) is not None]
    findings = _findings(studies, values)
    sections = [
        _overview(values, about, titles),
        *_differences(values, titles, against),
        _orderings(findings),
        *(_study(study, values, findings) for study in studies),
        *_breakdown(values, cases),
        Section("What is measured", (_OBJMC, _DAI, _REST, _DIFFERENCES)),
    ]
    return Report("Dragging, measured", sections)


def _run_part(study: Study, values: pd.DataFrame) -> Study | None:
    """A study with the rows and claims that were run; None where fewer than two rows were."""
    run = set(values.index.unique("method"))
    rows = tuple(row for row in study.rows if row.method in run)
    claims = tuple(each for each in study.claims if {each.better, each.worse} <= run)
    return replace(study, rows=rows, claims=claims) if len(rows) > 1 else None


@dataclass(frozen=True)
class _Ordering:
    """A comparison with the first study that makes it: several tables share some."""

    study: Study
    claim: Claim
    finding: Finding
    adjusted: float  # Holm's p

    @property
    def cells(self) -> tuple[str, str, str]:
        """Verdict, difference and p."""
        p = f"{shown_p(self.finding.p)} ({shown_p(self.adjusted)})"
        return self.finding.verdict.value, self.difference, p

    @property
    def difference(self) -> str:
        """Worse minus better, with its interval."""
        return shown(self.finding.difference, MEASURES[self.claim.measure].digits, signed=True)


def _findings(studies: Sequence[Study], values: pd.DataFrame) -> dict[Key, _Ordering]:
    """Each comparison once."""
    first: dict[Key, tuple[Study, Claim]] = {}
    for study in studies:
        for claim in study.claims:
            first.setdefault(_key(claim), (study, claim))
    found = [judge(values, claim) for _, claim in first.values()]
    adjusted = holm([each.p for each in found])
    parts = zip(first.items(), found, adjusted, strict=True)
    return {
        key: _Ordering(*pair, replace(finding, verdict=verdict(finding.difference, p)), p)
        for (key, pair), finding, p in parts
    }


def _key(claim: Claim) -> Key:
    return claim.better, claim.worse, claim.measure


def _overview(values: pd.DataFrame, about: Mapping[str, Any], titles: Mapping[str, str]) -> Section:
    methods, cases = values.index.unique("method"), values.index.unique("case")
    words = (
        f"Model {about.get('model')}, weights {str(about.get('fingerprint'))[:12]}; "
        f"{len(methods)} methods on {len(cases)} cases, {len(values)} results. Of every measure "
        f"less is better; in brackets the {CONFIDENCE:.0%} bootstrap interval of the mean over "
        "cases."
    )
    means, looks = (
        Table(*mean_cells(values, titles, measures.values())) for measures in (MEASURES, LOOKS)
    )
    return Section("All methods", (words, means, _LOOKS, looks))


def _differences(
    values: pd.DataFrame, titles: Mapping[str, str], against: str | None
) -> Sequence[Section]:
    """All methods against one, case by case; nothing where no method can be compared with."""
    other = reference_row(list(values.index.unique("method")), against)
    found = {} if other is None else all_differences(values, other)
    if not found or other is None:
        return []
    words = (
        "Mean difference over the cases that both have, its 95 % bootstrap interval, and the p of "
        "the paired permutation test, not adjusted for the number of tests."
    )
    title = f"Against {titles.get(other, other)}"
    return [Section(title, (words, Table(*paired_cells(found, titles))))]


def _orderings(findings: Mapping[Key, _Ordering]) -> Section:
    every = findings.values()
    counts = Counter(each.finding.verdict for each in every)
    decided = len(every) - counts[Verdict.UNMEASURED]
    words = (
        f"Of the paper's {decided} orderings that could be measured, {counts[Verdict.HOLDS]} "
        f"hold, {counts[Verdict.FAILS]} do not hold, and {counts[Verdict.OPEN]} cannot be told: "
        "there the interval of the paired difference contains 0, its p is not below 0.05, or the "
        "cases are too few."
    )
    parts: list[str | Table | Picture] = [words]
    rows = [(_said(each.claim, each.study), each.study.source, *each.cells) for each in every]
    if rows:
        parts.append(Table(("ordering", "in", "here", "difference", "p (Holm)"), rows))
    failed = [each for each in every if each.finding.verdict is Verdict.FAILS]
    if failed:
        parts.append("These come out the other way; beside each, what may be behind it.")
    for each in failed:
        said = f"{_said(each.claim, each.study)} ({each.study.source}): {each.difference}."
        parts.append(f"{said} {each.claim.why}")
    return Section("The paper's orderings", parts)


def _study(study: Study, values: pd.DataFrame, findings: Mapping[Key, _Ordering]) -> Section:
    called = list(dict.fromkeys(name for row in study.rows for name in row.paper))
    titles = (measure.title for measure in MEASURES.values())
    head = ("", *titles, "ObjMC less DragStream's", *(f"paper: {name}" for name in called))
    rows = [
        (
            row.label,
            *(shown_mean(values, row.method, measure) for measure in MEASURES.values()),
            _against(values, row.method),
            *(f"{row.paper[name]:g}" if name in row.paper else "–" for name in called),
        )
        for row in study.rows
    ]
    claims = []
    for claim in study.claims:
        here = findings[_key(claim)]
        factors = (
            "–" if each is None else f"x{each:.2f}" for each in (here.finding.factor, claim.factor)
        )
        claims.append((_said(claim, study), *here.cells, *factors))
    words = f"{study.title}: {', '.join(row.label for row in study.rows)}"
    return Section(
        f"{study.source}: {study.title[0].lower()}{study.title[1:]}",
        (
            Table(head, rows),
            Picture(study.name, png(study_figure(study, values)), words),
            *([Table(_CLAIM_HEAD, claims)] if claims else []),
            study.note,
        ),
    )


def _breakdown(values: pd.DataFrame, cases: Sequence[Case]) -> Sequence[Section]:
    """ObjMC of no drag and of the full method by what a case is like, where both were run."""
    groups: dict[str, list[str]] = {}
    for case in cases:
        for group in (case.mode.value, case.kind.value, *case.tags):
            groups.setdefault(group, []).append(case.name)
    columns = {name: column(values, name, "objmc") for name in (BASELINE, FULL)}
    both = pd.concat(columns, axis=1, join="inner").dropna()
    rows = []
    for group, names in groups.items():
        chosen = both.loc[[name for name in names if name in both.index]]
        if chosen.empty:
            continue
        before, after = estimate(chosen[BASELINE]), estimate(chosen[FULL])
        share = f"{after.mean / before.mean:.2f}" if before.mean else "–"
        rows.append((group, str(len(chosen)), shown(before, 2), shown(after, 2), share))
    head = ("cases", "number", "ObjMC without a drag", "with DragStream", "of that")
    return [Section("By what a case is like", (Table(head, rows),))] if rows else []


def _against(values: pd.DataFrame, method: str) -> str:
    if method == FULL:
        return "–"
    return shown(paired(values, FULL, method, "objmc"), MEASURES["objmc"].digits, signed=True)


def _said(claim: Claim, study: Study) -> str:
    labels = {row.method: row.label for row in study.rows}
    better, worse = (labels.get(name, name) for name in (claim.better, claim.worse))
    return f"{MEASURES[claim.measure].title}: {better} below {worse}"
