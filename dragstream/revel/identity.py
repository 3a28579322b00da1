"""Persistence of the playground's objects over many blocks of a stream.

A stream starts from a rendered frame and continues without drags. At some blocks each of its
objects is detected: it is kept if it is found in its colour, in one piece, and about as large as at
the start.
Its likeness to its kind is reported beside that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import whole
from dragstream.models.base import VideoModel
from dragstream.models.playground.captions import caption
from dragstream.revel.cases import Start, Subject
from dragstream.revel.scenes import subjects_of
from dragstream.revel.sight import kind_of, sight
from dragstream.stream.stream import Stream

__all__ = ["BLOCKS", "Glimpse", "summary", "watch"]

BLOCKS = (10, 100, 300)
"""Marks at which objects are looked for, in blocks."""

_SIZES = (0.6, 1.6)
"""An object is kept if its area is that many times the area it began with."""
_WHOLE = 0.8
"""Its largest part must be this share of all that has its colour."""
_LOOKS = 3
"""An object may be hidden behind another: it is looked for in this many blocks up to a mark."""


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
    """

    stream: int
    block: int
    color: str
    kind: str
    kept: bool
    size: float
    shaped: bool


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
        ValueError: no streams, or marks that do not rise from at least `_LOOKS`.
    """
    whole(streams, "streams", least=1)
    if not marks or list(marks) != sorted(set(marks)) or marks[0] < _LOOKS:
        raise ValueError(f"marks must rise and start at {_LOOKS} or later, got {tuple(marks)}")
    for number in range(streams):
        start = Start(seed, number, 0)
        scene = start.scenes()
        image = start.image()
        stream = Stream(model, prompt=caption(scene, 0), seed=seed + number, image=image)
        glimpses = []
        for mark in marks:
            stream.run(mark + 1 - len(stream), progress=False)
            frames = [block.frames[-1] for block in stream.blocks[-_LOOKS:]]
            glimpses += [_look(number, mark, each, image, frames) for each in subjects_of(scene)]
        yield glimpses


def _look(
    stream: int,
    mark: int,
    subject: Subject,
    image: NDArray[np.uint8],
    frames: Sequence[NDArray[np.uint8]],
) -> Glimpse:
    """The best of several looks at one object."""
    first = sight(image, subject.color, subject.kind)
    begun = first.area if first else 0
    best = Glimpse(stream, mark, subject.color, subject.kind, kept=False, size=0.0, shaped=False)
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
    return best


def summary(glimpses: Sequence[Glimpse]) -> dict[str, Any]:
    """Per mark, shares of objects kept and shaped, of streams that kept all; the median size."""
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
            "objects": len(mine),
        }
    return marks
