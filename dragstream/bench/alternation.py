"""Calls that are timed in alternation, so that a machine that wavers slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from dragstream.bench.measure import seconds, synchronize
from dragstream.drags.checks import check_int
from dragstream.models.rehearsal import Meter

Call = Callable[[], object]


@dataclass(frozen=True)
class Spread:
    """The least, the middle and the greatest of some values."""

    least: float
    median: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(min(values), statistics.median(values), max(values))


@dataclass(frozen=True)
class Comparison:
    """Seconds of two calls that took turns."""

    own: Spread  # of the first
    other: Spread  # of the second
    ratio: Spread  # how many times as fast the first one is, by neighbouring runs


def clock_of(device: torch.device) -> Callable[[], float]:
    """The clock for calls on a device.

    On a GPU the time that passes; on a CPU, which other programs use too, the time that the
    process took.
    """
    return time.process_time if device.type == "cpu" else time.perf_counter


def alternate(
    calls: Sequence[Call], rounds: int, clock: Callable[[], float]
) -> list[tuple[float, ...]]:
    """Time each call once a round; every other round runs them in reverse order."""
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
    """The most memory that a call takes beside what is there before; the call runs once."""
    if device.type != "cuda":
        with Meter() as meter:
            call()
        return int(meter.peak)
    synchronize()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    synchronize()
    return int(torch.cuda.max_memory_allocated(device) - before)
