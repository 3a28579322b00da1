"""Rows and parts of the GPU measurements, and the models that parts share."""

from __future__ import annotations

import dataclasses
import functools
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from dragstream.bench.gpu.child import reason
from dragstream.bench.measure import Call, Spread, alternate, clock_of, comparison
from dragstream.bench.random_models import assembled
from dragstream.bench.wan import FilledModel, WanBenchmark
from dragstream.models.wan.model import Wan
from dragstream.models.wan.preview import PreviewDecoder
from dragstream.models.wan.release import Release
from dragstream.models.wan.releases import RELEASES
from dragstream.models.wan.sizes import SIZES, Sizes

_LOST = "CUDA error"
"""Torch's error text when a device no longer works in this process."""


@dataclass(frozen=True)
class Row:
    """One row of the results; without a figure it is None, and `note` has the reason."""

    name: str  # name of the measurement
    unit: str = "s"  # unit of `own` and `beside`: "s", "GB", "GB/s" or "TFLOP/s"
    own: Spread | None = None  # the figure
    beside: Spread | None = None  # the figure that it is compared with
    ratio: Spread | None = None  # their ratio, see `Part.columns`
    note: str = ""  # remarks


def exactly(value: float) -> Spread:
    """One value as a spread."""
    return Spread(value, value, value)


def attempt(name: str, measure: Callable[[], Row]) -> Row:
    """Measure a row; an exception, as of missing memory or packages, becomes its note."""
    try:
        return measure()
    except Exception as error:
        if _LOST in str(error):
            raise
        note = f"not measured: {reason(error)}"
    if torch.cuda.is_available():  # outside the handler, whose traceback holds the tensors
        gc.collect()
        torch.cuda.empty_cache()
    return Row(name, note=note)


@dataclass(frozen=True)
class Part:
    """A group of measurements."""

    name: str  # the name on the command line and in the results
    title: str  # the title in the table
    columns: tuple[str, str, str]  # titles of `own`, `beside` and `ratio` of its rows
    seconds: float  # its time limit
    run: Callable[[Any], Iterator[Row]]  # measures and yields rows


_RELEASE = RELEASES["self-forcing"]
_SIZES = SIZES[_RELEASE.base]


@dataclass(frozen=True)
class Size:
    """Sizes of model and frame, and numbers of repetitions."""

    name: str  # "real" or "tiny"
    release: Release  # schedule, window and frame size
    sizes: Sizes  # of the transformer and the VAE
    decoder: tuple[int, int, int, int]  # widths of the small decoder
    pairs: int  # runs of each call, in alternation
    repeats: int  # calls that are timed as one where a call is short
    live_blocks: int  # blocks during which an object is held
    matrix: int  # rows of the square matrices whose product is timed


REAL = Size(
    "real", _RELEASE, _SIZES, (256, 128, 64, 64), pairs=3, repeats=20, live_blocks=8, matrix=8192
)
"""Self-Forcing at 832x480; the small decoder has the sizes of taew2_1."""

TINY = Size(
    "tiny",
    dataclasses.replace(_RELEASE, layers=(0, 1), window=6, sink=0, tokens=4, height=32, width=48),
    Sizes(
        {
            **_SIZES.transformer,
            "num_layers": 3,
            "num_heads": 1,
            "head_dim": 16,
            "ffn_dim": 8,
            "text_dim": 16,
        },
        {"base_dim": 4, "dim_mult": [1, 1, 2, 2], "num_res_blocks": 1},
    ),
    (8, 8, 8, 8),
    pairs=1,
    repeats=1,
    live_blocks=1,
    matrix=32,
)
"""For a trial on a CPU: everything runs, and the figures have no meaning."""

BY_NAME = {size.name: size for size in (REAL, TINY)}


class Setup:
    """A size on a device, and the models that parts share, made at the first use."""

    def __init__(self, size: Size, device: str) -> None:
        self.size = size
        self.device = torch.device(device)
        self.clock = clock_of(self.device)
        self.dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32

    @functools.cached_property
    def benchmark(self) -> WanBenchmark:
        """The model with its VAE, and the released procedure."""
        return WanBenchmark(self.model(small=False), pairs=self.size.pairs)

    @functools.cached_property
    def filled(self) -> FilledModel:
        """The model with a small decoder, which variants are compared with."""
        return FilledModel(self.model())

    def forget(self) -> None:
        """Free the memory of the shared models; they are made again at the next use."""
        for name in ("benchmark", "filled"):
            vars(self).pop(name, None)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def model(self, *, small: bool = True, dtype: torch.dtype | None = None, **parts: Any) -> Wan:
        """A new model, with the same random weights each time."""
        dtype = self.dtype if dtype is None else dtype
        if small:
            parts["preview"] = self.small_decoder().to(dtype)
        return assembled(self.size.release, self.size.sizes, str(self.device), dtype, **parts)

    def small_decoder(self) -> PreviewDecoder:
        """A new small decoder with random weights."""
        channels = self.size.sizes.transformer["latent_channels"]
        with self.device:
            decoder = PreviewDecoder(channels, self.size.decoder, (1, 2, 2))
        return decoder.requires_grad_(requires_grad=False).eval().to(self.dtype)

    def seconds(self, call: Call) -> Spread:
        """Seconds of a call, after a warm-up."""
        call()
        return Spread.of([taken for (taken,) in alternate((call,), self.size.pairs, self.clock)])

    def compared(
        self, name: str, own: Call, beside: Call, note: str = "", *, repeats: int = 1
    ) -> Row:
        """A row of two calls timed in alternation, after a warm-up."""

        def again(call: Call) -> None:
            for _ in range(repeats):
                call()

        calls = [partial(again, call) for call in (own, beside)]
        for call in calls:
            call()
        pairs = alternate(calls, self.size.pairs, self.clock)
        found = comparison([(mine / repeats, theirs / repeats) for mine, theirs in pairs])
        return Row(name, "s", found.own, found.other, found.ratio, note)
