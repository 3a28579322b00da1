"""Dtypes by name, and dtype and device of new tensors whatever torch's global defaults are."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch

FLOAT: dict[str, Any] = {"dtype": torch.float32, "device": "cpu"}
"""Arguments for every creation of tensors: other code may change torch's defaults."""

_SHORT = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""Common short names of torch's dtypes."""

SLOW_BFLOAT16 = (
    "this processor lacks instructions for bfloat16 (AVX-512 BF16 or AMX): products of matrices "
    "take up to 70 times as long as in float32"
)


def bfloat16_on_cpu(device: torch.device, dtype: torch.dtype) -> bool:
    """True where attention and norms take kernels that are faster for bfloat16 on a CPU."""
    return device.type == "cpu" and dtype is torch.bfloat16


def bfloat16_is_quick() -> bool | None:
    """Return whether this processor has instructions for bfloat16; None where that is unknown.

    Known on x86, where torch reports AVX-512 BF16 and AMX (`torch.cpu.get_capabilities`).
    """
    report = _capabilities()
    units = [report.get(name) for name in ("avx512_bf16", "amx_bf16")]
    return None if None in units else any(units)


def has_amx() -> bool:
    """Return whether this processor is known to multiply tiles of bfloat16 (AMX)."""
    return _capabilities().get("amx_bf16") is True


def _capabilities() -> Mapping[str, Any]:
    # The oldest torch that is allowed has no such function.
    report: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return report


def warn_of_slow_bfloat16(device: torch.device, dtype: torch.dtype, advice: str) -> None:
    """Warn where products of matrices in `dtype` are known to be slow on `device`."""
    if bfloat16_on_cpu(device, dtype) and bfloat16_is_quick() is False:
        warnings.warn(f"{SLOW_BFLOAT16}; {advice}", stacklevel=3)


def autocast_bfloat16(device: torch.device) -> torch.autocast:
    """Compute in bfloat16, but not on a processor that is known to be slow in it."""
    slow = device.type == "cpu" and bfloat16_is_quick() is False
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
