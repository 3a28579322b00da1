from .base import DragMethod
from .baselines import SGI2V, CutAndPaste, DragVideo, TimeToMove
from .block_drags import BlockDrag, Reference
from .dispatch import create_optimizer
from .focus import Focus
from .frequency import LowPass
from .iteration import Iteration
from .loss import Constraint, Loss
from .moments import Moments, drift
from .optimization import LatentOptimization
from .optimizer import DragOptimizer
from .parts import DifferenceLoss, FrequencyView, RectificationMethod
from .problem import DragProblem
from .rectification import Rectification, normalise_prediction, rectify
from .settings import DragSettings

__all__ = [
    "SGI2V",
    "BlockDrag",
    "Constraint",
    "CutAndPaste",
    "DifferenceLoss",
    "DragMethod",
    "DragOptimizer",
    "DragProblem",
    "DragSettings",
    "DragVideo",
    "Focus",
    "FrequencyView",
    "Iteration",
    "LatentOptimization",
    "Loss",
    "LowPass",
    "Moments",
    "Rectification",
    "RectificationMethod",
    "Reference",
    "TimeToMove",
    "create_optimizer",
    "drift",
    "normalise_prediction",
    "rectify",
]
