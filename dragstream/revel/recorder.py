"""Cases from sessions (`record`), from the authors' label folders, and from MoveBench."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from dragstream.drags.files import expanded
from dragstream.drags.labels import LabelReader
from dragstream.drags.labels import Mode as LabelMode
from dragstream.drags.motions import Drag
from dragstream.drags.movebench import read_movebench
from dragstream.drags.shapes import as_shape
from dragstream.drags.tracks import at_latent_frames
from dragstream.models.base import ModelSpec
from dragstream.revel.cases import Case, ImageStart, Kind, PastDrag
from dragstream.stream.records import Block, Mode
from dragstream.stream.stream import Stream


def record(stream: Stream, name: str) -> tuple[Case, ...]:
    """Make a case of each drag of a stream, in order, with names that begin with `name`.

    Each repeats its drag on the same past: captions, picture, earlier drags with their settings.
    Rewound blocks are left out. Cases have no subjects, so they are measured by optical flow.

    Raises:
        ValueError: a stream without drags, or one that began with a picture which it no longer has.
    """
    blocks = stream.blocks
    drags = tuple(_past_drags(blocks))
    if not drags:
        raise ValueError(f"{stream!r} was never dragged: there is nothing to record")
    start = _start(blocks)
    captions = [(0, blocks[0].prompt)]
    captions += [
        (after.index, after.prompt)
        for before, after in pairwise(blocks)
        if after.prompt != before.prompt
    ]
    cases = []
    for number, drag in enumerate(drags):
        kinds = tuple(map(kind_of, drag.drags))
        end = drag.block + drag.blocks
        cases.append(
            Case(
                name=f"{name}-{number:03d}-{drag.mode.value}-{kinds[0].value}",
                model=stream.model.spec.name,
                prompt=captions[0][1],
                seed=stream.seed,
                block=drag.block,
                drags=drag.drags,
                mode=drag.mode,
                kind=kinds[0],
                keep=drag.keep,
                blocks=drag.blocks,
                start=start,
                kinds=kinds,
                # earlier drags, without rewound ones
                past=tuple(each for each in drags[:number] if each.reaches <= drag.block),
                prompts=tuple(each for each in captions[1:] if each[0] < end),
                tags=("recorded",),
            )
        )
    return tuple(cases)


def _start(blocks: Sequence[Block]) -> ImageStart | None:
    first = blocks[0]
    if first.picture is not None:
        return ImageStart.of(first.picture)
    if first.footage is not None:
        raise ValueError("the stream began with a video: cases begin with a picture or with noise")
    if Mode.IMAGE in (first.mode, *(call.mode for call in first.earlier)):
        raise ValueError(
            "the stream began with a picture that it does not hold, so its past cannot be made "
            "again: it comes from an archive of an older version"
        )
    return None


def _past_drags(blocks: Sequence[Block]) -> Iterator[PastDrag]:
    """The drags that made these blocks, in the order of the calls."""
    for block in blocks:
        first, *edits = (*block.earlier, block.call)
        if first.mode is Mode.ANIMATE and first.part[0] == 0:
            length, kept = first.part[1], _kept(blocks[block.index :])
            yield _past_drag(first, block.index, length, None if kept == length else kept)
        for edit in edits:
            yield _past_drag(edit, block.index + 1, 1, None)


def _kept(blocks: Sequence[Block]) -> int:
    """Number of blocks that an animation beginning here still has."""
    count = 0
    for block in blocks:
        first = (*block.earlier, block.call)[0]
        if first.mode is not Mode.ANIMATE or first.part[0] != count:
            break
        count += 1
        if block.earlier:
            break  # edited as the newest block, so the blocks after it were rewound
    return count


def _past_drag(call: Any, block: int, blocks: int, kept: int | None) -> PastDrag:
    keep = None if call.keep is None else as_shape(call.keep)
    return PastDrag(block, call.mode, tuple(call.drags), keep, blocks, kept, call.settings)


def kind_of(drag: Drag) -> Kind:
    """The kind of a drag by its motion: a turn in depth counts as a translation."""
    known = drag.motion.kind in {kind.value for kind in Kind}
    return Kind(drag.motion.kind) if known else Kind.TRANSLATION


def from_labels(
    folder: str | Path, *, model: str = "self-forcing", seed: int = 0
) -> tuple[Case, ...]:
    """Make cases of the released labels in a folder, or in the folders below it.

    Their names are made of the labels' paths; labels do not hold the stream's `seed`. A missing
    folder raises FileNotFoundError; a damaged label, or none, ValueError.
    """
    top = expanded(folder, "folder")
    places = sorted({file.parent for file in top.rglob("block_*_trajectory.json")}) or [top]
    cases, reader = [], LabelReader()
    for place in places:
        name = "-".join(place.relative_to(top).parts) or top.resolve().name
        for label in reader.read_folder(place):
            mode = Mode.EDIT if label.mode is LabelMode.EDIT else Mode.ANIMATE
            kinds = tuple(map(kind_of, label.drags))
            cases.append(
                Case(
                    name=f"{name}-{label.block:03d}-{mode.value}-{kinds[0].value}",
                    model=model,
                    prompt=label.prompt,
                    seed=seed,
                    block=label.block,
                    drags=label.drags,
                    mode=mode,
                    kind=kinds[0],
                    keep=label.keep,
                    blocks=label.blocks,
                    kinds=kinds,
                    tags=("label",),
                )
            )
    return tuple(cases)


def movebench_cases(
    folder: str | os.PathLike[str],
    spec: ModelSpec,
    *,
    mode: str = "single",
    language: str = "en",
    count: int | None = None,
    seed: int = 0,
) -> Iterator[Case]:
    """Cases that start from the pictures of MoveBench and follow its tracks; see `read_movebench`.

    Each stream begins with the picture, scaled to the frame of the model's `spec`, as its first
    block; the drags are animated right after it, as many blocks long as the tracks. Cases in which
    nothing moves are left out.
    """
    grid, clock = spec.grid, spec.clock
    size = (grid.height, grid.width)
    for found in read_movebench(folder, mode=mode, language=language, count=count):
        drags, keep = found.drags(clock, height=grid.height, width=grid.width)
        if not drags:
            continue
        latent = len(at_latent_frames(found.tracks, clock, 0).points) - 1
        yield Case(
            name=found.name,
            model=spec.name,
            prompt=found.caption,
            seed=seed,
            block=1,
            drags=tuple(drags),
            mode=Mode.ANIMATE,
            kind=kind_of(drags[0]),
            keep=keep,
            blocks=math.ceil(latent / spec.frames_per_block),
            start=ImageStart.of(found.frame(size)),
            kinds=tuple(map(kind_of, drags)),
            tags=("movebench", mode),
        )
