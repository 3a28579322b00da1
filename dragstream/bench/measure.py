"""Seconds and memory of blocks and long streams, and timing of calls in alternation."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from dragstream.drags import regions
from dragstream.drags.checks import check_int
from dragstream.drags.geometry import Grid
from dragstream.drags.motions import Drag, Translation
from dragstream.drags.process import peak_bytes, resident_bytes
from dragstream.method.settings import DragSettings
from dragstream.models.base import VideoModel
from dragstream.models.dry_run import Meter
from dragstream.stream.records import Block
from dragstream.stream.stream import Stream

Progress = Callable[[int], None]
"""Called with the number of blocks made so far."""

_PULL = 12.0
"""Pixels of the measured drag: short enough for one segment in every preset."""


@dataclass(frozen=True)
class BlockCost:
    """The cost of a stream at a block: median seconds of the last blocks, and memory then."""

    block: int
    seconds: float
    resident_bytes: int


@dataclass(frozen=True)
class Report:
    """The measurement; seconds are medians."""

    plain_seconds: float  # one block by `Stream.step`, its cache full
    dragged_seconds: float  # the same block by `Stream.animate` with one drag
    iterations: int  # drag iterations in it
    blocks_between: int  # blocks made between the readings of memory at `early` and `late`
    early: BlockCost  # the cost at an early block of a stream without drags
    late: BlockCost  # the cost at a late block, timed in alternation with the early one
    kept_bytes: int  # bytes of a finished block: latents, noisy latents, frames
    peak_bytes: int  # peak memory of the process

    @property
    def drag_ratio(self) -> float:
        """A dragged block's seconds over a plain one's."""
        return self.dragged_seconds / self.plain_seconds

    @property
    def time_growth(self) -> float:
        """The late block's seconds over the early one's."""
        return self.late.seconds / self.early.seconds

    @property
    def grown_bytes(self) -> float:
        """Growth of memory per block from `early` to `late`, `kept_bytes` included."""
        return (self.late.resident_bytes - self.early.resident_bytes) / self.blocks_between

    @property
    def memory_growth(self) -> float:
        """Memory at the late block, without kept blocks, over that at the early one."""
        kept = self.kept_bytes * self.blocks_between
        return (self.late.resident_bytes - kept) / self.early.resident_bytes

    def to_json(self) -> dict[str, Any]:
        """All fields and the ratios computed from them."""
        names = ("drag_ratio", "time_growth", "grown_bytes", "memory_growth")
        return asdict(self) | {name: getattr(self, name) for name in names}


def measure(
    model: VideoModel,
    prompt: str,
    *,
    early: int = 20,
    late: int = 200,
    repeats: int = 9,
    progress: Progress | None = None,
) -> Report:
    """Measure blocks of a stream of `late` and one of `early` blocks, then plain and dragged ones.

    The last `repeats` blocks of the two streams alternate, so that other load slows both alike.
    """
    repeats = check_int(repeats, "repeats", least=1)
    early = check_int(early, "early", least=repeats)
    late = check_int(late, "late", least=early + repeats)
    early_stream, stream = (Stream(model, prompt=prompt, seed=0) for _ in range(2))
    for _ in range(early - repeats):
        early_stream.step()
    early_bytes = 0
    early_seconds: list[float] = []
    late_seconds: list[float] = []
    for number in range(1, late + 1):
        if number > late - repeats:
            early_seconds.append(seconds(early_stream.step))
        late_seconds.append(seconds(stream.step))
        if number == early:
            gc.collect()
            early_bytes = resident_bytes()
        if progress is not None:
            progress(number)
    gc.collect()
    late_bytes = resident_bytes()
    plain, dragged, iterations = _compare(stream, repeats)
    return Report(
        plain_seconds=plain,
        dragged_seconds=dragged,
        iterations=iterations,
        blocks_between=late - early + repeats,
        early=BlockCost(early, statistics.median(early_seconds), early_bytes),
        late=BlockCost(late, statistics.median(late_seconds[-repeats:]), late_bytes),
        kept_bytes=kept_bytes(stream.blocks[-1]),
        peak_bytes=peak_bytes(),
    )


def _compare(stream: Stream, repeats: int) -> tuple[float, float, int]:
    """Median seconds of plain and of dragged blocks in alternation, and the drag's iterations."""
    drags = [central_drag(stream.model.spec.grid)]
    settings = DragSettings()
    plain, dragged = [], []
    for _ in range(repeats):
        plain.append(seconds(stream.step))
        dragged.append(seconds(lambda: stream.animate(drags, settings=settings)))
    iterations = len(stream.blocks[-1].iterations)
    return statistics.median(plain), statistics.median(dragged), iterations


