"""Memory of plain and dragged blocks, measured, beside what `ds.plan` computes."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from functools import partial

import torch

from dragstream.bench.gpu.rows import Row, attempt, exactly
from dragstream.bench.gpu.setup import Setup
from dragstream.bench.measure import central_drag, synchronize
from dragstream.bench.wan import filled_stream
from dragstream.method.settings import DragSettings
from dragstream.models.plan import Plan, plan_for
from dragstream.models.rehearsal import Meter
from dragstream.models.wan.device_map import DeviceMap
from dragstream.models.wan.room import GB

_PLANS = 5
"""The plan itself and the first savings, up to the layers above the tapped ones on the CPU."""


def memory(setup: Setup) -> Iterator[Row]:
    """Peaks of plain and dragged blocks under a few plans, without what CUDA itself takes."""
    setup.forget()
    for plan in plans(setup):
        name = plan.saving or "everything on the device"
        found: list[int] = []
        yield attempt(f"plain block, {name}", partial(_plain, setup, plan, name, found))
        if found:
            yield _row(f"dragged block, {name}", plan, found[0], dragged=True)
    if setup.device.type == "cuda":
        yield _runtime(setup.device)


def plans(setup: Setup) -> list[Plan]:
    """The plan of everything on the device, and those whose savings change no number."""
    where = DeviceMap(
        device=setup.device, dtype=setup.dtype, vae_device=setup.device, vae_dtype=setup.dtype
    )
    size = setup.size
    plan = plan_for(size.release, size.sizes.causal(size.release.causal), size.sizes.vae, where)
    exact = [each for each in plan.smaller if each.release == plan.release]
    return [plan, *exact[: _PLANS - 1]]


def _plain(setup: Setup, plan: Plan, name: str, found: list[int]) -> Row:
    """Measure both blocks; the row of the plain one, the dragged one's bytes into `found`."""
    plain, dragged = _peaks(setup, plan)
    found.append(dragged)
    return _row(f"plain block, {name}", plan, plain, dragged=False)


def _row(name: str, plan: Plan, measured: int, *, dragged: bool) -> Row:
    planned = plan.peak(dragged=dragged) - _runtime_of(plan)
    own, beside = exactly(measured / GB), exactly(planned / GB)
    return Row(name, "GB", own, beside, exactly(measured / planned))


def _runtime_of(plan: Plan) -> int:
    return sum(part.size for part in plan.parts if part.name.startswith("CUDA itself"))


def _runtime(device: torch.device) -> Row:
    free, total = torch.cuda.mem_get_info(device)
    taken = total - free - torch.cuda.memory_reserved(device)
    return Row("CUDA itself, and other programs", "GB", exactly(taken / GB))


def _peaks(setup: Setup, plan: Plan) -> tuple[int, int]:
    """Peak bytes of a plain block and of a dragged one, of a model loaded as planned."""
    gc.collect()
    with _peak_of(setup.device) as peak:
        model = setup.model(small=False)
        model.wan.place(setup.device, plan.device_map.offload)
        model.vae.resident = plan.device_map.decoder_states
        stream = filled_stream(model)
        peak()
        stream.step()
        plain = peak()
        stream.animate([central_drag(model.spec.grid, 1 / 6)], settings=DragSettings.paper())
        return plain, peak()


@contextlib.contextmanager
def _peak_of(device: torch.device) -> Iterator[Callable[[], int]]:
    """Yield a function to the peak of the bytes allocated inside, since its last call."""
    if device.type != "cuda":
        with Meter() as meter:

            def since() -> int:
                found, meter.peak = meter.peak, meter.alive
                return int(found)

            yield since
        return
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(device)

    def since_cuda() -> int:
        synchronize()
        found = torch.cuda.max_memory_allocated(device) - before
        torch.cuda.reset_peak_memory_stats(device)
        return int(found)

    yield since_cuda
