"""An example of a package that adds to DragStream: a model, and a rectification."""

from __future__ import annotations

from dragstream_echo.model import Echo
from dragstream_echo.rectification import WithinRange

__all__ = ["Echo", "WithinRange", "load"]


def load() -> Echo:
    """The model, as `ds.load("echo")` gives it."""
    return Echo()
