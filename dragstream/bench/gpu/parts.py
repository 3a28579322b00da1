"""The parts of the measurement, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dragstream.bench.gpu.join import join
from dragstream.bench.gpu.kernels import attention
from dragstream.bench.gpu.live import live
from dragstream.bench.gpu.memory import memory
from dragstream.bench.gpu.part import Part
from dragstream.bench.gpu.passes import block, decoders, fewer_iterations, iterations, rates
from dragstream.bench.gpu.profiles import profiles
from dragstream.bench.gpu.rows import Row
from dragstream.bench.gpu.setup import BY_NAME, Setup
from dragstream.bench.gpu.suite import suite
from dragstream.bench.gpu.variants import attentions, compiled, dtypes, eight_bits

_RELEASED = ("DragStream", "released procedure", "times as fast")
_VARIANT = ("variant", "usual", "times as fast")

PARTS = (
    Part("rates", "The machine", ("", "", ""), 60, rates),
    Part("iteration", "An iteration of a drag", _RELEASED, 60, iterations),
    Part("block", "A block, the VAE's decoding included", _RELEASED, 80, block),
    Part("decoders", "Decoding a block", ("here", "beside", "times as fast"), 40, decoders),
    Part(
        "profile",
        "The largest costs",
        ("seconds on the device", "", "share"),
        40,
        profiles,
    ),
    Part(
        "join",
        "Keys and values of one layer: ring buffer, copy",
        ("ring buffer", "copy", "times as fast"),
        20,
        join,
    ),
    Part(
        "attention",
        "Attention of one layer",
        ("kernel", "usual", "times as fast"),
        40,
        attention,
    ),
    Part(
        "live",
        "A live drag, small decoder",
        ("newest move", "a move that just missed a block", ""),
        60,
        live,
    ),
    Part(
        "memory",
        "Memory of a model and a block",
        ("measured", "by ds.plan", "measured / planned"),
        100,
        memory,
    ),
    Part("tests", "Tests that need a GPU", ("", "", ""), 150, suite),
    Part("blocks", "Blocks with fewer iterations", _RELEASED, 80, fewer_iterations),
    Part("weights", "Weights and caches in 8 bits, small decoder", _VARIANT, 90, eight_bits),
    Part("attentions", "Attention by name, small decoder", _VARIANT, 90, attentions),
    Part("dtypes", "Other dtypes, small decoder", _VARIANT, 60, dtypes),
    Part("compiled", "Compiled layers, small decoder", _VARIANT, 120, compiled),
)
"""The most telling ones first, in case that time runs out."""


@dataclass
class Worker:
    """Runs parts by name, with the models that they share."""

    size: str  # "real" or "tiny"
    device: str  # "cuda" or "cpu"
    _setup: Setup | None = field(default=None, repr=False)

    def __call__(self, name: str) -> Iterator[Row]:
        """Yield the rows of a part."""
        if self._setup is None:
            self._setup = Setup(BY_NAME[self.size], self.device)
        (part,) = (part for part in PARTS if part.name == name)
        return part.run(self._setup)
