"""Measured memory of plain and dragged blocks, compared with `ds.plan`."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from functools import partial

import torch

from dragstream.bench.gpu.setup import Row, Setup, attempt, exactly
from dragstream.bench.measure import central_drag, peak_of
from dragstream.bench.wan import filled_stream
from dragstream.method.settings import DragSettings
from dragstream.models.plan import Plan, plan_for
from dragstream.models.wan.device_map import DeviceMap
from dragstream.models.wan.room import GB

_PLANS = 5
"""The plan itself and the first savings, up to the layers above the tapped ones on the CPU."""


def memory(setup: Setup) -> Iterator[Row]:
    """Peak memory of plain and dragged blocks under a few plans, without that of CUDA itself."""
    setup.forget()
    for plan in plans(setup):
        name = plan.saving or "everything on the device"
        found: list[int] = []
        yield attempt(f"plain block, {name}", partial(_plain, setup, plan, name, found))
        if found:
            yield _row(f"dragged block, {name}", plan, found[0], dragged=True)
    if setup.device.type == "cuda":
        free, total = torch.cuda.mem_get_info(setup.device)
        taken = total - free - torch.cuda.memory_reserved(setup.device)
        yield Row("CUDA itself, and other programs", "GB", exactly(taken / GB))


def plans(setup: Setup) -> list[Plan]:
    """The plan with everything on the device, and the smaller ones with identical results."""
    where = DeviceMap(
        device=setup.device, dtype=setup.dtype, vae_device=setup.device, vae_dtype=setup.dtype
    )
    size = setup.size
    plan = plan_for(size.release, size.sizes.causal(size.release.causal), size.sizes.vae, where)
    exact = [each for each in plan.smaller if each.release == plan.release]
    return [plan, *exact[: _PLANS - 1]]


def _plain(setup: Setup, plan: Plan, name: str, found: list[int]) -> Row:
    """Measure both blocks; returns the plain one's row, appends the dragged one's bytes."""
    gc.collect()
    with peak_of(setup.device) as peak:
        model = setup.model(small=False)
        model.wan.place(setup.device, plan.device_map.offload)
        model.vae.resident = plan.device_map.decoder_states
        stream = filled_stream(model)
        peak()
        stream.step()
        plain = peak()
        stream.animate([central_drag(model.spec.grid, 1 / 6)], settings=DragSettings.paper())
        found.append(peak())
    return _row(f"plain block, {name}", plan, plain, dragged=False)


def _row(name: str, plan: Plan, measured: int, *, dragged: bool) -> Row:
    runtime = sum(part.size for part in plan.parts if part.name.startswith("CUDA itself"))
    planned = plan.peak(dragged=dragged) - runtime
    own, beside = exactly(measured / GB), exactly(planned / GB)
    return Row(name, "GB", own, beside, exactly(measured / planned))
