"""Reports of a run: the paper's ablations with the run's figures, in Markdown and HTML.

A `Report` is sections of paragraphs, tables and pictures, without markup; `pages` writes it as a
page and escapes all text, so that names of cases, methods and files cannot become markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from dragstream.drags.files import expanded
from dragstream.revel.cases import Case
from dragstream.revel.charts import png, study_figure
from dragstream.revel.folders import method_titles, read_cases, read_run
from dragstream.revel.measuring import Result
from dragstream.revel.methods import BASELINE, FULL
from dragstream.revel.pages import Picture, Report, Section, Table, to_html, to_markdown
from dragstream.revel.paired_tables import (
    all_differences,
    looks_cells,
    paired_cells,
    reference_row,
    shown_p,
)
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
)
from dragstream.revel.studies import MEASURES, STUDIES, Study

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
    "An ordering holds if the whole 95 % interval of the difference lies on its side of 0, does "
    "not hold if it lies on the other side, and cannot be told if it contains 0 or if there are "
    "fewer than six cases. p is that of the "
    "paired permutation test (signs of the differences), in brackets by Holm's adjustment for all "
    "the orderings of this report. In the plots dots are means and lines "
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
    """The report of results.

    Args:
        results: results of any methods and cases.
        cases: the results' cases, for the breakdown by their tags.
        about: model, fingerprint and methods, as `RunFolder` writes them.
        against: see `write_report`.
    """
    values = table(results)
    studies = [part for study in STUDIES.values() if (part := _run_part(study, values)) is not None]
    findings = {study.name: [judge(values, claim) for claim in study.claims] for study in studies}
    adjusted = _adjusted(studies, findings)
    sections = [
        _overview(results, about),
        *_differences(results, about, against),
        _orderings(studies, findings, adjusted),
        *(_study(study, values, findings[study.name], adjusted) for study in studies),
        *_breakdown(values, cases),
        _explained(),
    ]
    return Report("Dragging, measured", tuple(sections))


def _run_part(study: Study, values: pd.DataFrame) -> Study | None:
    """A study with the rows and claims that were run; None where fewer than two rows were."""
    run = set(values.index.unique("method"))
    rows = tuple(row for row in study.rows if row.method in run)
    claims = tuple(each for each in study.claims if {each.better, each.worse} <= run)
    return replace(study, rows=rows, claims=claims) if len(rows) > 1 else None


def _overview(results: Sequence[Result], about: Mapping[str, Any]) -> Section:
    titles = method_titles(about)
    values = table(results)
    methods = values.index.unique("method")
    cases = values.index.unique("case")
    words = (
        f"Model {about.get('model')}, weights {str(about.get('fingerprint'))[:12]}; "
        f"{len(methods)} methods on {len(cases)} cases, {len(results)} results. Of every measure "
        f"less is better; in brackets the {CONFIDENCE:.0%} bootstrap interval of the mean over "
        "cases."
    )
    rows = tuple(
        (
            titles.get(name, name),
            *(_shown_mean(values, name, each) for each in MEASURES),
        )
        for name in methods
    )
    head = ("method", *(measure.title for measure in MEASURES.values()))
    looks = looks_cells(results, titles)
    return Section("All methods", (words, Table(head, rows), _LOOKS, _table(*looks)))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return Table(tuple(head), tuple(map(tuple, rows)))


def _differences(
    results: Sequence[Result], about: Mapping[str, Any], against: str | None
) -> Sequence[Section]:
    """All methods against one, case by case; nothing where no method can be compared with."""
    titles = method_titles(about)
    other = reference_row([result.method for result in results], against)
    found = {} if other is None else all_differences(table(results), other)
    if not found or other is None:
        return []
    words = (
        "Mean difference over the cases that both have, its 95 % bootstrap interval, and the p of "
        "the paired permutation test, not adjusted for the number of tests."
    )
    name = titles.get(other, other)
    return [Section(f"Against {name}", (words, _table(*paired_cells(found, titles))))]


Adjusted = Mapping[tuple[str, str, str], float]
"""Holm's p of each comparison (better, worse, measure)."""


def _adjusted(
    studies: Sequence[Study], findings: Mapping[str, Sequence[Finding]]
) -> dict[tuple[str, str, str], float]:
    every = [finding for _, finding in _each_once(studies, findings)]
    keys = [_key(finding) for finding in every]
    return dict(zip(keys, holm([finding.p for finding in every]), strict=True))


