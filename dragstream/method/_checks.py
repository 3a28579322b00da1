"""Checks of settings: each names the value it was given and what is allowed."""

from __future__ import annotations

from dragstream.drags.checks import finite


def fraction(value: object, name: str) -> float:
    """A number in (0, 1].

    Raises:
        TypeError: It is not a number.
        ValueError: It lies outside (0, 1], NaN included.
    """
    number = finite(value, name)
    if not 0.0 < number <= 1.0:
        raise ValueError(f"{name} must be in (0, 1], got {value!r}")
    return number


def positive(value: object, name: str) -> float:
    """A finite number above 0.

    Raises:
        TypeError: It is not a number.
        ValueError: It is 0, negative, infinite or NaN.
    """
    number = finite(value, name)
    if number <= 0.0:
        raise ValueError(f"{name} must be above 0, got {value!r}")
    return number


def not_negative(value: object, name: str) -> float:
    """A finite number of at least 0.

    Raises:
        TypeError: It is not a number.
        ValueError: It is negative, infinite or NaN.
    """
    number = finite(value, name)
    if number < 0.0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return number


def switch(value: object, name: str) -> bool:
    """True or False, and nothing that merely looks like it.

    Raises:
        TypeError: Anything else.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value
