"""Checks of the page's messages, made before any trait of a widget changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dragstream.drags import motions, regions
from dragstream.drags.checks import check_int, check_kind, short_repr
from dragstream.drags.checks import check_point as read_point
from dragstream.drags.documents import MOST_DRAGS, DocumentReader
from dragstream.drags.reading import Budget
from dragstream.drags.shapes import Region, Shape
from dragstream.widgets.camera_entries import active_camera
from dragstream.widgets.entries import Entry, with_looks

MOST_VALUES = 200_000
"""A document may hold this many numbers, texts and containers: ten large masks of runs."""

WRITABLE = ("state", "looks", "draft", "onion", "revision")
"""The traits that the page writes."""

MOST_EXACT = 2**53 - 1
"""The page counts in floating point: beyond this, whole numbers run together."""

DEEPEST = 24
"""Levels to which regions may nest."""

MOST_CONTAINERS = 2**14
"""Of these values, so many may be lists and objects: each point is one."""

MOST_POINTS = 2**12
"""Points of all strokes, outlines and paths of a message."""

MOST_PIXELS = 2**24
"""Pixels of all masks of a message."""

MOST_STEPS = 2**17
"""Steps of painting that all regions of a message may take, see `painting_steps`: about 40 ms."""

MOST_ONION_FRAMES = 8
"""Earlier frames of the onion skin."""

_SCALARS = {int, float, str, bool, type(None)}


def check_writes(sent: object) -> Mapping[str, Any]:
    """The page's write of a canvas' traits, with `onion` and `revision` checked."""
    if not isinstance(sent, Mapping):
        raise TypeError(f"the page may send an object, got {short_repr(sent)}")
    unknown = [str(name)[:40] for name in sent if name not in WRITABLE]
    if unknown:
        raise ValueError(f"the page may send {', '.join(map(repr, WRITABLE))}, got {unknown[0]!r}")
    for name, most in (("onion", MOST_ONION_FRAMES), ("revision", MOST_EXACT)):
        if name in sent:
            read_count(sent[name], name, most)
    return sent


def page_budget() -> Budget:
    """Limits of all parts of a message together, so that it is checked within 100 ms."""
    return Budget(
        drags=MOST_DRAGS,
        regions=2 * MOST_DRAGS,
        points=MOST_POINTS,
        pixels=MOST_PIXELS,
        steps_of_painting=MOST_STEPS,
    )


def check_budget(value: object) -> None:
    """Refuse a value that is too large to be parsed."""
    seen = containers = 1
    open_values: list[tuple[object, int]] = [(value, 0)]
    while open_values:
        current, depth = open_values.pop()
        if isinstance(current, Mapping):
            inner: list[object] = [*current.keys(), *current.values()]
        elif isinstance(current, list | tuple):
            inner = list(current)
        else:
            inner, seen = [current], seen - 1
        seen += len(inner)
        _check_count(seen, MOST_VALUES, "values")
        if set(map(type, inner)) <= _SCALARS:
            continue  # at once, for the runs of a mask are many
        if depth == DEEPEST:
            raise ValueError(f"the document nests deeper than {DEEPEST} levels")
        for item in inner:
            if isinstance(item, list | tuple | dict | Mapping):
                containers += 1
                _check_count(containers, MOST_CONTAINERS, "lists and objects")
                open_values.append((item, depth + 1))
            elif not isinstance(item, str | int | float | None):
                raise TypeError(f"a document holds no {type(item).__name__}")


def _check_count(count: int, most: int, things: str) -> None:
    if count > most:
        raise ValueError(f"the document holds more than {most} {things}")


def read_entries(  # noqa: PLR0917
    document: object,
    looks: object,
    height: int,
    width: int,
    budget: Budget,
    own_motions: Sequence[type],
) -> tuple[tuple[Entry, ...], Shape | None]:
    """Parse and check a document of the page: its drags with their looks, its keep region."""
    check_budget(document)
    check_budget(looks)
    if not isinstance(document, Mapping):
        raise TypeError(f"a document must be an object, got {type(document).__name__}")
    drags, keep = DocumentReader(own_motions, budget).read(document)
    entries = with_looks(drags, looks)
    for index, drag in enumerate(drags):
        _spend(budget, drag.region, f"drags[{index}].region", height, width)
        if isinstance(drag.motion, motions.Deformation):  # finding its edge scans all pixels
            _spend(budget, drag.region, f"drags[{index}].region", height, width)
        if drag.source is not None:
            _spend(budget, drag.source.region, f"drags[{index}].source.region", height, width)
    if keep is not None:
        _spend(budget, keep, "keep", height, width)
    check_entries(entries, keep, height, width)
    return tuple(entries), keep


def read_looks(
    looks: object, drags: Sequence[motions.Drag], keep: Shape | None, height: int, width: int
) -> tuple[Entry, ...]:
    """Drags of a canvas with looks that the page sent."""
    check_budget(looks)
    entries = with_looks(drags, looks)
    check_entries(entries, keep, height, width)
    return tuple(entries)


def _spend(budget: Budget, region: Shape, where: str, height: int, width: int) -> None:
    steps = regions.painting_steps(region, height, width)
    budget.spend("steps_of_painting", steps, f"{where}: simpler regions are needed")


def check_entries(
    entries: object,
    keep: Region | None,
    height: int,
    width: int,
) -> None:
    """Check drags against a frame; the camera and muted ones may share pixels with `keep`."""
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        raise TypeError(f"entries must be a sequence of Entry, got {short_repr(entries)}")
    for index, entry in enumerate(entries):
        check_kind(entry, Entry, f"entries[{index}]")
    masks = (
        motions.validate([entry.drag for entry in entries], None, height, width) if entries else []
    )
    active_camera(entries)
    objects = [
        mask
        for entry, mask in zip(entries, masks, strict=True)
        if not entry.muted and not entry.drag.motion.whole_frame
    ]
    motions.check_apart(objects, keep, height, width)


def check_drags(
    drags: Sequence[motions.Drag],
    keep: Region | None,
    height: int,
    width: int,
) -> None:
    """Check drags against a frame, as a stream does; an empty sequence is allowed."""
    if drags or not isinstance(drags, Sequence):
        motions.validate(drags, keep, height, width)
    elif keep is not None:
        regions.rasterise(keep, height, width)


def read_region(document: object, height: int, width: int, budget: Budget) -> Shape | None:
    """Parse and check a region of the page; it covers a part of the frame, or is None."""
    if document is None:
        return None
    check_budget(document)
    try:
        wrapped = {"version": 1, "drags": [], "keep": document}
        _, region = DocumentReader(budget=budget).read(wrapped)
    except ValueError as error:
        raise ValueError(str(error).replace("keep", "region", 1)) from error
    if region is None:
        return None
    _spend(budget, region, "region", height, width)
    regions.rasterise(region, height, width)
    return region


def read_count(value: object, name: str, most: int) -> int:
    """A whole number from 0 to `most`."""
    count = check_int(value, name, least=0)
    if count > most:
        raise ValueError(f"{name} must be from 0 to {most}, got {short_repr(value)}")
    return count


def read_place(value: object, height: int, width: int, name: str = "point") -> tuple[float, float]:
    """A point (x, y) within the frame."""
    x, y = read_point(value, name)
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise ValueError(f"{name} must lie in the frame of {width} x {height} pixels, got {x, y}")
    return min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
