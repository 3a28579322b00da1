"""The folder of a run: its model and methods, the drawn cases, and each result as it comes.

```
run.json        format, model, fingerprint, methods with their settings
cases.jsonl     one case a line
results.jsonl   one result a line: a method on a case
films/          with --films: each method's film of each case (`case_folders`)
```

Lines are only ever added, each in one write; a line that was cut short is dropped when the folder
is opened again. One process writes at a time: the system's lock goes with it, however it ends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from dragstream.drags.checks import short_repr
from dragstream.drags.files import expanded, replacing
from dragstream.drags.reading import located
from dragstream.revel.case_folders import (
    BROKEN,
    LARGEST_JSON,
    has_film,
    read_document,
    store_films,
)
from dragstream.revel.cases import Case, case_reader
from dragstream.revel.measuring import Result
from dragstream.revel.methods import BASELINE, Method

FORMAT = 1


class RunFolder:
    """A run's folder, open for writing; see `RunFolder.open`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._about = read_about(folder) or {}
        _repair(folder / "cases.jsonl")
        _repair(folder / "results.jsonl")
        self._cases = {case.name for case in read_cases(folder)}
        self._done = {(result.case, result.method) for result in read_results(folder)}

    @classmethod
    @contextmanager
    def open(cls, folder: str | Path) -> Iterator[RunFolder]:
        """Open a new folder, or one whose run continues."""
        place = expanded(folder, "folder")
        place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(f"another process is writing to {str(place)!r}") from None
        try:
            yield cls(place)
        finally:
            lock.release()

    def begin(self, model: str, methods: Sequence[Method], **sampling: object) -> None:
        """Set the model and methods of the run. A begun folder takes additional methods."""
        self._check("model", model)
        for name, value in sampling.items():
            self._check(name, value)
        known: dict[str, Any] = dict(self._about.get("methods", {}))
        for method in methods:
            settings = None if method.settings is None else method.settings.to_json()
            # As it will be read back: tuples are lists by then.
            entry = json.loads(json.dumps({"title": method.title, "settings": settings}))
            if known.setdefault(method.name, entry)["settings"] != entry["settings"]:
                raise ValueError(
                    f"{str(self._folder)!r} was run with other settings of {method.name!r}; "
                    "use another folder"
                )
        self._write_about({**self._about, "model": model, **sampling, "methods": known})

    def missing(
        self, case: str, methods: Sequence[Method], *, films: bool = False
    ) -> tuple[Method, ...]:
        """The methods that have not been run on a case, or left no film where films are wanted."""
        return tuple(
            method
            for method in methods
            if (case, method.name) not in self._done
            or (films and not has_film(self._folder, case, method.name))
        )

    def add(
        self,
        case: Case,
        results: Iterable[Result],
        fingerprint: str,
        films: Mapping[str, bytes] | None = None,
    ) -> None:
        """Store a case, the files of its films, and results; stored results are skipped."""
        self._check("fingerprint", fingerprint)
        self._write_about({**self._about, "fingerprint": fingerprint})
        if case.name not in self._cases:
            self._cases.add(case.name)
            _append(self._folder / "cases.jsonl", [case.to_json()])
        if films is not None:  # before the results, which say that the case is done
            store_films(self._folder, case.name, films)
        fresh = [each for each in results if (each.case, each.method) not in self._done]
        self._done |= {(each.case, each.method) for each in fresh}
        _append(self._folder / "results.jsonl", [each.to_json() for each in fresh])

    def _check(self, name: str, value: object) -> None:
        """Check that the folder was not begun with another value."""
        known = self._about.get(name, value)
        if known != value:
            raise ValueError(
                f"{str(self._folder)!r} holds a run with another {name}: {short_repr(known)}, "
                f"not {short_repr(value)}; use another folder"
            )

    def _write_about(self, about: dict[str, Any]) -> None:
        self._about = {"format": FORMAT, **about}
        with replacing(self._folder / "run.json") as part:
            part.write_text(json.dumps(self._about, indent=2) + "\n", encoding="utf-8")


def read_about(folder: str | Path) -> dict[str, Any] | None:
    """The description that a run's folder holds; None for one that was not begun."""
    place = expanded(folder, "folder") / "run.json"
    if not place.exists():
        return None
    about = read_document(place, FORMAT, "a run")
    methods = about.get("methods", {})
    entries = methods.values() if isinstance(methods, dict) else [None]
    if not all(isinstance(each, dict) and isinstance(each.get("title"), str) for each in entries):
        raise ValueError(f"{str(place)!r}: methods must have titles, got {short_repr(methods)}")
    return about


def read_run(folder: str | Path) -> tuple[dict[str, Any], tuple[Result, ...]]:
    """The description and the results of a run."""
    about, results = read_about(folder), read_results(folder)
    if about is None or not results:
        raise ValueError(f"{str(expanded(folder, 'folder'))!r} holds no results of a run")
    return about, results


def method_titles(about: Mapping[str, Any]) -> dict[str, str]:
    """The title of each method of a run by its name; no drag has one in every run."""
    named = {name: str(each["title"]) for name, each in about.get("methods", {}).items()}
    return {BASELINE: "no drag", **named}


def read_cases(folder: str | Path) -> tuple[Case, ...]:
    """The cases of a run so far."""
    return read_case_lines(expanded(folder, "folder") / "cases.jsonl")


def read_results(folder: str | Path) -> tuple[Result, ...]:
    """The results of a run so far, each pair of case and method once."""
    found = _read_lines(expanded(folder, "folder") / "results.jsonl", Result.from_json)
    return tuple({(each.case, each.method): each for each in found}.values())


def read_case_lines(file: Path) -> tuple[Case, ...]:
    """The cases of a file of JSON lines, within one budget."""
    reader = case_reader()
    return tuple(_read_lines(file, lambda document: Case.from_json(document, reader)))


def _read_lines(file: Path, read: Any) -> Iterator[Any]:
    """`read` of each JSON line of a file; nothing where there is no file."""
    if not file.exists():
        return
    with file.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            with located(f"{file}, line {number}", *BROKEN):
                if len(line) > LARGEST_JSON:
                    raise ValueError(f"at most {LARGEST_JSON} bytes are read")
                found = read(json.loads(line))
            yield found


def _append(file: Path, documents: Sequence[Mapping[str, Any]]) -> None:
    """Add lines in one write, all the way to the disk."""
    if not documents:
        return
    text = "".join(json.dumps(document) + "\n" for document in documents)
    with file.open("ab") as stream:
        stream.write(text.encode())
        stream.flush()
        os.fsync(stream.fileno())


def _repair(file: Path) -> None:
    """Drop a last line that was cut short."""
    if not file.exists():
        return
    data = file.read_bytes()
    end = data.rfind(b"\n") + 1
    if end < len(data):
        with file.open("r+b") as stream:
            stream.truncate(end)
