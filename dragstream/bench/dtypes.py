"""Processor seconds of a model in float32 and in bfloat16, measured in alternation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from dragstream.bench.measure import alternate, central_drag, comparison
from dragstream.drags.checks import check_int
from dragstream.models.base import VideoModel
from dragstream.stream.stream import Stream

_WARM_UP = 3
"""Blocks before those that are measured, so that the window is full."""


@dataclass(frozen=True)
class DtypeRow:
    """One thing measured in both dtypes; seconds are medians of all threads' processor time."""

    name: str  # what it is
    float32_seconds: float  # in float32
    bfloat16_seconds: float  # in bfloat16
    ratio: float  # how many times as fast bfloat16 is: the median over neighbouring runs

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.float32_seconds:.3f} s of processor time in float32, "
            f"{self.bfloat16_seconds:.3f} s in bfloat16: {self.ratio:.2f} times as fast"
        )


def compare_dtypes(
    float32: VideoModel,
    bfloat16: VideoModel,
    prompt: str,
    *,
    pairs: int = 5,
    progress: Callable[[str], object] | None = None,
) -> tuple[DtypeRow, ...]:
    """Measure a plain block, a dragged block and decoding, each in both dtypes by turns."""
    pairs = check_int(pairs, "pairs", least=1)
    wide, narrow = (_calls(model, prompt) for model in (float32, bfloat16))
    rows = []
    for name, call in wide.items():
        rows.append(_row(name, call, narrow[name], pairs))
        if progress is not None:
            progress(name)
    return tuple(rows)


def _calls(model: VideoModel, prompt: str) -> dict[str, Callable[[], object]]:
    stream = Stream(model, prompt=prompt, seed=0)
    for _ in range(_WARM_UP):
        stream.step()
    drags = [central_drag(model.spec.grid)]
    latents = stream.blocks[-1].latents[None]
    return {
        "plain block": lambda: stream.fork().step(),
        "dragged block": lambda: stream.fork().animate(drags),
        "decoding": lambda: model.decode(latents),
    }


def _row(
    name: str, wide: Callable[[], object], narrow: Callable[[], object], pairs: int
) -> DtypeRow:
    wide(), narrow()  # the first run of each takes longer
    found = comparison(alternate((narrow, wide), pairs, time.process_time))
    return DtypeRow(name, found.other.median, found.own.median, found.ratio.median)
