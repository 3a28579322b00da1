"""Runs parts within a time limit, writes the figures after each, and resumes: `run`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dragstream.bench.gpu.child import ChildError
from dragstream.bench.gpu.setup import Part, Row
from dragstream.drags.files import replacing

FIGURES, TABLE = "gpu.json", "gpu.md"

Clock = Callable[[], float]
"""Seconds."""


Results = Callable[[str, float], Iterator[Row]]
"""Rows of a part, by its name, in at most some seconds; see `Child.results`."""


@dataclass(frozen=True)
class Summary:
    """Outcome of a run: names of the parts."""

    finished: tuple[str, ...]  # measured now
    known: tuple[str, ...]  # measured before
    failed: tuple[str, ...]  # ended early; the next run tries them again
    left_out: tuple[str, ...]  # not begun, since their time was no longer left

    def __str__(self) -> str:
        words = {
            "measured": self.finished,
            "measured before": self.known,
            "ended early": self.failed,
            "left out, no time": self.left_out,
        }
        return "\n".join(f"{word}: {', '.join(names)}" for word, names in words.items() if names)


def run(
    parts: Sequence[Part],
    results: Results,
    folder: Path,
    *,
    about: Mapping[str, Any],
    seconds: float,
    progress: Callable[[str], object] = lambda _: None,
    clock: Clock = time.monotonic,
) -> Summary:
    """Run the parts that the folder lacks, while there is time.

    Parts that failed in an earlier run come last.
    """
    begun = clock()
    known = read(folder, about)
    todo = [part for part in parts if not is_finished(known.get(part.name))]
    before = tuple(part.name for part in parts if part not in todo)
    todo.sort(key=lambda part: part.name in known)  # stable: the order stays otherwise
    ended: dict[bool, list[str]] = {True: [], False: []}
    left_out = []
    for part in todo:
        if part.seconds > seconds - (clock() - begun):
            left_out.append(part.name)
            continue
        progress(part.name)
        outcome = _measured(part, results, clock)
        ended[is_finished(outcome)].append(part.name)
        known[part.name] = outcome
        write(folder, about, known, parts)
    return Summary(tuple(ended[True]), before, tuple(ended[False]), tuple(left_out))


def is_finished(outcome: Mapping[str, Any] | None) -> bool:
    """Return True for a part that was measured completely."""
    return outcome is not None and not outcome["ended"]


def _measured(part: Part, results: Results, clock: Clock) -> dict[str, Any]:
    started, ended = clock(), ""
    rows: list[dict[str, Any]] = []
    try:
        rows.extend(asdict(row) for row in results(part.name, part.seconds))
    except ChildError as error:
        ended = str(error)
    return {
        "title": part.title,
        "columns": list(part.columns),
        "rows": rows,
        "ended": ended,
        "took": round(clock() - started, 1),
        "code": code_digest(),
    }


def read(folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """The outcomes that a folder holds, by part."""
    file = folder / FIGURES
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
        other, outcomes = dict(found["about"]), dict(found["parts"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{file} holds no figures of this benchmark: {error!r}") from error
    differing = [name for name, value in about.items() if other.get(name) != value]
    if differing:
        name = differing[0]
        raise ValueError(
            f"{file} holds figures of another run ({name}: {other.get(name)!r}, now "
            f"{about[name]!r}); name another folder with --out"
        )
    return outcomes


def write(
    folder: Path, about: Mapping[str, Any], outcomes: Mapping[str, Any], parts: Sequence[Part]
) -> None:
    """Write the figures and the table atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = {part.name: outcomes[part.name] for part in parts if part.name in outcomes}
    ordered |= outcomes
    figures = json.dumps({"about": dict(about), "parts": ordered}, indent=2) + "\n"
    for name, text in ((FIGURES, figures), (TABLE, table(about, ordered))):
        with replacing(folder / name) as part:
            part.write_text(text, encoding="utf-8")


def forget(folder: Path, about: Mapping[str, Any], names: Sequence[str]) -> None:
    """Drop the outcomes of parts, so that they are measured again."""
    outcomes = read(folder, about)
    for name in names:
        outcomes.pop(name, None)
    if outcomes or (folder / FIGURES).exists():
        write(folder, about, outcomes, ())


def code_digest() -> str:
    """A digest of the package's Python code, stored beside the figures."""
    total = hashlib.sha256()
    root = Path(__file__).parents[2]
    for path in sorted(root.rglob("*.py")):
        with contextlib.suppress(OSError):
            total.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return total.hexdigest()[:12]


_MISSING = "–"
_THOUSANDTHS = {"s": "ms", "GB": "MB"}


def table(about: Mapping[str, Any], outcomes: Mapping[str, Any]) -> str:
    """Format all parts as one Markdown table below a line with the facts in `about`."""
    lines = [
        "; ".join(f"{name}: {value}" for name, value in about.items()),
        "",
        "| | | | | |",
        "|---|--:|--:|--:|---|",
    ]
    for outcome in outcomes.values():
        heads = (f"*{column}*" if column else "" for column in outcome["columns"])
        lines.append(_line(f"**{outcome['title']}**", *heads, ""))
        lines += [_line(*_cells(row)) for row in outcome["rows"]]
        if outcome["ended"]:
            lines.append(_line("", "", "", "", f"ended early: {outcome['ended']}"))
    if len({outcome["code"] for outcome in outcomes.values()}) > 1:
        names = (f"{name} {outcome['code']}" for name, outcome in outcomes.items())
        lines += ["", f"Parts were measured with different code: {', '.join(names)}."]
    return "\n".join(lines) + "\n"


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["name"]
    for name in ("own", "beside"):
        yield _spread(row[name], row["unit"])
    yield _spread(row["ratio"], "")
    yield row["note"]


def _spread(found: Mapping[str, float] | None, unit: str) -> str:
    """Format the median, with minimum and maximum in brackets if they differ."""
    if found is None:
        return _MISSING
    values = [found[name] for name in ("median", "least", "most")]
    if unit in _THOUSANDTHS and found["most"] < 1:
        values, unit = [1000 * value for value in values], _THOUSANDTHS[unit]
    middle, least, most = (_number(value) for value in values)
    text = f"{middle} {unit}".rstrip()
    return text if least == most else f"{text} ({least} to {most})"


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    digits = 2 if abs(value) >= 1 else 3
    return f"{value:.{digits if abs(value) < 10 else 1}f}"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
