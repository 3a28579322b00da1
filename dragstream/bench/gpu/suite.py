"""The tests that need a GPU, run by pytest in a subprocess."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dragstream.bench.gpu.setup import Row, Setup

SECONDS = 140
"""Time limit of the tests."""

_MARK = "mark.gpu"


def suite(setup: Setup) -> Iterator[Row]:
    """Run the tests marked gpu; count those that passed and name those that failed."""
    checkout = Path(__file__).resolve().parents[3]
    files = marked(checkout / "tests")
    if setup.device.type != "cuda":
        yield Row("tests marked gpu", note="not measured: there is no GPU here")
    elif not files:
        yield Row("tests marked gpu", note=f"not measured: there are no tests in {checkout}")
    elif importlib.util.find_spec("pytest") is None:
        yield Row("tests marked gpu", note="not measured: pytest is not installed")
    else:
        setup.forget()
        yield run_tests(files, checkout)


def marked(folder: Path) -> list[Path]:
    """The test files under a folder with the mark; others may need packages that are missing."""
    return [path for path in sorted(folder.rglob("test_*.py")) if _MARK in path.read_text("utf-8")]


def run_tests(files: list[Path], checkout: Path) -> Row:
    """Run the marked tests of files in a checkout; the note has pytest's summary."""
    options = ["-q", "-m", "gpu", "-rfE", "-p", "no:cacheprovider", "-W", "ignore"]
    command = [sys.executable, "-m", "pytest", *options, *map(str, files)]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, on files of this repository
            command, check=False, capture_output=True, text=True, timeout=SECONDS, cwd=checkout
        )
    except subprocess.TimeoutExpired:
        return Row("tests marked gpu", note=f"not measured: took longer than {SECONDS} s")
    return Row("tests marked gpu", note=summary(done.stdout, done.stderr))


def summary(output: str, errors: str = "") -> str:
    """The last line of pytest's output, and the names of the tests that failed."""
    lines = [line for line in (output or errors).splitlines() if line.strip()]
    last = lines[-1].strip("= ") if lines else "pytest printed nothing"
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE)
    return "; ".join([last, *failed])
