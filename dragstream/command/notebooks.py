"""Notebooks of the commands: the course's files, new ones, and JupyterLab opened on them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def course() -> list[Path]:
    """The notebooks of the course, in order: those in the wheel, or of the repository."""
    package = Path(__file__).parents[1]
    for folder in (package / "course", package.parent / "notebooks"):
        found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
        if found:
            return found
    raise FileNotFoundError(f"there are no notebooks in {str(package / 'course')!r}: reinstall")


def free_name(file: Path) -> Path:
    """`file`, or the first of `file-2`, `file-3`, ... that does not exist."""
    number, free = 2, file
    while free.exists():
        free, number = file.with_stem(f"{file.stem}-{number}"), number + 1
    return free


def notebook(cells: Sequence[tuple[str, str]]) -> str:
    """A notebook as JSON, format 4.5, of cells: type ("markdown" or "code") and source."""
    listed: list[dict[str, Any]] = []
    for number, (kind, source) in enumerate(cells):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        listed.append({**cell, "source": source.splitlines(keepends=True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    document = {
        "cells": listed,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1) + "\n"


def add_jupyter(parser: argparse.ArgumentParser) -> None:
    """Add the options that `open_lab` reads."""
    parser.add_argument(
        "--no-open", action="store_true", help="write the notebook; do not start JupyterLab"
    )
    parser.add_argument(
        "jupyter", nargs="*", metavar="-- OPTION", help="options of JupyterLab, after two dashes"
    )


def open_lab(file: Path, options: argparse.Namespace) -> int:
    """Print a notebook's path, and run JupyterLab on it until it ends; returns the exit status."""
    print(file)
    if options.no_open:
        return 0
    if importlib.util.find_spec("jupyterlab") is None:
        raise ImportError('JupyterLab is not installed: pip install "dragstream[lab]"')
    command = [sys.executable, "-m", "jupyterlab", *options.jupyter, str(file)]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - no shell
