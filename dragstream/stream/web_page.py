"""`write_page`: streams as one self-contained HTML file that plays without a network or kernel."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_positive
from dragstream.drags.files import checked_target, replacing
from dragstream.drags.motions import Drag
from dragstream.models.base import ModelSpec
from dragstream.stream.drag_targets import anchor_track, rest_frame, target_places
from dragstream.stream.inline_page import inline_page, shown_frames
from dragstream.stream.records import Block


@dataclass(frozen=True, eq=False)
class Branch:
    """A stream on a page."""

    name: str
    seed: int
    blocks: tuple[Block, ...]
    code: str | None


def write_page(
    branches: Sequence[Branch],
    spec: ModelSpec,
    path: str | os.PathLike[str],
    megabytes: float,
) -> Path:
    """Write streams of one model side by side as a web page; returns the path.

    The page holds the frames, blocks with their prompts, drags, settings and drift, and the code
    that makes each stream again. It loads nothing and its only script is DragStream's own: texts
    are data, and a content security policy forbids everything else.
    """
    limit = check_positive(megabytes, "megabytes") * 1e6
    target = checked_target(path, ".html")
    names = [branch.name for branch in branches]
    for branch in branches:
        if not branch.blocks:
            raise ValueError(f"stream {branch.name!r} has no blocks yet: generate one first")
        if names.count(branch.name) > 1:
            raise ValueError(f"two streams have the name {branch.name!r}")
    document = _document(branches, spec, limit)
    text = inline_page(
        "dragstream.stream",
        "session_page",
        document,
        "This page shows a film and needs JavaScript.",
    )
    with replacing(target) as part:
        part.write_text(text, encoding="utf-8")
    return target


def _document(branches: Sequence[Branch], spec: ModelSpec, limit: float) -> dict[str, Any]:
    """Everything that the page shows, as JSON; blocks that branches share appear once."""
    shared = {id(block): block for branch in branches for block in branch.blocks}
    numbers = {key: number for number, key in enumerate(shared)}
    width, pictures = shown_frames([block.frames for block in shared.values()], limit)
    return {
        "title": f"DragStream: {branches[0].blocks[-1].prompt}",
        "model": spec.name,
        "frameRate": spec.clock.frame_rate,
        "width": spec.grid.width,
        "height": spec.grid.height,
        "shownWidth": width,
        "blocks": [
            {**_block(block), "frames": frames}
            for block, frames in zip(shared.values(), pictures, strict=True)
        ],
        "branches": [
            {
                "name": branch.name,
                "seed": branch.seed,
                "blocks": [numbers[id(block)] for block in branch.blocks],
                "code": branch.code,
            }
            for branch in branches
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    """A block without its frames."""
    return {
        "index": block.index,
        "firstFrame": block.first_frame,
        "mode": block.mode.value,
        "prompt": block.prompt,
        "part": block.part,
        "seconds": round(block.timings.total, 3),
        "latentFrames": list(block.latent_frames),
        "drift": [_number(value) for value in block.drift],
        "losses": [_number(item.loss) for item in block.iterations],
        "settings": _settings(block.settings),
        "drags": [_drag(block, drag) for drag in block.drags],
    }


def _number(value: float) -> float | None:
    """A number for JSON; None for one that is not finite."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _settings(settings: object) -> list[tuple[str, str]]:
    """Names and values of the settings that are not left open."""
    if not dataclasses.is_dataclass(settings):
        return []
    found = ((item.name, getattr(settings, item.name)) for item in dataclasses.fields(settings))
    return [
        (name, value.name if isinstance(value, Enum) else repr(value))
        for name, value in found
        if value is not None
    ]


def _drag(block: Block, drag: Drag) -> dict[str, Any]:
    """The outline of a drag's handle, the track of its anchor, and the maps to its targets."""
    mask = drag.mask(*block.frames.shape[1:3])
    return {
        "kind": type(drag.motion).__name__,
        "outline": outline_path(mask),
        "track": [[round(x, 1), round(y, 1)] for x, y in anchor_track(drag.motion, mask).tolist()],
        "rest": rest_frame(block),
        "targets": [
            {"frame": frame, "matrix": [round(v, 4) for row in place.matrix for v in row]}
            for frame, place in target_places(block, drag.motion)
        ],
    }


def outline_path(mask: NDArray[np.bool_]) -> str:
    """The borders between a mask and the rest as SVG path data, along the edges of pixels.

    Integers are the centres of pixels, so the edges lie at halves.
    """
    padded = np.pad(mask, 1)
    across = "".join(
        f"M{start - 0.5:g} {row - 0.5:g}h{count}"
        for row, start, count in _runs(padded[1:, 1:-1] != padded[:-1, 1:-1])
    )
    down = "".join(
        f"M{column - 0.5:g} {start - 0.5:g}v{count}"
        for column, start, count in _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T)
    )
    return across + down


def _runs(marked: NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """(row, start, length) of the runs of True in each row."""
    for row in np.flatnonzero(marked.any(axis=1)).tolist():
        edges = np.flatnonzero(np.diff(np.pad(marked[row], 1).astype(np.int8)))
        for start, stop in edges.reshape(-1, 2).tolist():
            yield row, start, stop - start
