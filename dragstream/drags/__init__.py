"""Regions, motions and drags as values, and their JSON.

Units: pixels of the video frame, x to the right, y down, integer coordinates at pixel centres;
degrees are positive clockwise on screen. This package does not import torch.

The names below are imported when first used; `dragstream.drags.geometry` alone needs only numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragstream.drags.geometry import Affine, FrameClock, Grid
    from dragstream.drags.motions import (
        Deformation,
        Drag,
        Memory,
        Motion,
        Path,
        Rotation,
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
    "Rotation",
    "Translation",
    "targets",
    "validate",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "geometry" if name in ("Affine", "FrameClock", "Grid") else "motions"
    value: object = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
