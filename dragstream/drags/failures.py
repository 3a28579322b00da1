"""Errors that commands report in one line, without a traceback: `FAILURES`, `exit_on_failure`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

FAILURES = (
    OSError,
    ValueError,
    TypeError,
    ImportError,
    MemoryError,
    ArithmeticError,
    RuntimeError,
)
"""Documented errors of the package; others are defects, and show their traceback."""


def one_line(error: BaseException) -> str:
    """The message of an error without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def exit_on_failure() -> Iterator[None]:
    """Turn a documented error into its message and exit status 1; also a decorator."""
    try:
        yield
    except FAILURES as error:
        raise SystemExit(f"error: {one_line(error)}") from error
