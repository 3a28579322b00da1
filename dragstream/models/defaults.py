"""Independence from what other code has made torch's defaults."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

FLOAT: dict[str, Any] = {"dtype": torch.float32, "device": "cpu"}
"""Named wherever tensors are made: other code may change torch's defaults."""


@contextlib.contextmanager
def cpu_by_default() -> Iterator[None]:
    """Tensors are made on the CPU where no device is named, also after `torch.set_default_device`.

    A context, or a decorator: `@cpu_by_default()`. It acts on this thread alone. There is no such
    thing for `torch.set_default_dtype`, which holds for all threads: dtypes are named wherever
    floating point tensors are made.
    """
    if torch.get_default_device().type == "cpu":  # nothing to do, and nothing to pay for
        yield
        return
    with torch.device("cpu"):
        yield
