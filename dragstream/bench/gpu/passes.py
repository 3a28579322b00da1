"""Peak rates of the machine, the model's passes compared with the release's, and profiles."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import torch
from torch.profiler import ProfilerActivity, profile

from dragstream.bench.gpu.setup import Row, Setup, attempt, exactly
from dragstream.bench.measure import Call, Spread, alternate, clock_of, seconds, synchronize
from dragstream.bench.wan import Row as Measured
from dragstream.method.settings import DragSettings
from dragstream.models.wan.room import GB

_TERA = 10**12


def rates(setup: Setup) -> Iterator[Row]:
    """Rates of a large matrix product and of a large copy, the upper bounds of all passes."""
    rows = setup.size.matrix
    generator = torch.Generator(setup.device).manual_seed(0)
    left, right = (  # random: a product of zeros is faster
        torch.randn(rows, rows, generator=generator, device=setup.device).to(setup.dtype)
        for _ in range(2)
    )
    target = torch.empty_like(left)
    calls = (lambda: torch.mm(left, right, out=target), lambda: target.copy_(left))
    for call in calls:
        call()
    product, copy = zip(*alternate(calls, 4 * setup.size.pairs, time.perf_counter), strict=True)
    kind = str(setup.dtype).removeprefix("torch.")
    work = 2 * rows**3 / _TERA
    yield Row(
        f"product of {rows} x {rows} matrices, {kind}",
        "TFLOP/s",
        Spread.of([work / seconds for seconds in product]),
    )
    moved = 2 * left.nbytes / GB
    yield Row(
        "copy in the device's memory",
        "GB/s",
        Spread.of([moved / seconds for seconds in copy]),
        note="bytes read and written",
    )


def iterations(setup: Setup) -> Iterator[Row]:
    """An iteration of a drag, by the paper's settings and by the release's."""
    benchmark = setup.benchmark
    yield from _rows(benchmark.iteration())
    yield from _rows(benchmark.released_iteration())


def block(setup: Setup) -> Iterator[Row]:
    """A plain block, and one with the paper's four iterations."""
    yield from _rows(setup.benchmark.block(0))
    yield from _rows(setup.benchmark.block(4))


def fewer_iterations(setup: Setup) -> Iterator[Row]:
    """Blocks with two and three iterations."""
    yield from _rows(setup.benchmark.block(2))
    yield from _rows(setup.benchmark.block(3))


def _rows(found: Measured) -> Iterator[Row]:
    yield Row(found.name, "s", found.seconds, found.released_seconds, found.ratio)
    own, released = found.peak_bytes, found.released_peak_bytes
    yield Row(
        f"{found.name}, working memory",
        "GB",
        exactly(own / GB),
        exactly(released / GB),
        exactly(released / own),
        "times as little",
    )


def decoders(setup: Setup) -> Iterator[Row]:
    """Decoding of a block: in the stream, as the release does, and by a small decoder."""
    yield from _rows(setup.benchmark.decode())
    for name, call in (("small decoder", "decode"), ("plain block, small decoder", "plain")):
        yield attempt(name, partial(_small, setup, name, call))


def _small(setup: Setup, name: str, call: str) -> Row:
    own, usual = (getattr(model, call) for model in (setup.filled, setup.benchmark.filled))
    return setup.compared(f"{name}, beside the VAE", own, usual)


def profiles(setup: Setup) -> Iterator[Row]:
    """The five most expensive operators of a plain block and of an iteration."""
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
            costs[event.key] = (own / 1e6, event.count)
    total = sum(own for own, _ in costs.values())
    share = f"{total / wall:.0%} of {1000 * wall:.0f} ms without the profiler"
    yield Row(f"{name}: all operators", own=exactly(total), ratio=exactly(1.0), note=share)
    order = sorted(costs.items(), key=lambda item: -item[1][0])
    for key, (own, count) in order[:5]:
        ratio = exactly(own / total) if total else None
        yield Row(f"{name}: {key}", own=exactly(own), ratio=ratio, note=f"{count} calls")
