"""Cases of the benchmark MoveBench for a model: `movebench_cases`."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

from dragstream.drags.movebench import read_movebench
from dragstream.drags.tracks import at_latent_frames
from dragstream.models.base import ModelSpec
from dragstream.revel.cases import Case
from dragstream.revel.recorder import kind_of
from dragstream.revel.starts import ImageStart
from dragstream.stream.records import Mode


def movebench_cases(
    folder: str | os.PathLike[str],
    spec: ModelSpec,
    *,
    mode: str = "single",
    language: str = "en",
    count: int | None = None,
    seed: int = 0,
) -> Iterator[Case]:
    """Cases that start from the pictures of MoveBench and follow its tracks.

    Each stream begins with the picture, scaled to the model's frame, as its first block; the drags
    are animated right after it, as many blocks long as the tracks. Cases in which nothing moves
    are left out.

    Args:
        folder: see `read_movebench`.
        spec: of the model whose streams they are.
        mode: "single" or "multi".
        language: of the captions.
        count: no more than the first so many; None: all.
        seed: seed of the streams.

    Raises:
        FileNotFoundError, ValueError: see `read_movebench` and `MoveBenchCase.drags`.
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
            kinds=tuple(kind_of(drag) for drag in drags),
            tags=("movebench", mode),
        )
