from . import regions
from .geometry import Affine, FrameClock, Grid
from .motions import (
    Deformation,
    Drag,
    Memory,
    Motion,
    Path,
    Poses,
    Rotation,
    Scale,
    Translation,
    targets,
    validate,
)

__all__ = [
    "Affine",
    "Deformation",
    "Drag",
    "FrameClock",
    "Grid",
    "Memory",
    "Motion",
    "Path",
    "Poses",
    "Rotation",
    "Scale",
    "Translation",
    "regions",
    "targets",
    "validate",
]
