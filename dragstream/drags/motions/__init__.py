"""Drags and motions: a region and its movement over time (paper, Definition 1 and App. J)."""

from __future__ import annotations

from dragstream.drags.motions.base import Motion, fraction_at, targets
from dragstream.drags.motions.camera import Camera
from dragstream.drags.motions.combined import Combined
from dragstream.drags.motions.deformation import EDGE, Deformation
from dragstream.drags.motions.drag import Drag, Memory, check_apart, validate
from dragstream.drags.motions.poses import Pose, Poses
from dragstream.drags.motions.rotation import Rotation
from dragstream.drags.motions.scale import Scale
from dragstream.drags.motions.translation import Translation
from dragstream.drags.paths import EASINGS, Path

__all__ = [
    "EASINGS",
    "EDGE",
    "KINDS",
    "Camera",
    "Combined",
    "Deformation",
    "Drag",
    "Memory",
    "Motion",
    "Path",
    "Pose",
    "Poses",
    "Rotation",
    "Scale",
    "Translation",
    "check_apart",
    "fraction_at",
    "targets",
    "validate",
]

KINDS: dict[str, type[Motion]] = {
    kind.kind: kind for kind in (Translation, Deformation, Rotation, Scale, Camera, Poses)
}
"""The motions by their "type" in JSON documents and on the canvas, which `Combined` has none of."""
