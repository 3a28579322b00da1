"""Persistence of the playground's objects over many blocks of a stream without drags.

An object is kept if it is found in its colour, in one piece, and about as large as at the start.
Beside that stands whether it still looks like its kind, and how near its shape is to the
renderer's own (`shape`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import trange

from dragstream.drags.checks import check_int
from dragstream.metrics.objmc import known_mean
from dragstream.models.base import VideoModel
from dragstream.models.playground.captions import caption
from dragstream.models.playground.world import KINDS
from dragstream.revel.cases import RenderedStart, Subject
from dragstream.revel.detection import detect, kind_of
from dragstream.revel.pages import table_lines
from dragstream.revel.scenes import subjects_of
from dragstream.revel.shape import fidelity
from dragstream.stream.stream import Stream

BLOCKS = (1, 10, 100, 300)
"""Marks at which objects are looked for, in blocks."""

_SIZES = (0.6, 1.6)
"""An object is kept if its area is that many times the area it began with."""
_WHOLE = 0.8
"""Its largest part must be this share of all that has its colour."""
_LOOKS = 3
"""An object may be hidden behind another: it is looked for in this many blocks up to a mark, but
not in the first, which is rendered."""


@dataclass(frozen=True)
class Observation:
    """One object at one mark."""

    stream: int  # number of the stream
    block: int  # the mark, in blocks
    color: str  # the object's colour
    kind: str  # the object's kind
    kept: bool  # true if its area is near the first frame's and its colour is in one piece
    size: float  # its area, as a factor of what it was in the first frame; 0 if it is not seen
    shaped: bool  # true if it looks like its kind: by its shape, or a critter by its eyes
    iou: float | None = None  # with the renderer's own object, mean of the looks; see `fidelity`
    corners: float | None = None  # distance of the corners from that object's, px, likewise


def observe(
    model: VideoModel, streams: int, seed: int = 0, marks: Sequence[int] = BLOCKS
) -> Iterator[Observation]:
    """Run streams, with a progress bar, and observe each of their objects at each mark."""
    check_int(streams, "streams", least=1)
    if not marks or list(marks) != sorted(set(marks)) or marks[0] < 1:
        raise ValueError(f"marks must rise and start at 1 or later, got {tuple(marks)}")
    for number in trange(streams, unit="stream"):
        start = RenderedStart(seed, number, 0)
        scene = start.scenes()
        image = start.image()
        stream = Stream(model, prompt=caption(scene, 0), seed=seed + number, image=image)
        subjects = subjects_of(scene)
        for mark in marks:
            stream.run(mark + 1 - len(stream), progress=False)
            frames = [block.frames[-1] for block in stream.blocks[1:][-_LOOKS:]]
            for each in subjects:
                yield _observe(number, mark, each, image, frames, subjects=subjects)


def _observe(
    stream: int,
    mark: int,
    subject: Subject,
    image: NDArray[np.uint8],
    frames: Sequence[NDArray[np.uint8]],
    *,
    subjects: Sequence[Subject],
) -> Observation:
    """The best of several looks at one of the subjects of a stream; its shape is their mean."""
    first = detect(image, subject.color, subject.kind)
    begun = first.area if first else 0
    best = Observation(
        stream, mark, subject.color, subject.kind, kept=False, size=0.0, shaped=False
    )
    others = tuple((each.color, each.kind) for each in subjects if each.color != subject.color)
    shapes = []
    for frame in frames:
        seen = detect(frame, subject.color, subject.kind)
        if seen is None or not begun:
            continue
        size = seen.area / begun
        kept = _SIZES[0] <= size <= _SIZES[1] and seen.parts[0] >= _WHOLE * sum(seen.parts)
        shaped = best.shaped or kind_of(frame, subject.color) == subject.kind
        if kept or not best.kept:
            best = replace(best, kept=kept, size=size)
        best = replace(best, shaped=shaped)
        shapes.append(fidelity(frame, subject.color, subject.kind, others))
    if not shapes:
        return replace(best, iou=0.0)
    judged = [shape for shape in shapes if shape is not None]
    return replace(
        best,
        iou=known_mean(shape.iou for shape in judged),
        corners=known_mean(shape.corners for shape in judged),
    )


def summary(observations: Sequence[Observation]) -> dict[str, Any]:
    """Per mark, shares of objects kept and shaped, of streams that kept all; shapes; median size.

    Returns:
        By mark, as text: "objects_kept", "objects_shaped" and "streams_kept", shares; "size", the
        median; "iou" and "corners", means over the objects whose shape could be judged, None where
        there is none; "iou_by_kind", the same by kind; "objects" and "judged", numbers of objects.
    """
    frame = pd.DataFrame([asdict(each) for each in observations])
    return {
        str(mark): {
            "objects_kept": float(mine.kept.mean()),
            "objects_shaped": float(mine.shaped.mean()),
            "streams_kept": float(mine.groupby("stream").kept.all().mean()),
            "size": float(mine["size"].median()),
            "iou": known_mean(mine.iou),
            "iou_by_kind": {kind: known_mean(mine.iou[mine.kind == kind]) for kind in KINDS},
            "corners": known_mean(mine.corners),
            "objects": len(mine),
            "judged": int(mine.iou.count()),
        }
        for mark, mine in frame.groupby("block")
    }


def summary_table(marks: Mapping[str, Any]) -> list[str]:
    """A `summary` as the lines of a Markdown table."""

    def figure(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    head = ("blocks", "objects kept", "of their kind", "streams that kept all", "size", "IoU")
    rows = [
        (
            mark,
            *(f"{row[name]:.0%}" for name in ("objects_kept", "objects_shaped", "streams_kept")),
            f"x{row['size']:.2f}",
            *map(figure, (row["iou"], *row["iou_by_kind"].values(), row["corners"])),
        )
        for mark, row in marks.items()
    ]
    return table_lines((*head, *KINDS, "corners"), rows)
