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
from .rectification import Rectification, rectify
from .settings import DragSettings, Suited

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
    "Suited",
    "drift",
    "rectify",
]
