"""Dtypes by name, and dtype and device of new tensors whatever torch's global defaults are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

FLOAT: dict[str, Any] = {"dtype": torch.float32, "device": "cpu"}
"""Arguments for every creation of tensors: other code may change torch's defaults."""

_SHORT = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""Common short names of torch's dtypes."""


def bfloat16_on_cpu(device: torch.device, dtype: torch.dtype) -> bool:
    """True where attention and norms take kernels that are faster for bfloat16 on a CPU."""
    return device.type == "cpu" and dtype is torch.bfloat16


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
    """Convert a torch dtype, its name, or "bf16", "fp16" or "fp32" to a floating point dtype.

    Raises:
        ValueError: Not a floating point dtype.
    """
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
