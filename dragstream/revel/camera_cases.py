"""Proposals of camera movements on a frame, alone or beside the drag of an object."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.camera import Relative, with_camera
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Camera, Drag
from dragstream.revel.cases import Kind, Subject
from dragstream.revel.proposals import DetectedObjects

_PAN = (16.0, 28.0)
"""Pixels, to the left or right: the packaged world's camera knows no other pan."""
_ZOOM = (1.15, 1.3)
"""Factor; its inverse shows more of the scene."""
_MARGIN = 4.0
"""Objects end this far from the frame's sides, pixels."""
_GAP = 5.0
"""And this far from one another."""
_WHOLE = 0.98
"""Share of an object that the frame still shows."""


def propose_camera(
    seen: DetectedObjects, kind: Kind
) -> tuple[tuple[Subject, ...], tuple[Drag, ...]] | None:
    """A random movement of the camera, and of one object where the kind asks for it."""
    height, width = seen.frame.shape[:2]
    subjects = tuple(subject for subject, _ in seen.whole)
    relative: Relative = "scene" if kind is Kind.PAN_SCENE else "frame"
    for camera in _cameras(seen.rng, kind):
        scene = camera.in_frame(height, width)
        for dragged in range(len(subjects)) if kind in {Kind.PAN_SCENE, Kind.PAN_FRAME} else [-1]:
            found = seen.candidate(dragged).propose(Kind.TRANSLATION) if dragged >= 0 else None
            if dragged >= 0 and found is None:
                continue
            objects = [] if found is None else [found[1]]
            drags = with_camera(objects, scene, height, width, relative=relative)
            ends = [scene.at(1.0)] * len(subjects)
            if dragged >= 0:
                ends[dragged] = drags[-1].motion.at(1.0)
            if _clear(seen, ends):
                return subjects, tuple(drags)
    return None


def _cameras(rng: np.random.Generator, kind: Kind) -> Iterator[Camera]:
    """Both ways of a movement of random size, in random order."""
    length, factor = float(rng.uniform(*_PAN)), float(rng.uniform(*_ZOOM))
    for sign in rng.permutation([-1.0, 1.0]):
        if kind is Kind.ZOOM:
            yield Camera(zoom=factor ** float(sign))
        else:
            yield Camera(pan=(float(sign) * length, 0.0))


def _clear(seen: DetectedObjects, ends: list[Affine]) -> bool:
    """True if all objects end inside the frame and apart."""
    taken = np.zeros(seen.frame.shape[:2], bool)
    for (_, each), end in zip(seen.whole, ends, strict=True):
        moved = regions.warp(each.mask, end)
        if not _inside(moved, each.area * abs(end.determinant)):
            return False
        if taken.any() and ndimage.distance_transform_edt(~taken)[moved > 0].min() < _GAP:
            return False
        taken |= moved > 0
    return True


def _inside(moved: NDArray[np.float32], area: float) -> bool:
    if moved.sum() < _WHOLE * area:
        return False
    left, top, right, bottom = regions.bounding_box(moved)
    height, width = moved.shape
    beyond = (right > width - _MARGIN, bottom > height - _MARGIN)
    return min(left, top) >= _MARGIN - 1 and not any(beyond)
