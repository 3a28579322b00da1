"""Record of one iteration of the optimisation: `Iteration`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dragstream.drags.checks import at_least, check_fraction, check_keys, check_not_negative
from dragstream.method.moments import Moments


@dataclass(frozen=True)
class Iteration:
    """The record of one iteration.

    Args:
        index: Index within the block, from 0.
        segment: Index of the segment of a long drag, from 0.
        loss: Eq. 3 before the step, `loss_rec` plus the weighted `loss_cst`.
        loss_rec: Reconstruction term: difference between the targets' features and the
            reference's, plus that of clean predictions if they have a weight.
        loss_cst: Constraint term: change of the region to keep.
        cutoff: Low-pass cutoff drawn for the reference features; 1 is unfiltered.
        gradient_norm: Euclidean norm of the loss's gradient, before clipping and focus.
        moments_before: Moments of the latents after the step, before rectification.
        moments: Moments of the latents at the end of the iteration, after rectification.
        drift_before: Distance of `moments_before` from the neighbours' moments.
        drift: Distance of `moments` from the neighbours' moments.
        seconds: Wall time in seconds.
    """

    index: int
    segment: int
    loss: float
    loss_rec: float
    loss_cst: float
    cutoff: float
    gradient_norm: float
    moments_before: Moments
    moments: Moments
    drift_before: float
    drift: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain values, for archives."""
        return {
            name: value.to_json() if isinstance(value, Moments) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, data: object) -> Iteration:
        """Read a record from the result of `to_json`; TypeError or ValueError for other values."""
        names = [item.name for item in dataclasses.fields(cls)]
        checks: dict[str, Callable[[Any, str], Any]] = {
            **dict.fromkeys(names, check_not_negative),
            "index": at_least(0),
            "segment": at_least(0),
            "cutoff": check_fraction,
            "moments_before": lambda value, _: Moments.from_json(value),
            "moments": lambda value, _: Moments.from_json(value),
        }
        values = check_keys(data, names, "an iteration")
        return cls(**{name: checks[name](values[name], name) for name in names})
