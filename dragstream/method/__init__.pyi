from .base import DragMethod
from .baselines import SGI2V, DragVideo
from .focus import Focus
from .frequency import LowPass
from .iteration import Iteration
from .loss import Constraint, Loss
from .moments import Moments, drift
from .optimization import Optimization
from .parts import DifferenceLoss, FrequencyView, RectificationMethod
from .pulls import Pull, Reference
from .rectification import Rectification, normalise_prediction, rectify
from .settings import DragSettings

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
