"""Settings with nothing but the loss and AdamW, and a reference to the dragged block itself."""

from __future__ import annotations

from dragstream.method.block_drags import Reference
from dragstream.method.settings import DragSettings

OFF = dict.fromkeys(("rectification", "focus", "constraint", "cutoffs"), False)
"""Nothing but Eq. 1-3 and AdamW."""


def bare(**overrides):
    return DragSettings(**{**OFF, "weight_decay": 0.0, **overrides})


def itself(scene):
    """A reference to the block that is dragged."""
    return Reference(scene.latents, 0.9, scene.context, frame=2)
