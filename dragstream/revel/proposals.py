"""Proposals on a frame: drags of objects with room to move, regions to keep, camera movements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.camera import Relative, with_camera
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Camera, Deformation, Drag, Rotation, Scale, Translation
from dragstream.drags.shapes import Shape
from dragstream.metrics.stability import swept
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
"""Least distance of objects and targets from the frame's sides, pixels."""
_GAP = 7.0
"""Least distance of targets from other objects, pixels."""
_WHOLE = 0.98
"""Least share of an object in the frame."""
_AREA = (500, 9000)
"""Least and largest area of an object, pixels."""
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
    """An object to drag, the pixels to avoid, and a random generator."""

    subject: Subject
    seen: Detection
    others: NDArray[np.bool_]
    rng: np.random.Generator

    def propose(self, kind: Kind) -> tuple[Subject, Drag] | None:
        """Draw a drag of a kind; None if the object is not eligible or has no room."""
        drag = _PROPOSE[kind](self) if self.subject.kind in ELIGIBLE[kind] else None
        return None if drag is None else (self.subject, drag)


@dataclass(frozen=True, eq=False)
class DetectedObjects:
    """The objects detected in a frame."""

    frame: NDArray[np.uint8]  # uint8 (H, W, 3)
    whole: tuple[tuple[Subject, Detection], ...]  # the objects that are seen whole, in random order
    blocked: NDArray[np.bool_]  # pixels of the other objects, bool (H, W)
    rng: np.random.Generator  # draws order, directions and lengths

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
        """One of the whole objects, which avoids the others and the pixels in `taken`."""
        others = self.blocked.copy() if taken is None else self.blocked | taken
        for other, (_, seen) in enumerate(self.whole):
            if other != index:
                others |= seen.mask
        return DragCandidate(*self.whole[index], others, self.rng)


def is_whole(seen: Detection) -> bool:
    """One object in one piece, inside the frame."""
    one = len(seen.parts) == 1 and _AREA[0] <= seen.area <= _AREA[1]
    return one and _off_sides(seen.mask)


def _off_sides(mask: NDArray[Any]) -> bool:
    """True if a mask keeps its distance from the frame's sides."""
    height, width = mask.shape
    left, top, right, bottom = regions.bounding_box(mask)
    inside = right <= width - _MARGIN and bottom <= height - _MARGIN
    return inside and min(left, top) >= _MARGIN - 1


def _in_frame(moved: NDArray[np.float32], area: float) -> bool:
    """True if a moved object, coverage (H, W), of that area lies in the frame."""
    return bool(moved.sum() >= _WHOLE * area) and _off_sides(moved)


def stays_inside(moved: NDArray[np.float32], area: int) -> bool:
    """True if a moved object, coverage (H, W), lies in the frame and below the horizon."""
    return _in_frame(moved, area) and regions.centroid(moved)[1] >= world.HORIZON


def _clear(candidate: DragCandidate, target: Affine) -> bool:
    """True if the object, moved to its target, lies in the frame and clear of the others."""
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
            # If the whole object has room there, so has its edge.
            if _clear(candidate, Affine.translation(dx, dy)):
                return Drag(candidate.seen.mask, Deformation.by(dx, dy))
    return None


def _rotation(candidate: DragCandidate) -> Drag | None:
    if angle_of(candidate.seen, candidate.subject.kind) is None:  # it is too round
        return None
    limits = _STAR_ROTATION if candidate.subject.kind == "star" else _ROTATION
    degrees = candidate.rng.uniform(*limits) * candidate.rng.choice([-1.0, 1.0])
    center = candidate.seen.center
    if not _clear(candidate, Affine.rotation(center, degrees)):
        return None
    return Drag(candidate.seen.mask, Rotation(center, float(degrees)))


def _scale(candidate: DragCandidate) -> Drag | None:
    """Grow or shrink the object about its centre, at random if both have room."""
    factor = candidate.rng.uniform(*_SCALE)
    for power in candidate.rng.permutation([-1.0, 1.0]):
        motion = Scale(candidate.seen.center, float(factor**power))
        if _clear(candidate, motion.at(1.0)):
            return Drag(candidate.seen.mask, motion)
    return None


def _turn(candidate: DragCandidate) -> Drag | None:
    """Move the face sideways over its ball, toward the side with more room."""
    if candidate.seen.marks.sum() < 50:  # the face is hidden
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


_AROUND = 16
"""Margin around the moving area, pixels; the background beyond it is kept."""
_RIM = 3.0
"""Pixels around an object that are kept with it."""
_APART = 4.0
"""Pixels between the kept part of an object and the moving part."""
_LEAST = 200
"""Least area of a kept object, pixels; a smaller one would hardly change the loss."""


def sample_kept_region(
    drag: Drag,
    moved: NDArray[np.bool_],
    others: NDArray[np.bool_],
    commands: Sequence[Affine],
    rng: np.random.Generator,
) -> Shape | None:
    """A region for one drag to keep: another object, or the background away from the drag."""
    area = moving_area([drag], moved, [commands])
    choices = [still_objects(others, area), background(area)]
    if rng.uniform() < 0.5:
        choices.reverse()
    return next((choice for choice in choices if choice is not None), None)


def moving_area(
    drags: Sequence[Drag], objects: NDArray[np.bool_], commands: Sequence[Sequence[Affine]]
) -> NDArray[np.bool_]:
    """Every pixel, bool (H, W), that handles and objects cover at the start or at a target."""
    area = objects.copy()
    for drag, targets in zip(drags, commands, strict=True):
        area |= swept(objects | drag.mask(*objects.shape), targets)
    return area


def background(area: NDArray[np.bool_]) -> Shape | None:
    """The frame without a box around `area`, 16 px wider; None where nothing is left."""
    height, width = area.shape
    left, top, right, bottom = regions.bounding_box(area)
    moving = regions.box(left - _AROUND, top - _AROUND, right + _AROUND, bottom + _AROUND)
    kept = regions.box(0, 0, width, height) - moving
    return kept if kept.paint(height, width).any() else None


def still_objects(objects: NDArray[np.bool_], area: NDArray[np.bool_]) -> Shape | None:
    """Objects with a rim of 3 px, off `area` by 4 px at least; None where too little is left."""
    if not objects.any():
        return None
    wide = ndimage.distance_transform_edt(~objects) <= _RIM
    kept = wide & (ndimage.distance_transform_edt(~area) >= _APART)
    return regions.mask(kept) if kept.sum() >= _LEAST else None


_PAN = (16.0, 28.0)
"""Pixels, to the left or right: the packaged world's camera knows no other pan."""
_ZOOM = (1.15, 1.3)
"""Factor; its inverse shows more of the scene."""
_NEAREST = 5.0
"""Least distance of objects after a movement of the camera, pixels."""


def propose_camera(
    seen: DetectedObjects, kind: Kind
) -> tuple[tuple[Subject, ...], tuple[Drag, ...]] | None:
    """Draw a movement of the camera, and of one object for the kinds that have one."""
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
            if _all_clear(seen, ends):
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


def _all_clear(seen: DetectedObjects, ends: list[Affine]) -> bool:
    """True if all objects end inside the frame and apart."""
    taken = np.zeros(seen.frame.shape[:2], bool)
    for (_, each), end in zip(seen.whole, ends, strict=True):
        moved = regions.warp(each.mask, end)
        if not _in_frame(moved, each.area * abs(end.determinant)):
            return False
        if taken.any() and ndimage.distance_transform_edt(~taken)[moved > 0].min() < _NEAREST:
            return False
        taken |= moved > 0
    return True
