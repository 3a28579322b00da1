from . import regions
from .camera import with_camera
from .geometry import Affine, FrameClock, Grid
from .motions import (
    Camera,
    Combined,
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
from .movebench import MoveBenchCase, read_movebench
from .track_files import read_tracks, write_tracks
from .tracks import Tracks, drags_to_tracks, tracks_to_drags

__all__ = [
    "Affine",
    "Camera",
    "Combined",
    "Deformation",
    "Drag",
    "FrameClock",
    "Grid",
    "Memory",
    "Motion",
    "MoveBenchCase",
    "Path",
    "Poses",
    "Rotation",
    "Scale",
    "Tracks",
    "Translation",
    "drags_to_tracks",
    "read_movebench",
    "read_tracks",
    "regions",
    "targets",
    "tracks_to_drags",
    "validate",
    "with_camera",
    "write_tracks",
]
