"""What the page may send: checked here before any trait of a widget changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from dragstream.drags import motions, regions
from dragstream.drags.documents import from_json

MOST_VALUES = 200_000
"""A document may hold this many numbers, texts and containers: ten large masks of runs."""

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


def read_document(
    document: object, height: int, width: int
) -> tuple[list[motions.Drag], regions.Shape | None]:
    """The drags and the keep region of a document that came from the page.

    Args:
        document: JSON as `dragstream.drags.documents.to_json` writes it.
        height: Of the frame in pixels; every region must cover a part of it.
        width: Of the frame in pixels.

    Raises:
        TypeError: A value of another kind than the format asks for.
        ValueError: A value that the format or the frame does not allow; too large a document.
    """
    check_budget(document)
    if not isinstance(document, Mapping):
        raise TypeError(f"a document must be an object, got {type(document).__name__}")
    drags, keep = from_json(document)
    check_drags(drags, keep, height, width)
    return drags, keep


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
        TypeError, ValueError: See `read_document`.
    """
    if document is None:
        return None
    check_budget(document)
    try:
        _, region = from_json({"version": 1, "drags": [], "keep": document})
    except ValueError as error:
        raise ValueError(str(error).replace("keep", "region", 1)) from error
    return None if region is None else regions.rasterise(region, height, width)
