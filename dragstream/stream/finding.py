"""`find`: where a held object is in a new frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dragstream.stream.hold import Asked, Grip


def find(grip: Grip, frame: NDArray[np.uint8], expected: Asked) -> Asked:  # noqa: ARG001
    """The pose of a grip's object in a frame (H, W, 3), near the expected one."""
    return expected
