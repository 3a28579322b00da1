"""Figures, and those that could not be had."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from dragstream.bench.alternation import Spread
from dragstream.bench.gpu.child import reason

_LOST = "CUDA error"
"""Torch's error text when a device no longer works in this process."""


@dataclass(frozen=True)
class Row:
    """One line of the results; what could not be measured is None, and `note` says why.

    Args:
        name: What was measured.
        unit: Of `own` and `beside`: "s", "GB", "GB/s" or "TFLOP/s".
        own: The figure.
        beside: What it is compared with.
        ratio: See the part's `columns`.
        note: Anything else.
    """

    name: str
    unit: str = "s"
    own: Spread | None = None
    beside: Spread | None = None
    ratio: Spread | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """All fields as plain values."""
        return asdict(self)


def exactly(value: float) -> Spread:
    """One value as a spread."""
    return Spread(value, value, value)


def attempt(name: str, measure: Callable[[], Row]) -> Row:
    """Measure a row; memory, a package or a kernel that is missing becomes its note.

    Raises:
        RuntimeError: The device failed, and would fail whatever comes next.
    """
    try:
        return measure()
    except Exception as error:
        if _LOST in str(error):
            raise
        note = f"not measured: {reason(error)}"
    if torch.cuda.is_available():  # outside the handler, whose traceback holds the tensors
        gc.collect()
        torch.cuda.empty_cache()
    return Row(name, note=note)
