"""Context manager: torch without the caller's inference mode and default device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dragstream.models.defaults import cpu_by_default


@contextmanager
def plain_torch() -> Iterator[None]:
    """Disable the caller's inference mode and default device, which would change new tensors."""
    with torch.inference_mode(mode=False), cpu_by_default():
        yield
