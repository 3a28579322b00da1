"""What one iteration of the optimisation did: `Iteration`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from dragstream.drags.checks import fraction, not_negative, short, whole
from dragstream.method.moments import Moments


@dataclass(frozen=True)
class Iteration:
    """The record of one iteration.

    Args:
        index: Counted from 0 within the block.
        segment: Which part of a long drag it worked on, counted from 0.
        loss: Eq. 3 before the step, `loss_rec` plus the weighted `loss_cst`.
        loss_rec: How far the targets' features are from the reference's, with the weighted
            predictions where they count.
        loss_cst: How far the region to keep is from what it was.
        cutoff: The low-pass cutoff drawn for the reference features; 1 is unfiltered.
        gradient_norm: Euclidean norm of the loss's gradient, before clipping and focus.
        moments_before: The latents after the step, before rectification.
        moments: The latents as the iteration leaves them, after rectification.
        drift_before: Distance of `moments_before` from the neighbours' moments.
        drift: Distance of `moments` from the neighbours' moments.
        seconds: Wall time.
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
        """Plain values, for archives."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: value.to_json() if isinstance(value, Moments) else value
            for name, value in data.items()
        }

    @classmethod
    def from_json(cls, data: object) -> Iteration:
        """The inverse of `to_json`.

        Raises:
            TypeError: Values that are not numbers.
            ValueError: Missing or extra keys, numbers that are not finite or are negative, or a
                cutoff outside (0, 1].
        """
        names = [item.name for item in dataclasses.fields(cls)]
        if not isinstance(data, dict) or set(data) != set(names):
            found = sorted(map(str, data)) if isinstance(data, dict) else data
            raise ValueError(f"an iteration needs exactly the keys {names}, got {short(found)}")
        values: dict[str, Any] = {}
        for name in names:
            if name.startswith("moments"):
                values[name] = Moments.from_json(data[name])
            elif name in ("index", "segment"):
                values[name] = whole(data[name], name, least=0)
            elif name == "cutoff":
                values[name] = fraction(data[name], name)
            else:
                values[name] = not_negative(data[name], name)
        return cls(**values)
