"""Dtypes by name, and dtype and device of new tensors whatever torch's global defaults are."""

from __future__ import annotations

import contextlib
import functools
import math
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch

FLOAT: dict[str, Any] = {"dtype": torch.float32, "device": "cpu"}
"""Arguments for every creation of tensors: other code may change torch's defaults."""

_SHORT = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""Common short names of torch's dtypes."""

_PRODUCT = ((512, 256), (256, 1024))
"""Sizes of the matrices by whose product dtypes are compared, about those of a small layer."""


def bfloat16_on_cpu(device: torch.device, dtype: torch.dtype) -> bool:
    """True where attention and norms take kernels that are faster for bfloat16 on a CPU."""
    return device.type == "cpu" and dtype is torch.bfloat16


@functools.cache
def bfloat16_speed() -> float:
    """Measure how many times as fast this processor multiplies matrices in bfloat16 as in float32.

    What a processor reports does not tell: some with AVX-512 BF16 are faster in it, some slower.
    """
    seconds = dict.fromkeys((torch.float32, torch.bfloat16), math.inf)
    for _ in range(5):
        for dtype in seconds:
            rows, columns = (torch.ones(size, dtype=dtype, device="cpu") for size in _PRODUCT)
            begun = time.perf_counter()
            rows @ columns
            seconds[dtype] = min(seconds[dtype], time.perf_counter() - begun)
    return seconds[torch.float32] / seconds[torch.bfloat16]


def has_amx() -> bool:
    """Return whether this processor is known to multiply tiles of bfloat16 (AMX)."""
    # The oldest torch that is allowed has no such function.
    report: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return report.get("amx_bf16") is True


def warn_of_slow_bfloat16(device: torch.device, dtype: torch.dtype, advice: str) -> None:
    """Warn where products of matrices in `dtype` are slower than in float32 on `device`."""
    if bfloat16_on_cpu(device, dtype) and (speed := bfloat16_speed()) < 1:
        warnings.warn(
            f"bfloat16 has {speed:.2g} times the speed of float32 on this processor, by products "
            f"of matrices; {advice}",
            stacklevel=3,
        )


def autocast_bfloat16(device: torch.device) -> torch.autocast:
    """Compute in bfloat16, on a CPU only with AMX: others may be slower in it."""
    slow = device.type == "cpu" and not has_amx()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=not slow)


@contextlib.contextmanager
def cpu_by_default() -> Iterator[None]:
    """Create tensors on the CPU where no device is given, also after `torch.set_default_device`.

    A context manager or a decorator: `@cpu_by_default()`. It acts on this thread alone.
    `torch.set_default_dtype` has no such override, since it holds for all threads: dtypes are
    given wherever floating point tensors are created.
    """
    if torch.get_default_device().type == "cpu":  # no override needed, and no overhead
        yield
        return
    with torch.device("cpu"):
        yield


def read_dtype(named: Any) -> torch.dtype:
    """Convert a torch dtype, its name, or "bf16", "fp16" or "fp32" to a floating point dtype."""
    dtype = named
    if isinstance(named, str):
        name = named.removeprefix("torch.")
        dtype = getattr(torch, _SHORT.get(name, name), None)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(
            f"dtype must be a floating point type of torch, as 'bfloat16' or 'bf16', 'float16' or "
            f"'fp16', 'float32' or 'fp32', got {named!r}"
        )
    return dtype
