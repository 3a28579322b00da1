"""The command line ``dragstream``: its parser, and errors as exit statuses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from dragstream import __version__
from dragstream.command import checkpoint, course, demo, doctor, replay, studio
from dragstream.command.base import UsageError
from dragstream.drags.failures import FAILURES, one_line

_STATUSES = """exit status:
  0  done
  1  an error; one line on the standard error output says which
  2  a command line that cannot be understood
  130  interrupted"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    options = build_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except UsageError as error:
        options.parser.error(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except FAILURES as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    return status


def build_parser() -> argparse.ArgumentParser:
    """The parser of all subcommands; each sets `run`, and `parser` for its own errors."""
    parser = argparse.ArgumentParser(
        prog="dragstream",
        description="Drag anything in a video while a model is generating it.",
        epilog=_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for subcommand in (replay, studio, demo, course, checkpoint, doctor):
        subcommand.add(commands)
    return parser
