"""Strict readers of JSON: each fault is a ValueError that begins with the place of the value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from dragstream.drags.checks import check_choice, short_repr, truncate

MOST_POINTS = 2**14
"""Longest list of points or angles that a document may hold."""

Document = dict[str, Any]


@contextmanager
def located(where: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn errors (default: TypeError, ValueError) into a ValueError that begins with `where`."""
    caught = errors or (TypeError, ValueError)
    try:
        yield
    except caught as error:
        raise ValueError(truncate(f"{where}: {str(error) or type(error).__name__}")) from error


def read_type(value: object, where: str, allowed: Sequence[str]) -> str:
    """The "type" of an object, one of `allowed`."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object, got {short_repr(value)}")  # noqa: TRY004
    return check_choice(value.get("type"), allowed, f"{where}.type")  # type: ignore[no-any-return]


def read_fields(
    value: object, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """An object with all required fields, and no others but the optional ones."""
    if not isinstance(value, Mapping):
        raise ValueError(f"{where} must be an object, got {short_repr(value)}")  # noqa: TRY004
    missing = [name for name in required if name not in value]
    if missing:
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    unknown = [short_repr(name) for name in value if name not in required and name not in optional]
    if unknown:
        known = ", ".join((*required, *optional))
        raise ValueError(f"{where} has unknown fields {', '.join(unknown[:8])}; it takes {known}")
    return value


def read_list(value: object, where: str, most: int) -> Sequence[Any]:
    """A list of at most `most` values."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where} must be a list, got {short_repr(value)}")  # noqa: TRY004
    if len(value) > most:
        raise ValueError(f"{where} may hold at most {most} values, got {len(value)}")
    return value


class Budget:
    """Limits for a whole file, since limits of its parts do not limit their number."""

    def __init__(self, **most: int) -> None:
        self._most = most
        self._left = dict(most)

    def spend(self, thing: str, amount: int, where: str) -> None:
        """Subtract an amount of one kind; a ValueError if too little is left."""
        if thing not in self._left:
            return
        if amount > self._left[thing]:
            name = thing.replace("_", " ")
            raise ValueError(f"{where}: at most {self._most[thing]} {name} are read altogether")
        self._left[thing] -= amount


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
    """The inverse of `to_plain`; a document names none but the given classes and functions."""
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
