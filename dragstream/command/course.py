"""``dragstream course``: copies the notebooks of the course."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from dragstream.command.base import add_parser
from dragstream.command.notebooks import course
from dragstream.drags.files import expanded

_EXAMPLES = """
dragstream course lessons
jupyter lab lessons/01_first_drag.ipynb
"""


def add(commands: Any) -> None:
    """Add the subcommand."""
    text = "copy the notebooks of the course into a folder"
    parser = add_parser(commands, "course", _run, text, _EXAMPLES)
    parser.add_argument("folder", type=expanded, metavar="DIR", help="made if missing")
    parser.add_argument("--overwrite", action="store_true", help="replace notebooks that are there")


def _run(options: argparse.Namespace) -> int:
    folder: Path = options.folder
    copies = {source: folder / source.name for source in course()}
    present = [copy.name for copy in copies.values() if copy.exists()]
    if present and not options.overwrite:
        raise FileExistsError(f"{folder} holds {', '.join(present)}: --overwrite replaces them")
    folder.mkdir(parents=True, exist_ok=True)
    for source, copy in copies.items():
        print(shutil.copyfile(source, copy))
    return 0
