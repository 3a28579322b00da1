"""Proposals of drags on a frame: objects that are seen whole, with room to move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Deformation, Drag, Rotation, Scale, Translation
from dragstream.models.playground import world
from dragstream.revel.cases import CAMERA, Kind, Subject
from dragstream.revel.detection import Detection, detect, face
from dragstream.revel.poses import angle_of

_TRANSLATION = (19.0, 35.0)  # pixels
_DEFORMATION = (11.0, 19.0)  # pixels
_TURN = (8.0, 13.0)  # pixels that a face moves across its ball
_ROTATION = (25.0, 50.0)  # degrees
_SCALE = (1.25, 1.5)  # of lengths, growing or shrinking
_STAR_ROTATION = (25.0, 33.0)
"""A star looks the same after 72 degrees: an edit past 36 looks like its opposite."""
_MARGIN = 4.0
"""Objects and their targets keep this far from the frame's sides, pixels."""
_GAP = 7.0
"""And this far from one another."""
_AREA = (500, 9000)
"""An object of the world, in pixels; anything else is a smear."""
ELIGIBLE = {
    Kind.TRANSLATION: world.KINDS,
    Kind.DEFORMATION: world.KINDS,
    Kind.ROTATION: ("box", "star"),  # a ball shows no rotation
    Kind.SCALE: world.KINDS,
    Kind.TURN: ("critter",),  # only critters have a face
    **dict.fromkeys(CAMERA, world.KINDS),
}


@dataclass(frozen=True, eq=False)
class DragCandidate:
    """An object to drag, the area to keep off, and a random generator."""

    subject: Subject
    seen: Detection
    others: NDArray[np.bool_]
    rng: np.random.Generator

    def propose(self, kind: Kind) -> tuple[Subject, Drag] | None:
        """A random drag of a kind; None where the object does not suit it or has no room."""
        drag = _PROPOSE[kind](self) if self.subject.kind in ELIGIBLE[kind] else None
        return None if drag is None else (self.subject, drag)


@dataclass(frozen=True, eq=False)
class DetectedObjects:
    """The objects detected in a frame."""

    frame: NDArray[np.uint8]  # uint8 (H, W, 3)
    whole: tuple[tuple[Subject, Detection], ...]  # the objects that are seen whole, in random order
    blocked: NDArray[np.bool_]  # pixels of the other objects, bool (H, W)
    rng: np.random.Generator  # decides on order, directions and lengths

    @classmethod
    def of(
        cls, frame: NDArray[np.uint8], subjects: Sequence[Subject], rng: np.random.Generator
    ) -> DetectedObjects:
        """Detect the subjects, a frame's expected objects."""
        found = [(subject, detect(frame, subject.color, subject.kind)) for subject in subjects]
        seen = [(subject, each) for subject, each in found if each is not None]
        blocked = np.zeros(frame.shape[:2], bool)
        for _, each in seen:
            if not is_whole(each):
                blocked |= each.mask
        order = (seen[index] for index in rng.permutation(len(seen)))
        return cls(frame, tuple(each for each in order if is_whole(each[1])), blocked, rng)

    def candidate(self, index: int, taken: NDArray[np.bool_] | None = None) -> DragCandidate:
        """One of the whole objects, which keeps off the others and the pixels that are taken."""
        others = self.blocked.copy() if taken is None else self.blocked | taken
        for other, (_, seen) in enumerate(self.whole):
            if other != index:
                others |= seen.mask
        return DragCandidate(*self.whole[index], others, self.rng)


def is_whole(seen: Detection) -> bool:
    """One object in one piece, inside the frame."""
    height, width = seen.mask.shape
    left, top, right, bottom = regions.bounding_box(seen.mask)
    inside = (
        left >= _MARGIN - 1
        and top >= _MARGIN - 1
        and right <= width - _MARGIN
        and bottom <= height - _MARGIN
    )
    return inside and len(seen.parts) == 1 and _AREA[0] <= seen.area <= _AREA[1]


