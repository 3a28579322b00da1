"""Drags as JSON, version 1: the format of the canvas, archives and files.

```
document {"version": 1, "drags": [D, ...], "keep": R | null}
D        {"region": R, "motion": M, "source": {"block": 3, "region": R} | null}
R        {"type": "disc", "center": [x, y], "radius": r}
         {"type": "box", "left": x, "top": y, "right": x, "bottom": y}
         {"type": "polygon", "points": [[x, y], ...]}
         {"type": "brush", "points": [[x, y], ...], "radius": r}
         {"type": "mask", "height": H, "width": W, "runs": [n, ...]}
         {"type": "union" | "intersection" | "difference", "of": [R, R, ...]}
M        {"type": "translation", "path": P}
         {"type": "deformation", "path": P, "edge": 0.33}
         {"type": "rotation", "center": [x, y], "degrees": a | [a, ...], "ease": E, "frames": F}
         {"type": "combined", "of": [M, M, ...]}
         {"type": "scale", "center": [x, y], "factor": f | [f, ...], "ease": E, "frames": F}
         {"type": "camera", "pan": [x, y], "zoom": f, "roll": a, "center": [x, y] | null,
          "ease": E, "frames": n | null}
         {"type": "poses", "center": [x, y], "poses": [[dx, dy, degrees, factor], ...],
          "shown": {...}}
         {"type": "own", "value": {"class": "Growth", "factor": 1.4, ...}, "shown": {...}}
P        {"points": [[x, y], ...], "smooth": true, "ease": E, "frames": F}
E        "linear" | "ease_in" | "ease_out" | "ease_in_out"
F        null | [0, n, ...]
```

Pixels of the video frame, degrees clockwise on screen. The runs of a mask are lengths of equal
pixels, row by row, beginning with (maybe 0) False ones. "source", "keep", "smooth", "ease",
"frames", "edge" and "shown" are optional, other fields are refused. Reading is bounded in time and
memory, and errors begin with the place of the offending value, as in `drags[0].motion.path`.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from dragstream.drags.checks import check_int, check_kind, short_repr
from dragstream.drags.motions import KINDS, Combined, Drag, Memory, Motion, Path
from dragstream.drags.motions.combined import MOST_PARTS as MOST_COMBINED
from dragstream.drags.reading import (
    MOST_POINTS,
    Budget,
    Document,
    from_plain,
    located,
    read_fields,
    read_list,
    read_type,
    to_plain,
)
from dragstream.drags.regions import rasterise
from dragstream.drags.shapes import (
    Box,
    Brush,
    Combination,
    Difference,
    Disc,
    Intersection,
    Mask,
    Polygon,
    Region,
    Shape,
    Union,
    as_shape,
    read_runs,
)

VERSION = 1

MOST_DRAGS = 256
MOST_PARTS = 4096
DEEPEST = 64
MOST_PIXELS = 2**27  # of all masks of a document together; equal ones count once
MOST_REGIONS = 2**13  # of a document, nested ones included
MOST_POINTS_IN_ALL = 2**16  # of a document

_READ_ONLY = ("own", "poses")
"""Motions that a page shows and does not change."""
_SHOWN_FRAMES = 3
_SHOWN_STEPS = 24

_OUTLINES: dict[str, type[Any]] = {"disc": Disc, "box": Box, "polygon": Polygon, "brush": Brush}
COMBINATIONS: dict[str, type[Combination]] = {
    "union": Union,
    "intersection": Intersection,
    "difference": Difference,
}


def to_json(
    drags: Sequence[Drag],
    keep: Region | None = None,
    *,
    own: bool = False,
    frame: tuple[int, int] | None = None,
) -> Document:
    """Drags and the region to keep as a document of dicts, lists, strings and numbers.

    Args:
        drags: The drags.
        keep: The region to keep, or None.
        own: Write user-defined motions too, by class name and fields; the reader needs the
            classes.
        frame: Height and width in pixels of the frame on which a page draws user-defined motions
            and poses; their sketch is then added under "shown".

    Raises:
        TypeError: An element is not a Drag, or a region or motion is of an unknown class.
    """
    for index, drag in enumerate(drags):
        check_kind(drag, Drag, f"drags[{index}]")
    return {
        "version": VERSION,
        "drags": [_drag_json(drag, own=own, frame=frame) for drag in drags],
        "keep": None if keep is None else _region_json(as_shape(keep)),
    }


def from_json(
    document: Mapping[str, Any], parts: Sequence[Any] = ()
) -> tuple[list[Drag], Shape | None]:
    """The drags and the region to keep of a document: the inverse of `to_json`.

    Args:
        document: A document in the format above.
        parts: Classes of user-defined motions that it may name.

    Raises:
        TypeError: The document is not a mapping.
        ValueError: A value is not as described above; the message begins with its place.
    """
    return DocumentReader(parts).read(document)


def _drag_json(drag: Drag, *, own: bool, frame: tuple[int, int] | None) -> Document:
    source = drag.source
    motion = _motion_json(drag.motion, own=own, page=frame is not None)
    if frame is not None and motion["type"] in _READ_ONLY:
        motion["shown"] = _shown(drag, *frame)
    return {
        "region": _region_json(drag.region),
        "motion": motion,
        "source": source and {"block": source.block, "region": _region_json(source.region)},
    }


def _shown(drag: Drag, height: int, width: int) -> Document:
    """The sketch of a read-only motion for a page, and its maps at even steps of time."""
    sketch = drag.motion.sketch(rasterise(drag.region, height, width), _SHOWN_FRAMES)
    maps = [drag.motion.at(step / _SHOWN_STEPS).matrix for step in range(_SHOWN_STEPS + 1)]
    return {
        "lines": [_plain(line.points) for line in sketch.lines],
        "tip": sketch.tip,
        "dots": [_plain(dot.point) for dot in sketch.dots],
        "maps": [[*x, *y] for x, y in maps],
    }


def _region_json(region: Shape) -> Document:
    if isinstance(region, Combination):
        name = type(region).__name__.lower()
        return {"type": name, "of": [_region_json(part) for part in region.of]}
    if isinstance(region, Mask):
        height, width = region.array.shape
        return {"type": "mask", "height": height, "width": width, "runs": list(region.runs)}
    for kind, outline in _OUTLINES.items():
        if isinstance(region, outline):
            return {"type": kind, **_plain(region)}
    raise TypeError(f"a region of class {type(region).__name__} cannot be written as JSON")


def _motion_json(motion: Motion, *, own: bool, page: bool = False) -> Document:
    """A motion; pages draw a combined one as they draw those of a user."""
    if isinstance(motion, Combined):
        of = [_motion_json(part, own=own) for part in motion.of]
        if page:
            return {"type": "own", "value": {"class": Combined.__name__, "of": of}}
        return {"type": motion.kind, "of": of}
    if motion.kind in KINDS:
        return {"type": motion.kind, **_plain(motion)}
    if own:
        return {"type": "own", "value": to_plain(motion, "motion")}
    raise TypeError(f"a motion of class {type(motion).__name__} cannot be written as JSON")


def _plain(value: Any) -> Any:
    """A value with lists in place of tuples, and dictionaries in place of dataclasses."""
    if dataclasses.is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


class DocumentReader:
    """Reads documents within one budget; equal masks are shared, and count once.

    By default the limits of `drags`, `regions`, `points` and `pixels` of masks are those of a
    single document.
    """

    def __init__(self, parts: Sequence[Any] = (), budget: Budget | None = None) -> None:
        self.parts = parts
        self.budget = budget or Budget(
            drags=MOST_DRAGS, regions=MOST_REGIONS, points=MOST_POINTS_IN_ALL, pixels=MOST_PIXELS
        )
        self.masks: dict[tuple[int, int, tuple[int, ...]], Mask] = {}

    def read(self, document: Mapping[str, Any]) -> tuple[list[Drag], Shape | None]:
        """See `from_json`."""
        if not isinstance(document, Mapping):
            raise TypeError(f"a document must be a mapping, got {type(document).__name__}")
        fields = read_fields(document, "document", ("version", "drags"), ("keep",))
        version = fields["version"]
        if isinstance(version, bool) or version != VERSION:
            raise ValueError(f"version must be {VERSION}, got {short_repr(version)}")
        listed = read_list(fields["drags"], "drags", MOST_DRAGS)
        self.budget.spend("drags", len(listed), "drags")
        drags = [self._drag(drag, f"drags[{index}]") for index, drag in enumerate(listed)]
        keep = fields.get("keep")
        return drags, None if keep is None else self._region(keep, "keep")

    def _drag(self, value: object, where: str) -> Drag:
        fields = read_fields(value, where, ("region", "motion"), ("source",))
        region = self._region(fields["region"], f"{where}.region")
        motion = self._motion(fields["motion"], f"{where}.motion")
        source, where = fields.get("source"), f"{where}.source"
        if source is None:
            return Drag(region, motion)
        fields = read_fields(source, where, ("block", "region"))
        memory = self._region(fields["region"], f"{where}.region")
        with located(where):
            return Drag(region, motion, Memory(fields["block"], memory))

    def _region(self, value: object, where: str, depth: int = 0) -> Shape:
        self.budget.spend("regions", 1, where)
        kind = read_type(value, where, (*_OUTLINES, "mask", *COMBINATIONS))
        if kind in COMBINATIONS:
            return self._combination(value, where, depth)
        if kind == "mask":
            return self._mask(value, where)
        self.budget.spend("points", _listed(value), where)
        outline: Shape = _read(_OUTLINES[kind], value, where)
        return outline

    def _combination(self, value: object, where: str, depth: int) -> Shape:
        if depth == DEEPEST:
            raise ValueError(f"{where}: regions nest deeper than {DEEPEST} levels")
        fields = read_fields(value, where, ("type", "of"))
        listed = read_list(fields["of"], f"{where}.of", MOST_PARTS)
        parts = tuple(
            self._region(part, f"{where}.of[{index}]", depth + 1)
            for index, part in enumerate(listed)
        )
        with located(where):
            return COMBINATIONS[fields["type"]](parts)

    def _mask(self, value: object, where: str) -> Mask:
        fields = read_fields(value, where, ("type", "height", "width", "runs"))
        with located(where):
            height = check_int(fields["height"], "height", least=1)
            width = check_int(fields["width"], "width", least=1)
        pixels = height * width
        listed = read_list(fields["runs"], f"{where}.runs", pixels + 1)
        with located(where):
            key = (height, width, tuple(read_runs(listed)))
            if key not in self.masks:
                self.budget.spend("pixels", pixels, f"a mask of {height} x {width} pixels")
                self.masks[key] = Mask.from_runs(height, width, listed)
        return self.masks[key]

    def _motion(self, value: object, where: str) -> Motion:
        kind = read_type(value, where, (*KINDS, Combined.kind, "own"))
        if kind in KINDS:
            self.budget.spend("points", _listed(value), where)
            motion: Motion = _read(KINDS[kind], value, where)
            return motion
        if kind == Combined.kind:
            return self._combined(read_fields(value, where, ("type", "of"))["of"], where)
        fields = read_fields(value, where, ("type", "value"), ("shown",))
        if isinstance(fields["value"], Mapping) and fields["value"].get("class") == "Combined":
            return self._combined(fields["value"].get("of"), where)
        motion = from_plain(fields["value"], self.parts, where)
        if not isinstance(motion, Motion):
            raise ValueError(f"{where} must be a Motion, got {short_repr(motion)}")  # noqa: TRY004
        return motion

    def _combined(self, value: object, where: str) -> Motion:
        listed = read_list(value, f"{where}.of", MOST_COMBINED)
        for index, part in enumerate(listed):
            if isinstance(part, Mapping) and part.get("type") == Combined.kind:
                raise ValueError(f"{where}.of[{index}]: combined motions do not nest")
        parts = [self._motion(part, f"{where}.of[{index}]") for index, part in enumerate(listed)]
        with located(where):
            return Combined(parts)


_signature = functools.cache(inspect.signature)


def _read(kind: Any, value: Any, where: str) -> Any:
    """A region, motion or path from its fields, which are the parameters of its class."""
    parameters = _signature(kind).parameters
    required = tuple(name for name, each in parameters.items() if each.default is each.empty)
    optional = [name for name in parameters if name not in required]
    tag = () if kind is Path else ("type",)
    shown = ("shown",) if getattr(kind, "kind", None) in _READ_ONLY else ()
    fields = read_fields(value, where, (*tag, *required), (*optional, *shown))
    given = {name: fields[name] for name in parameters if name in fields}
    for name, field in given.items():
        if isinstance(field, list | tuple):
            read_list(field, f"{where}.{name}", MOST_POINTS)
    if "path" in given:
        given["path"] = _read(Path, given["path"], f"{where}.path")
    with located(where):
        return kind(**given)


def _listed(value: object) -> int:
    """The number of entries in the lists of an object and of the objects in it."""
    if isinstance(value, Mapping):
        return sum(map(_listed, value.values()))
    return len(value) if isinstance(value, list | tuple) else 0
