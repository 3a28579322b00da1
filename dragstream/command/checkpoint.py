"""``dragstream inspect``: the contents of a checkpoint file, without loading it."""

from __future__ import annotations

import argparse
from typing import Any

from dragstream.command.base import add_parser
from dragstream.drags.files import expanded

_EXAMPLES = """
dragstream inspect self_forcing_dmd.pt
dragstream inspect my-lora.safetensors
"""


def add(commands: Any) -> None:
    """Add the subcommand."""
    text = "say what a checkpoint holds (layout, sizes, dtype, which release), without loading it"
    parser = add_parser(commands, "inspect", _run, text, _EXAMPLES)
    parser.add_argument("file", type=expanded, metavar="FILE", help="a file or folder of weights")


def _run(options: argparse.Namespace) -> int:
    from dragstream.models import inspect

    print(inspect(options.file))
    return 0