def stays_inside(moved: NDArray[np.float32], area: int) -> bool:
    """True if a moved object is all in the frame, off its sides and on the floor."""
    # Coverage that left the frame is missing from the sum.
    if moved.sum() < 0.98 * area:
        return False
    left, top, right, bottom = regions.bounding_box(moved)
    height, width = moved.shape
    if min(left, top) < _MARGIN - 1 or right > width - _MARGIN or bottom > height - _MARGIN:
        return False
    # Nothing of the world floats over the wall.
    return regions.centroid(moved)[1] >= world.HORIZON


def _clear(candidate: DragCandidate, target: Affine) -> bool:
    """True if the object, moved to its target, stays in the frame and off the others."""
    moved = regions.warp(candidate.seen.mask, target)
    if not stays_inside(moved, candidate.seen.area):
        return False
    if not candidate.others.any():
        return True
    distance = ndimage.distance_transform_edt(~candidate.others)
    return bool(distance[moved > 0].min() >= _GAP)


def directions(candidate: DragCandidate) -> list[tuple[float, float]]:
    """Sixteen directions in random order."""
    angles = (np.arange(16) + candidate.rng.uniform()) * 2 * np.pi / 16
    return [(float(np.cos(a)), float(np.sin(a))) for a in candidate.rng.permutation(angles)]


def _translation(candidate: DragCandidate) -> Drag | None:
    length = candidate.rng.uniform(*_TRANSLATION)
    for x, y in directions(candidate):
        if _clear(candidate, Affine.translation(length * x, length * y)):
            return Drag(candidate.seen.mask, Translation.by(length * x, length * y))
    return None


def _deformation(candidate: DragCandidate) -> Drag | None:
    """Pull an edge outward along the frame's axes, first along the shorter side."""
    length = candidate.rng.uniform(*_DEFORMATION)
    left, top, right, bottom = regions.bounding_box(candidate.seen.mask)
    axes = [(1.0, 0.0), (0.0, 1.0)]
    if bottom - top < right - left:
        axes.reverse()
    for x, y in axes:
        for sign in candidate.rng.permutation([-1.0, 1.0]):
            dx, dy = float(sign * length * x), float(sign * length * y)
            # Where the whole object would still be clear, so is its edge.
            if _clear(candidate, Affine.translation(dx, dy)):
                return Drag(candidate.seen.mask, Deformation.by(dx, dy))
    return None


def _rotation(candidate: DragCandidate) -> Drag | None:
    if (
        angle_of(candidate.seen, candidate.subject.kind) is None
    ):  # corners gone round show no rotation
        return None
    limits = _STAR_ROTATION if candidate.subject.kind == "star" else _ROTATION
    degrees = candidate.rng.uniform(*limits) * candidate.rng.choice([-1.0, 1.0])
    center = candidate.seen.center
    if not _clear(candidate, Affine.rotation(center, degrees)):
        return None
    return Drag(candidate.seen.mask, Rotation(center, float(degrees)))


def _scale(candidate: DragCandidate) -> Drag | None:
    """Grow or shrink the object about its centre, whichever has room."""
    factor = candidate.rng.uniform(*_SCALE)
    for power in candidate.rng.permutation([-1.0, 1.0]):
        motion = Scale(candidate.seen.center, float(factor**power))
        if _clear(candidate, motion.at(1.0)):
            return Drag(candidate.seen.mask, motion)
    return None


def _turn(candidate: DragCandidate) -> Drag | None:
    """Move the face sideways over its ball, toward the side with more room."""
    if candidate.seen.marks.sum() < 50:  # it looks away
        return None
    region = face(candidate.seen)
    left, _, right, _ = regions.bounding_box(candidate.seen.mask)
    offset = regions.centroid(region)[0] - candidate.seen.center[0]
    length = candidate.rng.uniform(*_TURN)
    dx = float(-np.copysign(length, offset))
    if abs(offset + dx) > 0.3 * (right - left):
        return None
    return Drag(region, Translation.by(dx, 0.0))


_PROPOSE: dict[Kind, Callable[[DragCandidate], Drag | None]] = {
    Kind.TRANSLATION: _translation,
    Kind.DEFORMATION: _deformation,
    Kind.ROTATION: _rotation,
    Kind.SCALE: _scale,
    Kind.TURN: _turn,
}