def _key(finding: Finding) -> tuple[str, str, str]:
    claim = finding.claim
    return claim.better, claim.worse, claim.measure


def _orderings(
    studies: Sequence[Study], findings: Mapping[str, Sequence[Finding]], adjusted: Adjusted
) -> Section:
    every = _each_once(studies, findings)
    counts = Counter(finding.verdict for _, finding in every)
    decided = len(every) - counts[Verdict.UNMEASURED]
    words = (
        f"Of the paper's {decided} orderings that could be measured, {counts[Verdict.HOLDS]} "
        f"hold, {counts[Verdict.FAILS]} do not hold, and {counts[Verdict.OPEN]} cannot be told: "
        "there the interval of the paired difference contains 0, or the cases are too few."
    )
    parts: list[str | Table | Picture] = [words]
    rows = tuple(
        (
            _said(finding, study),
            study.source,
            finding.verdict.value,
            _shown(finding),
            _p(finding, adjusted),
        )
        for study, finding in every
    )
    if rows:
        parts.append(Table(("ordering", "in", "here", "difference", "p (Holm)"), rows))
    failed = [each for each in every if each[1].verdict is Verdict.FAILS]
    if failed:
        parts.append("These come out the other way; beside each, what may be behind it.")
    for study, finding in failed:
        said = f"{_said(finding, study)} ({study.source}): {_shown(finding)}."
        parts.append(f"{said} {finding.claim.why}")
    return Section("The paper's orderings", tuple(parts))


def _p(finding: Finding, adjusted: Adjusted) -> str:
    return f"{shown_p(finding.p)} ({shown_p(adjusted[_key(finding)])})"


def _each_once(
    studies: Sequence[Study], findings: Mapping[str, Sequence[Finding]]
) -> list[tuple[Study, Finding]]:
    """Each comparison once, with the first study that makes it: several tables share some."""
    found: dict[tuple[str, str, str], tuple[Study, Finding]] = {}
    for study in studies:
        for finding in findings[study.name]:
            found.setdefault(_key(finding), (study, finding))
    return list(found.values())


def _study(
    study: Study, values: pd.DataFrame, findings: Sequence[Finding], adjusted: Adjusted
) -> Section:
    called = list(dict.fromkeys(name for row in study.rows for name in row.paper))
    head = (
        "",
        *(measure.title for measure in MEASURES.values()),
        "ObjMC less DragStream's",
        *(f"paper: {name}" for name in called),
    )
    rows = tuple(
        (
            row.label,
            *(_shown_mean(values, row.method, name) for name in MEASURES),
            _against(values, row.method),
            *(f"{row.paper[name]:g}" if name in row.paper else "–" for name in called),
        )
        for row in study.rows
    )
    claims = tuple(
        (
            _said(finding, study),
            finding.verdict.value,
            _shown(finding),
            _p(finding, adjusted),
            "–" if finding.factor is None else f"x{finding.factor:.2f}",
            "–" if finding.claim.factor is None else f"x{finding.claim.factor:.2f}",
        )
        for finding in findings
    )
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
    return [Section("By what a case is like", (Table(head, tuple(rows)),))] if rows else []


def _explained() -> Section:
    return Section("What is measured", (_OBJMC, _DAI, _REST, _DIFFERENCES))


def _shown_mean(values: pd.DataFrame, method: str, name: str) -> str:
    found = estimate(column(values, method, name))
    if name == "objmc" and found.unmeasured and not found.count:
        coverage = 100 * column(values, method, "coverage").mean()
        return f"not measured (coverage {coverage:.0f} %)"
    return shown(found, MEASURES[name].digits)


def _against(values: pd.DataFrame, method: str) -> str:
    if method == FULL:
        return "–"
    return shown(paired(values, FULL, method, "objmc"), MEASURES["objmc"].digits, signed=True)


def _said(finding: Finding, study: Study) -> str:
    labels = {row.method: row.label for row in study.rows}
    claim = finding.claim
    return (
        f"{MEASURES[claim.measure].title}: {labels.get(claim.better, claim.better)} below "
        f"{labels.get(claim.worse, claim.worse)}"
    )


def _shown(finding: Finding) -> str:
    return shown(finding.difference, MEASURES[finding.claim.measure].digits, signed=True)
