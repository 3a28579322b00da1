"""Packages that only some of the package needs, by the extra that brings them."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def needed(module: str, what: str, extra: str, more: str = "") -> Any:
    """Import a module; an ImportError says what needs which package, and how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f'{what}: pip install "dragstream[{extra}]"{more}') from error
