"""Argument checks: each takes a value and its name in errors, and returns the converted value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

FARTHEST = 1e6
"""Largest absolute coordinate in pixels or angle in degrees, so that squares never overflow."""

LONGEST_MESSAGE = 500
"""Most characters of an error about the contents of a file."""

Point = tuple[float, float]

Points = Iterable[Sequence[float]] | NDArray[np.floating] | NDArray[np.integer]
"""Points (x, y) as an argument: any sequence of pairs, or an array (N, 2)."""


def short_repr(value: object) -> str:
    """`repr(value)`, cut to a length that fits an error message."""
    return truncate(repr(value), 80)


def truncate(text: str, most: int = LONGEST_MESSAGE) -> str:
    """A text of a file, cut to a length that fits an error message."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def check_finite(value: object, name: str) -> float:
    """`value` as a float."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {short_repr(value)}")
    try:
        number = float(value)
    except OverflowError:  # an integer of hundreds of digits
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {short_repr(value)}")
    return number


def _number(allowed: Callable[[float], bool], rule: str) -> Callable[[object, str], float]:
    """A check of finite numbers with a rule, such as "be above 0"."""

    def check(value: object, name: str) -> float:
        number = check_finite(value, name)
        if not allowed(number):
            raise ValueError(f"{name} must {rule}, got {short_repr(value)}")
        return number

    return check


check_pixels = _number(lambda number: abs(number) <= FARTHEST, f"lie within ±{FARTHEST:.0f} pixels")
check_degrees = _number(
    lambda number: abs(number) <= FARTHEST, f"lie within ±{FARTHEST:.0f} degrees"
)
check_size = _number(
    lambda number: 0 < number <= FARTHEST, f"be positive and at most {FARTHEST:.0f} pixels"
)
check_positive = _number(lambda number: number > 0, "be above 0")
check_not_negative = _number(lambda number: number >= 0, "be at least 0")
check_fraction = _number(lambda number: 0 < number <= 1, "be in (0, 1]")
check_unit_interval = _number(lambda number: 0 <= number <= 1, "lie in [0, 1]")


def check_bool(value: object, name: str) -> bool:
    """`value` as a bool; integers and strings are refused."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {short_repr(value)}")
    return bool(value)


def check_sequence(value: object, name: str, holds: str) -> tuple[Any, ...]:
    """The elements of `value`, an iterable but no string, at least one of them."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of {holds}, got {short_repr(value)}")
    values = tuple(value)
    if not values:
        raise ValueError(f"{name} must hold at least one of its {holds}, got {short_repr(value)}")
    return values


def check_int(value: object, name: str, *, least: int) -> int:
    """`value` as an int of at least `least`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {short_repr(value)}")
    number = int(value)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}")
    return number


def check_choice(value: object, allowed: Iterable[str], name: str) -> Any:
    """`value` if it is one of these names."""
    names = tuple(allowed)
    if not isinstance(value, str) or value not in names:
        raise ValueError(f"{name} must be one of {', '.join(names)}, got {short_repr(value)}")
    return value


def check_kind(value: object, kind: type[Any], name: str) -> Any:
    """`value` if it is an instance of a class."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        what = "a string" if kind is str else f"{article} {kind.__name__}"
        raise TypeError(f"{name} must be {what}, got {short_repr(value)}")
    return value


def check_keys(data: object, names: Sequence[str], what: str) -> dict[str, Any]:
    """`data` as a dictionary with exactly these keys."""
    if not isinstance(data, dict) or set(data) != set(names):
        found = sorted(map(str, data)) if isinstance(data, dict) else data
        raise ValueError(f"{what} needs exactly the keys {list(names)}, got {short_repr(found)}")
    return data


def check_at_most(value: Any, most: float, name: str) -> Any:
    """`value`, which must be at most `most` if it is a number, or as long if it is a list."""
    if isinstance(value, int | float) and value > most:
        raise ValueError(f"{name} must be at most {most:g}, got {short_repr(value)}")
    if isinstance(value, list | tuple) and len(value) > most:
        raise ValueError(f"{name} may hold at most {most:g} values, got {len(value)}")
    return value


def check_point(value: object, name: str) -> Point:
    """`value` as a pair (x, y) of pixel coordinates."""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
        raise TypeError(f"{name} must be a pair (x, y), got {short_repr(value)}")
    if isinstance(value, np.ndarray) and value.ndim != 1:
        raise ValueError(f"{name} must be a pair (x, y), got an array of shape {value.shape}")
    if len(value) != 2:
        raise ValueError(f"{name} must be a pair (x, y), got {len(value)} values")
    return check_pixels(value[0], f"the x of {name}"), check_pixels(value[1], f"the y of {name}")


def read_points(value: object, name: str, *, least: int) -> tuple[Point, ...]:
    """`value` as a tuple of at least `least` points (x, y); arrays of shape (N, 2) are accepted."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a sequence of points (x, y), got {short_repr(value)}")
    pairs = _plain_points(value)
    if pairs is None:
        pairs = tuple(check_point(pair, f"{name}[{index}]") for index, pair in enumerate(value))
    if len(pairs) < least:
        raise ValueError(f"{name} must hold at least {least} point(s), got {len(pairs)}")
    return pairs


def _plain_points(value: Iterable[Any]) -> tuple[Point, ...] | None:
    """Pairs of plain numbers within bounds, checked in bulk; None if any needs a closer check."""
    if (
        not isinstance(value, list | tuple)
        or not set(map(type, value)) <= {list, tuple}
        or not set(map(len, value)) <= {2}
        or not set(map(type, chain.from_iterable(value))) <= {int, float}
    ):
        return None
    if not all(abs(number) <= FARTHEST for number in chain.from_iterable(value)):
        return None  # too large, or NaN, for which every comparison is false
    return tuple((float(x), float(y)) for x, y in value)


def at_least(least: int) -> Callable[[object, str], int]:
    """A check of integers of at least `least`."""
    return lambda value, name: check_int(value, name, least=least)


def optional(check: Callable[[object, str], Any]) -> Callable[[object, str], Any]:
    """A check that leaves None as it is."""
    return lambda value, name: None if value is None else check(value, name)


def check_fields(value: object, **checks: Callable[[Any, str], object]) -> None:
    """Check fields of a frozen dataclass, from its own `__post_init__`, and convert them."""
    for name, check in checks.items():
        object.__setattr__(value, name, check(getattr(value, name), name))


def set_fields(value: object, **fields: object) -> None:
    """Set the fields of a frozen dataclass, from its own `__init__`."""
    for name, field in fields.items():
        object.__setattr__(value, name, field)
