"""``dragstream studio``: JupyterLab on a new notebook with the studio."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from dragstream.command.base import (
    PROMPT,
    UsageError,
    add_folder,
    add_model_options,
    add_parser,
    model_options,
)
from dragstream.command.notebooks import add_jupyter, free_name, notebook, open_lab
from dragstream.drags.expressions import quoted
from dragstream.models.playground import NAMES

_HEAD = """# The studio
Run both cells with **Shift+Enter**. Press *Play*, pause, paint a region, pull it, then *Animate* or
*Edit*."""
_EXAMPLES = """
dragstream studio
dragstream studio --prompt "a blue star slides left past a green box"
dragstream studio --model self-forcing --prompt "a horse on a beach" --folder horse
dragstream studio -- --no-browser --port 8890
"""


def add(commands: Any) -> None:
    """Add the subcommand."""
    text = "open JupyterLab on a new notebook with the studio"
    parser = add_parser(commands, "studio", _run, text, _EXAMPLES)
    add_model_options(parser)
    parser.add_argument("--prompt", help=f"of the video (default of the playground: {PROMPT})")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: %(default)s)")
    add_folder(parser, "dragstream-studio")
    add_jupyter(parser)


def _run(options: argparse.Namespace) -> int:
    if options.prompt is None and options.model not in NAMES:
        raise UsageError(f"the model {options.model!r} needs --prompt")
    options.folder.mkdir(parents=True, exist_ok=True)
    file = free_name(options.folder / "studio.ipynb")
    file.write_text(notebook(list(_cells(options))), encoding="utf-8")
    return open_lab(file, options)


def _cells(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The cells: a stream, the studio, and what the next cell may read."""
    changes = "".join(f", {name}={value!r}" for name, value in model_options(options).items())
    first = [
        "import dragstream as ds",
        "from dragstream.widgets import Studio",
        "",
        f"model = ds.load({quoted(options.model)}{changes})",
        f"prompt = {quoted(options.prompt or PROMPT)}",
    ]
    if options.model in NAMES:
        first[1:2] = ["from dragstream.models.playground import draw", first[1]]
        image = f", image=draw(prompt, seed={options.seed})"
    else:
        image = ""
    first.append(f"stream = ds.Stream(model, prompt, seed={options.seed}{image})")
    yield "markdown", _HEAD
    yield "code", "\n".join(first)
    yield "code", "studio = Studio(stream)\nstudio"
    yield "markdown", "Later cells read what the mouse did: a plain stream, and plain drags."
    yield "code", "studio.stream, studio.drags"
