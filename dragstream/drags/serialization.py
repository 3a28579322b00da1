"""User-defined dataclasses and functions by name and fields, of which the reader names the code."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from types import FunctionType
from typing import Any

from dragstream.drags.checks import short_repr


def to_plain(value: Any, name: str) -> dict[str, Any]:
    """A value as plain data: its class name under "class", beside its fields."""
    if isinstance(value, FunctionType) and value.__name__.isidentifier():
        return {"class": value.__name__}
    parameters: Any = getattr(value, "__dataclass_params__", None)
    if parameters is None or not parameters.frozen:
        raise TypeError(
            f"{name} must be a frozen dataclass, or a function with a name, so that streams with "
            f"it can be saved; got {short_repr(value)}"
        )
    fields = {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    for field, content in fields.items():
        if not _plain(content):
            raise TypeError(
                f"{name}: the field {field!r} must be a number, a string, a boolean, None or a "
                f"tuple of those, so that it can be saved; got {short_repr(content)}"
            )
    return {"class": type(value).__name__, **fields}


def from_plain(data: object, parts: Iterable[Any], name: str) -> Any:
    """The inverse of `to_plain`, with the allowed classes and functions."""
    fields = dict(data) if isinstance(data, dict) else {}
    wanted = fields.pop("class", None)
    known = {part.__name__: part for part in parts}
    if wanted not in known:
        raise ValueError(
            f"{name} is a user-defined {short_repr(wanted)}: pass its class, parts=[...]; "
            f"got {sorted(known)}"
        )
    part = known[wanted]
    if not isinstance(part, type):
        return part
    given = {key: tuple(item) if isinstance(item, list) else item for key, item in fields.items()}
    try:
        return part(**given)
    except TypeError as error:
        raise ValueError(f"{name}: {wanted} does not take {sorted(given)}: {error}") from error


def _plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)
