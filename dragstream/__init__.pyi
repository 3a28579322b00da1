from . import drags, metrics, models, plots
from .drags import regions
from .drags.camera import with_camera
from .drags.motions import (
    Camera,
    Combined,
    Deformation,
    Drag,
    Memory,
    Path,
    Poses,
    Rotation,
    Scale,
    Translation,
)
from .method.frequency import LowPass
from .method.settings import DragSettings
from .models.loading import load
from .models.plan import plan
from .stream.live import LiveStream
from .stream.records import Block
from .stream.stream import Stream

__version__: str

__all__ = [
    "Block",
    "Camera",
    "Combined",
    "Deformation",
    "Drag",
    "DragSettings",
    "LiveStream",
    "LowPass",
    "Memory",
    "Path",
    "Poses",
    "Rotation",
    "Scale",
    "Stream",
    "Translation",
    "__version__",
    "drags",
    "load",
    "metrics",
    "models",
    "plan",
    "plots",
    "regions",
    "with_camera",
]
