"""The largest costs of a plain block and of an iteration, by operator."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.profiler import ProfilerActivity, profile

from dragstream.bench.alternation import Call, clock_of
from dragstream.bench.gpu.rows import Row, exactly
from dragstream.bench.gpu.setup import Setup
from dragstream.bench.measure import seconds, synchronize
from dragstream.method.settings import DragSettings

_LARGEST = 5
_MICRO = 1e-6


def profiles(setup: Setup) -> Iterator[Row]:
    """The five operators that take most time in each, and what they share of it."""
    filled = setup.filled
    run = filled.drag(DragSettings.paper(iterations=6))
    next(run)
    yield from _largest("plain block", filled.plain, setup.device)
    yield from _largest("iteration", lambda: next(run), setup.device)


def _largest(name: str, call: Call, device: torch.device) -> Iterator[Row]:
    cuda = device.type == "cuda"
    call()
    wall = seconds(call, clock_of(device))
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities) as recorded:
        call()
        synchronize()
    costs: dict[str, tuple[float, int]] = {}
    for event in recorded.key_averages():
        if event.device_type.name == "CPU":  # operators; kernels are counted in theirs
            own = event.self_device_time_total if cuda else event.self_cpu_time_total
            costs[event.key] = (own * _MICRO, event.count)
    total = sum(own for own, _ in costs.values())
    share = f"{total / wall:.0%} of {1000 * wall:.0f} ms without the profiler"
    yield Row(f"{name}: all operators", own=exactly(total), ratio=exactly(1.0), note=share)
    order = sorted(costs.items(), key=lambda item: -item[1][0])
    for key, (own, count) in order[:_LARGEST]:
        ratio = exactly(own / total) if total else None
        yield Row(f"{name}: {key}", own=exactly(own), ratio=ratio, note=f"{count} calls")
