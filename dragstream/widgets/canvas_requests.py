"""What the page of a canvas may ask, as small frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from dragstream.drags.checks import short
from dragstream.widgets.messages import read_place
from dragstream.widgets.page import Check, natural, read_request

SELECTORS = ("features", "sam")


@dataclass(frozen=True)
class Pick:
    """The page asks what resembles a point."""

    point: tuple[float, float]
    selector: str


@dataclass(frozen=True)
class Seen:
    """The page has begun to show a clip."""

    clip: int


@dataclass(frozen=True)
class Views:
    """The page tells how many views it has of the canvas."""

    views: int


@dataclass(frozen=True)
class Hello:
    """The page asks whether anybody is there."""


def read_canvas_request(content: object, height: int, width: int) -> Pick | Seen | Views | Hello:
    """A message of the page.

    Raises:
        TypeError, ValueError: Other messages, other fields, values out of range.
    """

    def place(value: object, name: str) -> tuple[float, float]:
        return read_place(value, height, width, name)

    known: dict[str, dict[str, Check]] = {
        "pick": {"point": place, "selector": _selector},
        "seen": {"clip": natural},
        "views": {"views": natural},
        "hello": {},
    }
    fields = read_request(content, known)
    kind = fields.pop("type")
    if kind == "pick":
        return Pick(**fields)
    if kind == "views":
        return Views(**fields)
    return Seen(**fields) if kind == "seen" else Hello()


def _selector(value: object, name: str) -> str:
    if value not in SELECTORS:
        raise ValueError(f"{name} must be one of {', '.join(SELECTORS)}, got {short(value)}")
    return str(value)