def central_drag(grid: Grid, radius: float = 1 / 8) -> Drag:
    """A drag of one segment of a disc in the middle of the frame."""
    centre = (grid.width / 2, grid.height / 2)
    disc = regions.disc(center=centre, radius=radius * min(grid.width, grid.height))
    return Drag(disc, Translation.by(_PULL, 0.0))


def seconds(call: Callable[[], object], clock: Callable[[], float] | None = None) -> float:
    """Seconds of a call until the accelerator is idle, by default by the wall clock."""
    clock = clock or time.perf_counter
    synchronize()
    start = clock()
    call()
    synchronize()
    return clock() - start


def synchronize() -> None:
    """Wait until the accelerator, if there is one, is idle."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def kept_bytes(block: Block) -> int:
    """Bytes of the tensors and frames that one block holds."""
    tensors = (block.latents, *block.noisy)
    return sum(t.numel() * t.element_size() for t in tensors) + block.frames.nbytes


def machine() -> dict[str, Any]:
    """The machine and versions of a measurement."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    """The processor's name."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


Call = Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """Minimum, median and maximum of some values."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(min(values), statistics.median(values), max(values))


@dataclass(frozen=True)
class Comparison:
    """Seconds of two calls timed in alternation."""

    own: Spread  # seconds of the first call
    other: Spread  # seconds of the second call
    ratio: Spread  # seconds of the second over those of the first, of neighbouring runs


def clock_of(device: torch.device) -> Callable[[], float]:
    """The clock for calls on a device: wall time on a GPU, processor time on a shared CPU."""
    return time.process_time if device.type == "cpu" else time.perf_counter


def alternate(
    calls: Sequence[Call], rounds: int, clock: Callable[[], float]
) -> list[tuple[float, ...]]:
    """Time each call once in each round; every other round has the reverse order."""
    found = []
    for turn in range(check_int(rounds, "rounds", least=1)):
        order = range(len(calls)) if turn % 2 == 0 else reversed(range(len(calls)))
        taken = {index: seconds(calls[index], clock) for index in order}
        found.append(tuple(taken[index] for index in range(len(calls))))
    return found


def comparison(pairs: Sequence[tuple[float, ...]]) -> Comparison:
    """The spreads of pairs of seconds, and of their ratios."""
    own, other = zip(*pairs, strict=True)
    ratios = [theirs / mine for mine, theirs in pairs]
    return Comparison(Spread.of(own), Spread.of(other), Spread.of(ratios))


def working_bytes(call: Call, device: torch.device) -> int:
    """Peak bytes that a call allocates; it runs once."""
    synchronize()
    with peak_of(device) as peak:
        call()
        return peak()


@contextlib.contextmanager
def peak_of(device: torch.device) -> Iterator[Callable[[], int]]:
    """Yield a function that returns the peak of allocated bytes since its last call."""
    if device.type != "cuda":
        with Meter() as meter:

            def since() -> int:
                found, meter.peak = meter.peak, meter.alive
                return int(found)

            yield since
        return
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)

    def since_cuda() -> int:
        synchronize()
        found = torch.cuda.max_memory_allocated(device) - before
        torch.cuda.reset_peak_memory_stats(device)
        return int(found)

    yield since_cuda


def compare_models(
    own: VideoModel,
    other: VideoModel,
    prompt: str,
    *,
    pairs: int = 5,
    progress: Callable[[str], object] = lambda _: None,
) -> dict[str, Comparison]:
    """Compare the processor time of blocks and decoding of two models.

    `progress` is called with the name of each finished measurement.
    """
    mine, theirs = (_model_calls(model, prompt) for model in (own, other))
    found = {}
    for name, call in theirs.items():
        call(), mine[name]()  # warm up
        found[name] = comparison(alternate((mine[name], call), pairs, time.process_time))
        progress(name)
    return found


def _model_calls(model: VideoModel, prompt: str) -> dict[str, Call]:
    stream = Stream(model, prompt=prompt, seed=0)
    for _ in range(3):  # so that the window is full
        stream.step()
    drags = [central_drag(model.spec.grid)]
    latents = stream.blocks[-1].latents[None]
    return {
        "plain block": lambda: stream.fork().step(),
        "dragged block": lambda: stream.fork().animate(drags),
        "quickly dragged": lambda: stream.fork().animate(drags, settings=DragSettings.fast()),
        "decoding": lambda: model.decode(latents),
    }
