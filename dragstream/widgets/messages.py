"""What the page may send: checked here before any trait of a widget changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dragstream.drags import motions, regions
from dragstream.drags.checks import point as read_point
from dragstream.drags.checks import short, whole
from dragstream.drags.documents import from_json
from dragstream.widgets.entries import Entry, read_looks, with_looks

MOST_VALUES = 200_000
"""A document may hold this many numbers, texts and containers: ten large masks of runs."""

WRITABLE = ("state", "looks", "draft", "onion", "revision")
"""The traits that the page writes."""

MOST_EXACT = 2**53 - 1
"""The page counts in floating point: beyond this, whole numbers run together."""

DEEPEST = 24
"""How far regions within regions may nest."""


def check_budget(value: object) -> None:
    """Refuse what is too large to be looked at more closely.

    Raises:
        TypeError: Something is not what JSON holds.
        ValueError: There are more than `MOST_VALUES` values, or they nest deeper than `DEEPEST`.
    """
    seen = 0
    open_values: list[tuple[object, int]] = [(value, 0)]
    while open_values:
        current, depth = open_values.pop()
        seen += 1
        if isinstance(current, Mapping):
            inner: list[object] = [*current.keys(), *current.values()]
        elif isinstance(current, list | tuple):
            inner = list(current)
        elif current is None or isinstance(current, str | int | float):
            continue
        else:
            raise TypeError(f"a document holds no {type(current).__name__}")
        if depth == DEEPEST:
            raise ValueError(f"the document nests deeper than {DEEPEST} levels")
        if seen + len(open_values) + len(inner) > MOST_VALUES:
            raise ValueError(f"the document holds more than {MOST_VALUES} values")
        open_values += [(item, depth + 1) for item in inner]


def read_entries(document: object, looks: object, height: int, width: int) -> list[Entry]:
    """The drags of a document that came from the page, with their looks.

    Args:
        document: JSON as `dragstream.drags.documents.to_json` writes it.
        looks: JSON as `dragstream.widgets.entries` writes it, one look for each drag.
        height: Of the frame in pixels; every region must cover a part of it.
        width: Of the frame in pixels.

    Raises:
        TypeError: A value of another kind than the format asks for.
        ValueError: A value that the format or the frame does not allow; too large a document.
    """
    check_budget(document)
    check_budget(looks)
    if not isinstance(document, Mapping):
        raise TypeError(f"a document must be an object, got {type(document).__name__}")
    drags, keep = from_json(document)
    entries = with_looks(drags, read_looks(looks, len(drags)))
    check_entries(entries, keep, height, width)
    return entries


def check_entries(
    entries: object,
    keep: regions.Shape | NDArray[np.bool_] | None,
    height: int,
    width: int,
) -> None:
    """Check drags against a frame; those that are muted may share pixels with `keep`.

    Raises:
        TypeError, ValueError: No sequence of `Entry`, or see `check_drags`.
    """
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        raise TypeError(f"entries must be a sequence of Entry, got {short(entries)}")
    for index, entry in enumerate(entries):
        if not isinstance(entry, Entry):
            raise TypeError(f"entries[{index}] must be an Entry, got {short(entry)}")
    check_drags([entry.drag for entry in entries], None, height, width)
    check_drags([entry.drag for entry in entries if not entry.muted], keep, height, width)


def check_drags(
    drags: Sequence[motions.Drag],
    keep: regions.Shape | NDArray[np.bool_] | None,
    height: int,
    width: int,
) -> None:
    """Check drags against a frame, as a stream will; none at all is fine here.

    Raises:
        TypeError, ValueError: See `dragstream.drags.motions.validate`.
    """
    if drags or not isinstance(drags, Sequence):
        motions.validate(drags, keep, height, width)
    elif keep is not None:
        regions.rasterise(keep, height, width)


def read_region(document: object, height: int, width: int) -> NDArray[np.bool_] | None:
    """The mask (height, width) of a region that came from the page, or None.

    Raises:
        TypeError, ValueError: See `read_entries`.
    """
    if document is None:
        return None
    check_budget(document)
    try:
        _, region = from_json({"version": 1, "drags": [], "keep": document})
    except ValueError as error:
        raise ValueError(str(error).replace("keep", "region", 1)) from error
    return None if region is None else regions.rasterise(region, height, width)


def read_count(value: object, name: str, most: int) -> int:
    """A whole number from 0 to `most`.

    Raises:
        TypeError, ValueError: Anything else.
    """
    count = whole(value, name, least=0)
    if count > most:
        raise ValueError(f"{name} must be from 0 to {most}, got {short(value)}")
    return count


def read_place(value: object, height: int, width: int, name: str = "point") -> tuple[float, float]:
    """A point (x, y) within the frame.

    Raises:
        TypeError, ValueError: Anything else.
    """
    x, y = read_point(value, name)
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise ValueError(f"{name} must lie in the frame of {width} x {height} pixels, got {x, y}")
    return min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
