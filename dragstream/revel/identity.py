"""Persistence of the playground's objects over many blocks of a stream.

A stream starts from a rendered frame and continues without drags. At some blocks each of its
objects is detected: it is kept if it is found in its colour, in one piece, and about as large as at
the start. Beside that stands whether it still looks like its kind, and how near its shape is to the
renderer's own (`dragstream.revel.shape`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_int
from dragstream.models.base import VideoModel
from dragstream.models.playground.captions import caption
from dragstream.models.playground.world import KINDS
from dragstream.revel.cases import Start, Subject
from dragstream.revel.scenes import subjects_of
from dragstream.revel.shape import fidelity
from dragstream.revel.sight import kind_of, sight
from dragstream.stream.stream import Stream

__all__ = ["BLOCKS", "Glimpse", "summary", "watch"]

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
class Glimpse:
    """One object at one mark.

    Attributes:
        stream: number of the stream.
        block: the mark, in blocks.
        color: the object's colour.
        kind: the object's kind.
        kept: True if its area is near the first frame's and its colour is in one piece.
        size: its area, as a factor of what it was in the first frame; 0 if it is not seen.
        shaped: True if it looks like its kind: by its shape, or a critter by its eyes.
        iou: intersection over union with the renderer's object of its kind under the best affine
            fit, the mean of the looks; 0 if it is not seen; None if too much of it is hidden.
        corners: distance in pixels of its corners from that object's, likewise; None also for
            critters, which have none.
    """

    stream: int
    block: int
    color: str
    kind: str
    kept: bool
    size: float
    shaped: bool
    iou: float | None = None
    corners: float | None = None


def watch(
    model: VideoModel, streams: int, seed: int = 0, marks: Sequence[int] = BLOCKS
) -> Iterator[list[Glimpse]]:
    """Run streams and look at their objects; yields the glimpses of one stream after the other.

    Args:
        model: a model of the playground's frame size.
        streams: number of streams.
        seed: seed of the scenes and of the streams' noise.
        marks: when to look, in blocks, rising.

    Raises:
        ValueError: no streams, or marks that do not rise from at least 1.
    """
    check_int(streams, "streams", least=1)
    if not marks or list(marks) != sorted(set(marks)) or marks[0] < 1:
        raise ValueError(f"marks must rise and start at 1 or later, got {tuple(marks)}")
    for number in range(streams):
        start = Start(seed, number, 0)
        scene = start.scenes()
        image = start.image()
        stream = Stream(model, prompt=caption(scene, 0), seed=seed + number, image=image)
        glimpses = []
        for mark in marks:
            stream.run(mark + 1 - len(stream), progress=False)
            frames = [block.frames[-1] for block in stream.blocks[1:][-_LOOKS:]]
            subjects = subjects_of(scene)
            glimpses += [
                _look(number, mark, each, image, frames, subjects=subjects) for each in subjects
            ]
        yield glimpses


def _look(
    stream: int,
    mark: int,
    subject: Subject,
    image: NDArray[np.uint8],
    frames: Sequence[NDArray[np.uint8]],
    *,
    subjects: Sequence[Subject],
) -> Glimpse:
    """The best of several looks at one of the subjects of a stream; its shape is their mean."""
    first = sight(image, subject.color, subject.kind)
    begun = first.area if first else 0
    best = Glimpse(stream, mark, subject.color, subject.kind, kept=False, size=0.0, shaped=False)
    others = tuple((each.color, each.kind) for each in subjects if each.color != subject.color)
    shapes = []
    for frame in frames:
        seen = sight(frame, subject.color, subject.kind)
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
        iou=_mean([shape.iou for shape in judged]),
        corners=_mean([shape.corners for shape in judged if shape.corners is not None]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _shapes(glimpses: Sequence[Glimpse]) -> list[float]:
    return [glimpse.iou for glimpse in glimpses if glimpse.iou is not None]


def summary(glimpses: Sequence[Glimpse]) -> dict[str, Any]:
    """Per mark, shares of objects kept and shaped, of streams that kept all; shapes; median size.

    Returns:
        By mark, as text: "objects_kept", "objects_shaped" and "streams_kept", shares; "size", the
        median; "iou" and "corners", means over the objects whose shape could be judged, None where
        there is none; "iou_by_kind", the same by kind; "objects" and "judged", numbers of objects.
    """
    marks: dict[str, Any] = {}
    for mark in sorted({glimpse.block for glimpse in glimpses}):
        mine = [glimpse for glimpse in glimpses if glimpse.block == mark]
        whole_streams = [
            all(glimpse.kept for glimpse in mine if glimpse.stream == number)
            for number in {glimpse.stream for glimpse in mine}
        ]
        marks[str(mark)] = {
            "objects_kept": float(np.mean([glimpse.kept for glimpse in mine])),
            "objects_shaped": float(np.mean([glimpse.shaped for glimpse in mine])),
            "streams_kept": float(np.mean(whole_streams)),
            "size": float(np.median([glimpse.size for glimpse in mine])),
            "iou": _mean(_shapes(mine)),
            "iou_by_kind": {
                kind: _mean(_shapes([each for each in mine if each.kind == kind])) for kind in KINDS
            },
            "corners": _mean([each.corners for each in mine if each.corners is not None]),
            "objects": len(mine),
            "judged": len(_shapes(mine)),
        }
    return marks
