"""Drags as Python source: expressions that evaluate to exactly the same values.

```python
print(render(drag_expression(drag)))
# ds.Drag(ds.regions.disc(center=(64, 40), radius=14), ds.Translation.by(24, 0))
```

They are formatted as by hand, and need `import dragstream as ds`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from types import FunctionType
from typing import Any

from dragstream.drags.motions import KINDS, Combined, Drag, Memory, Motion
from dragstream.drags.motions.along_path import PathMotion
from dragstream.drags.shapes import Box, Brush, Combination, Disc, Mask, Polygon, Shape

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


Expression = str | Make | tuple["Expression", ...]
"""Source text, a call, or a list of expressions."""


def render(expression: Expression, indent: int = 0, taken: int = 0) -> str:
    """An expression as source, broken into lines where it is too long for one.

    Lines after the first are indented by `indent` times four blanks; the first line has `taken`
    other characters.
    """
    flat = _flat(expression)
    if isinstance(expression, str) or len(_INDENT) * indent + taken + len(flat) <= WIDTH:
        return flat
    inner, outer = _INDENT * (indent + 1), _INDENT * indent
    if isinstance(expression, tuple):
        if all(isinstance(part, str) for part in expression):
            return f"[\n{_filled(expression, inner)}\n{outer}]"
        lines = [f"{inner}{render(part, indent + 1, 1)}," for part in expression]
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
    if isinstance(expression, tuple):
        return f"[{', '.join(map(_flat, expression))}]"
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


def value_expression(value: Any) -> Expression:  # noqa: PLR0911  # one a kind of value
    """The source of a plain value: a number, a text, a tuple, a dataclass, a function by its name.

    Dataclasses and functions are written by name, which the source has to import.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = ((name, value_expression(field)) for name, field in _changed(value))
        return Make(type(value).__name__, tuple(changed))
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


def _changed(value: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a dataclass that differ from their defaults."""
    for item in dataclasses.fields(value):
        own, usual = getattr(value, item.name), item.default
        if item.default_factory is not dataclasses.MISSING:
            usual = item.default_factory()
        if item.init and (usual is dataclasses.MISSING or own != usual):
            yield item.name, own


def quoted(text: str) -> str:
    """A string literal, in double quotes unless the text has some."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain


def drag_expression(drag: Drag) -> Make:
    """The source of a drag."""
    source = {} if drag.source is None else {"source": _memory(drag.source)}
    return Make.of(
        "ds.Drag", region_expression(drag.region), _motion_expression(drag.motion), **source
    )


def _memory(memory: Memory) -> Make:
    return Make.of("ds.Memory", str(memory.block), region_expression(memory.region))


def region_expression(region: Shape) -> Make:
    """The source of a region."""
    match region:
        case Box():
            return Make.of("ds.regions.box", *_arguments(region).values())
        case Disc() | Polygon() | Brush():
            return Make.of(f"ds.regions.{type(region).__name__.lower()}", **_arguments(region))
        case Mask():
            height, width = region.array.shape
            runs = tuple(map(str, region.runs))
            return Make.of("ds.regions.Mask.from_runs", str(height), str(width), runs)
        case Combination():
            parts = tuple(map(region_expression, region.of))
            return Make.of(f"ds.regions.{type(region).__name__}", parts)
        case _:
            raise TypeError(f"a region of class {type(region).__name__} cannot be written")


def _motion_expression(motion: Motion) -> Expression:
    name = f"ds.{type(motion).__name__}"
    if isinstance(motion, Combined):
        return Make.of(name, tuple(map(_motion_expression, motion.of)))
    if type(motion) not in KINDS.values():
        return value_expression(motion)
    if isinstance(motion, PathMotion):
        return _path_motion(motion, name)
    return Make.of(name, **_arguments(motion))


def _path_motion(motion: PathMotion, name: str) -> Make:
    """The constructor of a motion along a path; `by(dx, dy)` where that makes the same path."""
    path, named = motion.path, _arguments(motion)
    times = _arguments(path)
    points = times.pop("points")
    curve = "spline" if times.pop("smooth", None) is None else "polyline"
    straight = not (path.smooth or path.frames or len(path.points) > 2)
    if straight and not any(path.points[0]):  # from (0, 0)
        return Make.of(f"{name}.by", *map(number, path.points[-1]), **times, **named)
    return Make.of(name, Make.of(f"ds.Path.{curve}", points, **times), **named)


def _arguments(value: Any) -> dict[str, Expression]:
    """The changed fields of a region, motion or path: points as tuples, sequences as lists."""
    return {
        name: tuple(map(value_expression, field))
        if isinstance(field, tuple) and name not in {"center", "pan"}
        else value_expression(field)
        for name, field in _changed(value)
        if name != "path"
    }
