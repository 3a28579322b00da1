"""Python source of plain values: calls, lists and numbers, formatted as by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from types import FunctionType
from typing import Any

WIDTH = 100
"""Longest line that `render` writes, unless a part cannot be broken."""
_INDENT = " " * 4
_EXACT = 2**53
"""Limit below which a float without fraction is written as an integer."""


@dataclass(frozen=True)
class Make:
    """A call: its name and its arguments, each with a keyword or None."""

    name: str
    arguments: tuple[tuple[str | None, Expression], ...]

    @classmethod
    def of(cls, name: str, /, *positional: Expression, **named: Expression) -> Make:
        """The call `name(*positional, **named)`."""
        return cls(name, (*((None, part) for part in positional), *named.items()))


@dataclass(frozen=True)
class Items:
    """A list of expressions."""

    parts: tuple[Expression, ...]


Expression = str | Make | Items


def render(expression: Expression, indent: int = 0, taken: int = 0) -> str:
    """An expression as source, broken into lines where it is too long for one.

    Lines after the first are indented by `indent` times four blanks; the first line has `taken`
    other characters.
    """
    flat = _flat(expression)
    if isinstance(expression, str) or len(_INDENT) * indent + taken + len(flat) <= WIDTH:
        return flat
    inner, outer = _INDENT * (indent + 1), _INDENT * indent
    if isinstance(expression, Items):
        if all(isinstance(part, str) for part in expression.parts):
            return f"[\n{_filled(expression.parts, inner)}\n{outer}]"
        lines = [f"{inner}{render(part, indent + 1, 1)}," for part in expression.parts]
        return "\n".join(["[", *lines, f"{outer}]"])
    lines = []
    for keyword, part in expression.arguments:
        name = f"{keyword}=" if keyword else ""
        lines.append(f"{inner}{name}{render(part, indent + 1, len(name) + 1)},")
    return "\n".join([f"{expression.name}(", *lines, f"{outer})"])


def _flat(expression: Expression) -> str:
    """An expression in one line."""
    if isinstance(expression, str):
        return expression
    if isinstance(expression, Items):
        return f"[{', '.join(map(_flat, expression.parts))}]"
    written = [(f"{name}=" if name else "") + _flat(part) for name, part in expression.arguments]
    return f"{expression.name}({', '.join(written)})"


def _filled(parts: Sequence[Expression], indent: str) -> str:
    """Short items, as many in a line as fit."""
    lines = [indent]
    for part in map(_flat, parts):
        if len(lines[-1]) + len(part) + 2 > WIDTH and lines[-1].strip():
            lines.append(indent)
        lines[-1] += f"{part}, "
    return "\n".join(line.rstrip() for line in lines)


def number(value: float) -> str:
    """A number as source that gives the same float; without a point if it has no fraction."""
    if float(value).is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return repr(float(value))


def pair(point: tuple[float, float]) -> str:
    """A point as source."""
    return f"({number(point[0])}, {number(point[1])})"


def pairs(points: Sequence[tuple[float, float]]) -> Items:
    """Points as source."""
    return Items(tuple(map(pair, points)))


def value_expression(value: Any) -> Expression:  # noqa: PLR0911  # one a kind of value
    """The source of a plain value: a number, a text, a tuple, a dataclass, a function by its name.

    Dataclasses and functions are written by name, which the source has to import.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Make(type(value).__name__, tuple(_fields(value)))
    match value:
        case Enum():
            return value_expression(value.value)
        case tuple():
            parts = [render(value_expression(part)) for part in value]
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        case str():
            return quoted(value)
        case None | bool():
            return repr(value)
        case int() | float():
            return number(value)
        case FunctionType():
            return value.__name__
    raise TypeError(f"a value of class {type(value).__name__} cannot be written")


def differences(value: Any, other: Any) -> Iterator[tuple[str, Expression]]:
    """The fields of a dataclass that differ from another's, as arguments."""
    for item in dataclasses.fields(value):
        own = getattr(value, item.name)
        if own != getattr(other, item.name):
            yield item.name, value_expression(own)


def _fields(value: Any) -> Iterator[tuple[str, Expression]]:
    """The fields of a dataclass that differ from their defaults, as arguments."""
    for item in dataclasses.fields(value):
        own = getattr(value, item.name)
        usual = item.default
        if item.default_factory is not dataclasses.MISSING:
            usual = item.default_factory()
        if item.init and (usual is dataclasses.MISSING or own != usual):
            yield item.name, value_expression(own)


def quoted(text: str) -> str:
    """A string literal, in double quotes unless the text has some."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain


def timing(ease: str, frames: tuple[float, ...] | None) -> dict[str, Expression]:
    """The arguments of a timing that is not the default."""
    times: dict[str, Expression] = {}
    if ease != "linear":
        times["ease"] = f'"{ease}"'
    if frames is not None:
        times["frames"] = Items(tuple(map(number, frames)))
    return times
