"""Explicit dtype and device of new tensors, independent of torch's global defaults."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

FLOAT: dict[str, Any] = {"dtype": torch.float32, "device": "cpu"}
"""Arguments for every creation of tensors: other code may change torch's defaults."""


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
