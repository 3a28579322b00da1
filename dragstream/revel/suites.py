"""Sets of cases: the benchmark and parts of it, and files of cases.

The benchmark's cases are sampled on a model's video of their scenes (`sampling`), so they depend on
the model's weights. They are reproducible without files: the same weights, spec and seed give the
same case. `write_cases` stores sampled cases, or cases of other origin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from dragstream.drags.checks import check_int
from dragstream.drags.files import expanded
from dragstream.revel.cases import Case
from dragstream.revel.folders import read_lines
from dragstream.revel.specs import CaseSpec, Split, case_specs

SUITES = {
    "ablation": "the first 24 public cases, for the paper's ablations",
    "public": "the public half of the benchmark",
    "held-out": "the other half: choose nothing by it",
    "revel": "the whole benchmark",
}
"""The names that `suite` takes, with descriptions."""

ABLATION = 24
"""Cases of the suite "ablation": a whole round of the plan, and single drags of the next one."""


def suite(name: str, count: int | None = None) -> tuple[Case | CaseSpec, ...]:
    """The cases of a suite, or specs to draw them for.

    Args:
        name: one of `SUITES`, or a file that `write_cases` wrote.
        count: no more than the first so many; None: all.

    Raises:
        ValueError: neither a suite nor a file, or a damaged file.
    """
    found: Sequence[Case | CaseSpec]
    specs = case_specs()
    public = [spec for spec in specs if spec.split is Split.PUBLIC]
    match name:
        case "ablation":
            found = public[:ABLATION]
        case "public":
            found = public
        case "held-out":
            found = [spec for spec in specs if spec.split is Split.HELD_OUT]
        case "revel":
            found = specs
        case _:
            found = _from_file(name)
    return tuple(found if count is None else found[: check_int(count, "count", least=1)])


def _from_file(name: str) -> Sequence[Case]:
    if not expanded(name, "suite").is_file():
        raise ValueError(f"suite must be one of {list(SUITES)} or a file of cases, got {name!r}")
    return read_cases(name)


def read_cases(file: str | Path) -> tuple[Case, ...]:
    """The cases of a file of JSON lines.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a line that is no case; the message names it.
    """
    place = expanded(file, "file")
    if not place.exists():
        raise FileNotFoundError(f"there is no file of cases {str(place)!r}")
    return tuple(read_lines(place, Case.from_json))


def write_cases(file: str | Path, cases: Iterable[Case]) -> Path:
    """Write cases to a file, one a line; returns its path."""
    place = expanded(file, "file")
    lines = [json.dumps(case.to_json()) + "\n" for case in cases]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("".join(lines), encoding="utf-8")
    return place
