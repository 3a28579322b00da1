"""Callbacks that do not keep a widget alive."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


def weak_callback(method: Callable[..., Any]) -> Callable[..., None]:
    """A function that calls a bound method for as long as its object is there."""
    known = weakref.WeakMethod(method)

    def call(*arguments: Any) -> None:
        alive = known()
        if alive is not None:
            alive(*arguments)

    return call
