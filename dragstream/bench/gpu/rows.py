"""Rows of figures, and the parts that they belong to."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from dragstream.bench.gpu.child import reason
from dragstream.bench.measure import Spread

_LOST = "CUDA error"
"""Torch's error text when a device no longer works in this process."""


@dataclass(frozen=True)
class Row:
    """One line of the results; what could not be measured is None, and `note` says why."""

    name: str  # what was measured
    unit: str = "s"  # of `own` and `beside`: "s", "GB", "GB/s" or "TFLOP/s"
    own: Spread | None = None  # the figure
    beside: Spread | None = None  # what it is compared with
    ratio: Spread | None = None  # see the part's `columns`
    note: str = ""  # anything else


def exactly(value: float) -> Spread:
    """One value as a spread."""
    return Spread(value, value, value)


def attempt(name: str, measure: Callable[[], Row]) -> Row:
    """Measure a row; memory, a package or a kernel that is missing becomes its note."""
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


@dataclass(frozen=True)
class Part:
    """Measurements that belong together."""

    name: str  # the name on the command line and in the results
    title: str  # what is measured, for the table
    columns: tuple[str, str, str]  # what `own`, `beside` and `ratio` are in its rows
    seconds: float  # the time that it may take; it is stopped then
    run: Callable[[Any], Iterator[Row]]  # measures; yields rows as they are known
