"""Runs parts one by one within a time, writes figures after each, and resumes: `run`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dragstream.bench.gpu.child import ChildError
from dragstream.bench.gpu.part import Part
from dragstream.bench.gpu.report import table
from dragstream.bench.gpu.rows import Row

FIGURES, TABLE = "gpu.json", "gpu.md"

Clock = Callable[[], float]
"""Seconds."""


class Results(Protocol):
    """Rows of a part, by its name, in at most some seconds; see `Child.results`."""

    def __call__(self, name: str, seconds: float, /) -> Iterator[Row]:
        """Yield the rows; raise ChildError where they end early."""
        ...


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
    """Measure what the folder does not hold yet, as far as the time goes.

    Parts that were never begun come before those that failed in an earlier run.
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
        rows.extend(row.to_json() for row in results(part.name, part.seconds))
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
        other, outcomes = found["about"], found["parts"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} holds no figures of this benchmark: {error!r}") from error
    differing = [name for name, value in about.items() if other.get(name) != value]
    if differing:
        name = differing[0]
        raise ValueError(
            f"{file} holds figures of another run ({name}: {other.get(name)!r}, now "
            f"{about[name]!r}); name another folder with --out"
        )
    return dict(outcomes)


def write(
    folder: Path, about: Mapping[str, Any], outcomes: Mapping[str, Any], parts: Sequence[Part]
) -> None:
    """Write the figures and the table, each as a whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = {part.name: outcomes[part.name] for part in parts if part.name in outcomes}
    ordered |= outcomes
    figures = json.dumps({"about": dict(about), "parts": ordered}, indent=2) + "\n"
    for name, text in ((FIGURES, figures), (TABLE, table(about, ordered))):
        draft = folder / f".{name}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(folder / name)


def forget(folder: Path, about: Mapping[str, Any], names: Sequence[str]) -> None:
    """Drop the outcomes of parts, so that they are measured again."""
    outcomes = read(folder, about)
    for name in names:
        outcomes.pop(name, None)
    if outcomes or (folder / FIGURES).exists():
        write(folder, about, outcomes, ())


def code_digest() -> str:
    """A digest of the package's Python code, by which figures of changed code can be told."""
    total = hashlib.sha256()
    root = Path(__file__).parents[2]
    for path in sorted(root.rglob("*.py")):
        with contextlib.suppress(OSError):
            total.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return total.hexdigest()[:12]
