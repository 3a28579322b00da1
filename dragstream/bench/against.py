"""Times blocks of this checkout and of another one in alternation: `compare_checkouts`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dragstream.bench.measure import Comparison, comparison
from dragstream.drags.checks import check_int

_WORKER = Path(__file__).with_name("timed_blocks.py")
HERE = Path(__file__).resolve().parents[2]
"""This checkout."""

KINDS = ("plain", "dragged")


def compare_checkouts(
    other: Path, given: Mapping[str, Any], *, pairs: int = 9
) -> dict[str, Comparison]:
    """Time plain and dragged blocks of two checkouts, each in a process of its own."""
    check_int(pairs, "pairs", least=1)
    if not (other / "dragstream" / "__init__.py").is_file():
        raise FileNotFoundError(f"--against: there is no checkout of dragstream in {other}")
    with _worker(HERE, given) as own, _worker(other.resolve(), given) as theirs:
        found = {}
        for kind in KINDS:
            turns = []
            for turn in range(pairs + 1):
                order = (own, theirs) if turn % 2 == 0 else (theirs, own)
                taken = {id(each): _ask(each, kind)["seconds"] for each in order}
                turns.append((taken[id(own)], taken[id(theirs)]))
            found[kind] = comparison(turns[1:])
        return found


@contextlib.contextmanager
def _worker(checkout: Path, given: Mapping[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """Start a worker on a checkout, and end it."""
    command = [sys.executable, "-P", str(_WORKER), json.dumps(dict(given))]
    env = os.environ | {"PYTHONPATH": str(checkout)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=env, **pipes) as process:  # type: ignore[call-overload]  # noqa: S603
        try:
            code = Path(_answer(process)["code"]).resolve()
            if not code.is_relative_to(checkout):
                raise RuntimeError(f"the worker imported {code} instead of {checkout}")
            yield process
        finally:
            process.kill()


def _ask(process: subprocess.Popen[str], kind: str) -> Any:
    if process.stdin is None:
        raise RuntimeError("the worker has no input")
    process.stdin.write(f"{kind}\n")
    process.stdin.flush()
    return _answer(process)


def _answer(process: subprocess.Popen[str]) -> Any:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise RuntimeError(f"the worker ended with exit code {process.wait()}; its error is above")
    return json.loads(line)


def lines(found: Mapping[str, Comparison], own: str = "here", other: str = "there") -> str:
    """The comparisons in a table of text."""
    heads = f"{'':<16}{own:>9}{other:>9}{'ratio':>8}{'least':>8}{'most':>8}"
    rows = [
        f"{kind:<16}{each.own.median:>7.3f} s{each.other.median:>7.3f} s"
        f"{each.ratio.median:>8.2f}{each.ratio.least:>8.2f}{each.ratio.most:>8.2f}"
        for kind, each in found.items()
    ]
    return "\n".join([heads, *rows])
