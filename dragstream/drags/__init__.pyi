from . import regions
from .geometry import Affine, FrameClock, Grid
from .motions import (
    Combined,
    Deformation,
    Drag,
    Memory,
    Motion,
    Path,
    Rotation,
    Scale,
    Translation,
    targets,
    validate,
)

__all__ = [
    "Affine",
    "Combined",
    "Deformation",
    "Drag",
    "FrameClock",
    "Grid",
    "Memory",
    "Motion",
    "Path",
    "Rotation",
    "Scale",
    "Translation",
    "regions",
    "targets",
    "validate",
]
