"""The method: latent region optimisation, its rectification, and the choice of frequencies.

One file an idea: `optimization` runs the iterations, `objective` is what they lower,
`rectification`, `frequency` and `focus` are the parts that `settings` switches, and `parts` says
what is asked of one's own.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dragstream.method.base import DragMethod
    from dragstream.method.baselines import SGI2V, DragVideo
    from dragstream.method.focus import Focus
    from dragstream.method.frequency import LowPass
    from dragstream.method.iteration import Iteration
    from dragstream.method.loss import Constraint, Loss
    from dragstream.method.moments import Moments, drift
    from dragstream.method.optimization import Optimization
    from dragstream.method.parts import DifferenceLoss, FrequencyView, RectificationMethod
    from dragstream.method.pulls import Pull, Reference
    from dragstream.method.rectification import (
        Rectification,
        normalise_prediction,
        rectify,
    )
    from dragstream.method.settings import DragSettings

_HOMES = {
    "Constraint": "loss",
    "DifferenceLoss": "parts",
    "DragMethod": "base",
    "DragSettings": "settings",
    "DragVideo": "baselines",
    "Focus": "focus",
    "FrequencyView": "parts",
    "Iteration": "iteration",
    "Loss": "loss",
    "LowPass": "frequency",
    "Moments": "moments",
    "Optimization": "optimization",
    "Pull": "pulls",
    "Rectification": "rectification",
    "RectificationMethod": "parts",
    "Reference": "pulls",
    "SGI2V": "baselines",
    "drift": "moments",
    "normalise_prediction": "rectification",
    "rectify": "rectification",
}

__all__ = [
    "SGI2V",
    "Constraint",
    "DifferenceLoss",
    "DragMethod",
    "DragSettings",
    "DragVideo",
    "Focus",
    "FrequencyView",
    "Iteration",
    "Loss",
    "LowPass",
    "Moments",
    "Optimization",
    "Pull",
    "Rectification",
    "RectificationMethod",
    "Reference",
    "drift",
    "normalise_prediction",
    "rectify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
