"""Parsers, options and errors shared by the subcommands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dragstream.drags.files import expanded

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel

PROMPT = "a red critter rests beside a blue box in a meadow"
"""The caption of the quick start, for the packaged model."""


class UsageError(Exception):
    """A combination of options that has no meaning: exit status 2."""


def add_parser(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str, examples: str
) -> argparse.ArgumentParser:
    """Add a subcommand."""
    lines = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=f"examples:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, parser=parser)
    return parser


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and the options that `load_model` reads."""
    parser.add_argument(
        "--model",
        default="playground",
        help="a name of ds.models.available(), or a model folder (default: %(default)s)",
    )
    parser.add_argument("--height", type=int, metavar="PIXELS", help="of the frames; Wan models")
    parser.add_argument("--width", type=int, metavar="PIXELS", help="of the frames; Wan models")
    parser.add_argument("--device", help="such as cuda:1 or cpu; Wan models")


def model_options(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `ds.load` that were given beside the name."""
    names = ("height", "width", "device")
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def load_model(options: argparse.Namespace) -> VideoModel:
    """The model of the options."""
    from dragstream.models import load

    return load(options.model, **model_options(options))


def add_folder(parser: argparse.ArgumentParser, default: str) -> None:
    """Add ``--folder``, where notebooks are written."""
    parser.add_argument(
        "--folder",
        type=expanded,
        default=expanded(default),
        help="for the notebook and what it writes; made if missing (default: %(default)s)",
    )
