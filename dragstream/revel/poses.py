"""Poses of detected objects for each kind of drag: `truth_tracker`, the playground's ground truth.

A pose is an Affine from the object's own coordinates to pixels. It tracks a position, an angle, an
edge, a critter's eyes or a size, by the kind of drag.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Deformation, Drag
from dragstream.metrics.trackers import PoseTracker
from dragstream.revel.cases import Kind, Subject
from dragstream.revel.detection import MARKS, ROUND, Detection, detect, harmonic

Pose = Callable[[Detection, Affine | None], Affine | None]
"""Computes the pose of a detected object from its last one; None if it is undetermined."""


def truth_tracker(subject: Subject, kind: Kind, drag: Drag) -> PoseTracker:
    """The tracker that measures a drag of that kind on that object."""
    pose = _pose(subject, kind, drag)

    def locate(frame: NDArray[np.uint8], last: Affine | None) -> Affine | None:
        seen = detect(frame, subject.color, subject.kind)
        return None if seen is None else pose(seen, last)

    return PoseTracker(locate, "world")


def _pose(subject: Subject, kind: Kind, drag: Drag) -> Pose:
    if kind is Kind.ROTATION:
        return partial(_orientation, kind=subject.kind)
    if kind in {Kind.SCALE, Kind.ZOOM}:
        return _size
    if kind is Kind.TURN:
        return _gaze
    if isinstance(drag.motion, Deformation):
        return partial(_edge, motion=drag.motion)
    return _position


def _position(seen: Detection, _: Affine | None) -> Affine:
    """The silhouette's centre."""
    return Affine.translation(*seen.center)


def _edge(seen: Detection, _: Affine | None, *, motion: Deformation) -> Affine:
    """The middle of the edge that is pulled."""
    direction = motion.path.reach
    thickness = motion.edge * regions.span(seen.mask, direction)
    return Affine.translation(*regions.centroid(regions.edge(seen.mask, direction, thickness)))


def _gaze(seen: Detection, _: Affine | None) -> Affine | None:
    """The centre of the marks, a critter's eyes."""
    if seen.marks.sum() < MARKS:
        return None
    rows, columns = np.nonzero(seen.marks)
    return Affine.translation(float(columns.mean()), float(rows.mean()))


def _size(seen: Detection, _: Affine | None) -> Affine:
    """The silhouette's centre and the root of its area."""
    size = math.sqrt(seen.area)
    x, y = seen.center
    return Affine(((size, 0.0, x), (0.0, size, y)))


def _orientation(seen: Detection, last: Affine | None, *, kind: str) -> Affine | None:
    """Centre and angle; of the angles equal by symmetry, the nearest to the last one."""
    angle = angle_of(seen, kind)
    if angle is None:
        return None
    if last is not None:
        period = 72.0 if kind == "star" else 180.0
        (cos, _, _), (sin, _, _) = last.matrix
        before = math.degrees(math.atan2(sin, cos))
        angle = before + (angle - before + period / 2) % period - period / 2
    return Affine.rotation((0.0, 0.0), angle).then(Affine.translation(*seen.center))


def angle_of(seen: Detection, kind: str) -> float | None:
    """Angle of the shape in degrees, up to its symmetry; None if the outline is round."""
    folds = 5 if kind == "star" else 4
    wave = harmonic(seen.mask, folds)
    if abs(wave) < ROUND:
        return None
    angle = math.degrees(np.angle(wave)) / folds
    if kind == "star":
        return angle + 18.0  # at rest a tip points up, 18 degrees from the nearest axis
    # The corners of a box lie 45 degrees from its axes; the stripe distinguishes the axes.
    angle -= 45.0
    if seen.marks.sum() < MARKS:
        return angle
    rows, columns = np.nonzero(seen.marks)
    marks = np.stack([columns, rows], axis=1) - np.array(seen.center)
    turn = np.radians(angle)
    axis = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-axis[1], axis[0]])
    return angle if np.square(marks @ axis).sum() <= np.square(marks @ across).sum() else angle + 90
