"""``dragstream demo``: the quick start, as a notebook or as a film."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from dragstream.command.base import PROMPT, UsageError, add_folder, add_parser
from dragstream.command.notebooks import add_jupyter, course, free_name, open_lab
from dragstream.drags.files import expanded

_EXAMPLES = """
dragstream demo
dragstream demo --film first.gif
"""


def add(commands: Any) -> None:
    """Add the subcommand."""
    text = "open the quick-start notebook in JupyterLab, or drag a critter through a film"
    parser = add_parser(commands, "demo", _run, text, _EXAMPLES)
    parser.add_argument(
        "--film",
        type=expanded,
        metavar="FILE",
        help="instead of the notebook, generate a video with a drag (.gif or .mp4); a few seconds",
    )
    add_folder(parser, "dragstream-demo")
    add_jupyter(parser)


def _run(options: argparse.Namespace) -> int:
    if options.film is not None:
        print(_film(options.film))
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    first = course()[0]
    copy = free_name(options.folder / first.name)
    return open_lab(shutil.copyfile(first, copy), options)


def _film(file: Path) -> Path:
    """The quick start's video: a critter that is pulled to the right."""
    if file.suffix not in {".gif", ".mp4"}:
        raise UsageError(f"--film must end in .gif or .mp4, got {str(file)!r}")
    from dragstream.drags import regions
    from dragstream.drags.motions import Drag, Translation
    from dragstream.models import load
    from dragstream.models.playground import draw
    from dragstream.stream.stream import Stream

    stream = Stream(load("playground"), PROMPT, seed=2, image=draw(PROMPT, seed=41))
    stream.run(3)
    critter = regions.disc(center=(139, 122), radius=42)
    stream.animate([Drag(critter, Translation.by(60, 0))], blocks=3, progress=True)
    return stream.to_gif(file) if file.suffix == ".gif" else stream.to_mp4(file)
