"""A page of all cases of a run, film beside film, sorted by error: `write_gallery`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_positive
from dragstream.drags.files import checked_target, expanded, replacing
from dragstream.drags.regions import rasterise
from dragstream.metrics.objmc import json_number
from dragstream.metrics.trackers import opencv
from dragstream.revel.case_folders import (
    CASE,
    film_folder,
    has_film,
    read_command,
    read_film,
)
from dragstream.revel.cases import case_reader
from dragstream.revel.folders import method_titles, read_run
from dragstream.revel.measuring import Result
from dragstream.revel.methods import BASELINE, FULL
from dragstream.revel.preparation import VideoCommand
from dragstream.stream.inline_page import inline_page, shown_frames

FAILED = 0.5
"""Least ObjMC of a failed case, as a share of that of an object that does not move; cases without
an ObjMC count as failed, too."""
_PIXEL = 0.08
"""Approximate bytes of a pixel in a page, by which frames are scaled down before encoding."""
_SMOOTH = 0.7
"""Tolerance of the polygons of outlines, pixels."""
_WAITING = "This page shows films and needs JavaScript."


def write_gallery(
    folder: str | Path,
    path: str | Path,
    methods: Sequence[str] | None = None,
    *,
    megabytes: float = 20.0,
) -> Path:
    """Write a run's cases as one self-contained web page; returns its path.

    Each case shows the films of the methods and of no drag, with the command drawn on top. The
    first method sorts them: not measured first, then by error as a share of that of an object that
    does not move.

    Args:
        folder: folder of a run with films (`run ... --films`).
        path: ending in ``.html``.
        methods: the methods to show; None: `FULL` if it has films, else all that have.
        megabytes: frames are scaled down until they need no more, in units of 10^6 bytes.

    Raises:
        FileNotFoundError: a film is missing; the message says how it is made.
        ValueError: a folder without results, or methods that were not run.
    """
    limit = check_positive(megabytes, "megabytes") * 1e6
    target = checked_target(path, ".html")
    place = expanded(folder, "folder")
    about, results = read_run(place)
    names, titles = _methods(place, results, methods), method_titles(about)
    found = {(each.case, each.method): each for each in results}
    cases = list(dict.fromkeys(case for case, method in found if method == names[0]))
    shares = {case: share_of_still(found[case, names[0]]) for case in cases}
    # not measured first, then by error
    order = {case: -math.inf if share is None else -share for case, share in shares.items()}
    cases.sort(key=lambda case: (order[case], case))
    columns = [*names, *([] if BASELINE in names else [BASELINE])]
    document = {
        "title": f"Dragging, case by case: {place.resolve().name}",
        "model": str(about.get("model")),
        "methods": [{"name": name, "title": titles[name]} for name in columns],
        "sortedBy": names[0],
        "failed": FAILED,
    }
    reader = case_reader()
    shown = [
        ShownCase(
            read_command(film_folder(place, case) / CASE, reader),
            [(place, method) for method in columns],
            {"figures": [_figures(found.get((case, each))) for each in columns]},
        )
        for case in cases
    ]
    return write_page("gallery", target, document, shown, limit)


@dataclass(frozen=True)
class ShownCase:
    """A case on a page: its films, by run and method, and what else the page needs."""

    command: VideoCommand
    films: Sequence[tuple[Path, str]]
    more: Mapping[str, Any] = field(default_factory=dict)


def write_page(
    name: str, target: Path, document: dict[str, Any], cases: Sequence[ShownCase], limit: float
) -> Path:
    """Write a page with films of at most `limit` bytes; returns its path."""
    width, pictures = _shown_films(cases, limit)
    rest = iter(pictures)
    shown = [
        {**_document(case.command), "films": [next(rest) for _ in case.films], **case.more}
        for case in cases
    ]
    whole = {**document, "shownWidth": width, "cases": shown}
    with replacing(target) as part:
        page = inline_page("dragstream.revel", name, whole, _WAITING)
        part.write_text(page, encoding="utf-8")
    return target


def _shown_films(cases: Sequence[ShownCase], limit: float) -> tuple[int, list[list[str]]]:
    """`shown_frames` of all films, each scaled down when it is read to save memory."""
    cv2 = opencv()
    pixels = limit / (_PIXEL * sum(case.command.frames * len(case.films) for case in cases))
    clips = []
    for case in cases:
        for place, method in case.films:
            frames = read_film(place, case.command.name, method)
            height, width = frames.shape[1:3]
            scale = math.sqrt(pixels / (height * width))
            if scale < 1:
                size = (max(1, round(scale * width)), max(1, round(scale * height)))
                small = [cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in frames]
                frames = np.stack(small)
            clips.append(frames)
    return shown_frames(clips, limit)


def _methods(
    place: Path, results: Sequence[Result], methods: Sequence[str] | None
) -> tuple[str, ...]:
    run = list(dict.fromkeys(each.method for each in results))
    if methods is not None:
        if unknown := [name for name in methods if name not in run]:
            raise ValueError(f"methods must be of {run}, got {unknown}")
        return tuple(dict.fromkeys(methods))
    case = results[0].case
    filmed = [name for name in run if has_film(place, case, name) and name != BASELINE]
    if not filmed:
        raise FileNotFoundError(
            f"{str(place)!r} holds no films: python -m dragstream.revel run ... --films makes them"
        )
    return (FULL,) if FULL in filmed else tuple(filmed)


def share_of_still(result: Result) -> float | None:
    """ObjMC as a share of that of an object that does not move; None: not measured."""
    if math.isnan(result.objmc):
        return None
    return result.objmc / result.still if result.still > 0 else 0.0


def _figures(result: Result | None) -> dict[str, float | None] | None:
    """Measures of a film; None without a result."""
    if result is None:
        return None
    return {
        "objmc": json_number(result.objmc),
        "share": share_of_still(result),
        "coverage": result.coverage,
    }


def _document(command: VideoCommand) -> dict[str, Any]:
    """A case as JSON for a page: texts, frame rate, and the shapes drawn over its films."""
    case = command.case
    tags = () if case is None else (case.mode.value, case.kind.value, *case.tags)
    height, width = command.size
    return {
        "name": command.name,
        "prompt": "" if case is None else case.prompt,
        "tags": list(dict.fromkeys([*tags, *([command.split] if command.split else [])])),
        "width": width,
        "height": height,
        "frameRate": command.frame_rate,
        "keep": None if command.keep is None else _outline(rasterise(command.keep, height, width)),
        "drags": [_drag(command, index) for index in range(len(command.drags))],
    }


def _outline(mask: NDArray[np.bool_]) -> str:
    """The outlines of a mask as closed SVG paths."""
    cv2 = opencv()
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    found = (cv2.approxPolyDP(each, _SMOOTH, closed=True)[:, 0] for each in contours)
    return "".join("M" + "L".join(f"{x} {y}" for x, y in points) + "Z" for points in found)


def _drag(command: VideoCommand, index: int) -> dict[str, Any]:
    """The outline of a handle, the path of its anchor, and its map to each trajectory point."""
    drag = command.drags[index]
    mask = drag.mask(*command.size)
    maps = command.commands(drag)
    anchor = np.asarray(drag.motion.anchor(mask))
    path = [anchor, *(each.apply(anchor) for each in maps)]
    return {
        "outline": _outline(mask),
        "track": [[round(float(x), 1), round(float(y), 1)] for x, y in path],
        "targets": [
            {"frame": frame, "matrix": [round(v, 4) for row in each.matrix for v in row]}
            for frame, each in zip(command.at, maps, strict=True)
        ],
    }
