"""Held-out scenes of the playground with drags of all kinds.

A scene starts from a rendered frame that training never saw. The model continues it for a few
blocks by itself; then an object is looked for in the newest *generated* frame and a drag is drawn
on it, whose length, direction and kind are random but which stays in the frame and off the other
object. So what is dragged is always something that the model drew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.checks import whole
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Deformation, Drag, Rotation, Translation
from dragstream.models.base import VideoModel
from dragstream.models.playground import world
from dragstream.models.playground.captions import caption
from dragstream.revel.cases import Case, Kind, Start, Subject
from dragstream.revel.sight import Sighting, face, sight
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream

__all__ = ["ATTEMPTS", "playground_cases", "propose", "subjects_of"]

ATTEMPTS = 20
"""How many frames are drawn for a scene before it becomes a translation, and then gives up."""

_TRANSLATION = (14.0, 26.0)  # pixels
_DEFORMATION = (8.0, 14.0)  # pixels
_TURN = (6.0, 10.0)  # pixels that a face moves across its ball
_ROTATION = (25.0, 50.0)  # degrees
_STAR_ROTATION = (25.0, 33.0)
"""A star looks the same after 72 degrees: an edit past 36 could not be told from its opposite."""
_MARGIN = 3.0
"""Objects and their targets keep this far from the frame's sides, pixels."""
_GAP = 5.0
"""And this far from one another."""
_AREA = (250, 3600)
"""An object of the world, in pixels; anything else is a smear."""
_ELIGIBLE = {
    Kind.TRANSLATION: world.KINDS,
    Kind.DEFORMATION: world.KINDS,
    Kind.ROTATION: ("box", "star"),  # a ball shows no rotation
    Kind.TURN: ("critter",),  # only critters have a face
}
_PLAN = tuple((kind, mode) for mode in (Mode.ANIMATE, Mode.EDIT) for kind in Kind)
"""Scene i has kind and mode i modulo this: 24 scenes are three of each."""


@dataclass(frozen=True, eq=False)
class _Site:
    """Where a drag is to be drawn: the object, what must stay clear, and chance."""

    subject: Subject
    seen: Sighting
    others: NDArray[np.bool_]
    rng: np.random.Generator


def playground_cases(
    model: VideoModel, count: int, seed: int = 0, *, warm_up: int = 2
) -> Iterator[Case]:
    """Cases on the packaged world, drawn one after the other.

    Args:
        model: generates the past that each drag is drawn on; it must have the world's frame size.
        count: number of scenes.
        seed: of everything: the same model and seed give the same cases.
        warm_up: plain blocks between the rendered start and the drag.

    Raises:
        ValueError: a negative number, a model of another frame size, or a model that loses its
            objects in every attempt.
    """
    whole(count, "scenes", least=1)
    whole(warm_up, "warm_up", least=1)
    grid = model.spec.grid
    if (grid.height, grid.width) != (world.HEIGHT, world.WIDTH):
        raise ValueError(
            f"the playground's frames are {world.WIDTH}x{world.HEIGHT}, "
            f"those of {model.spec.name!r} are {grid.width}x{grid.height}"
        )
    for scene in range(count):
        yield _first_suitable(model, seed, scene, warm_up)


def _first_suitable(model: VideoModel, seed: int, scene: int, warm_up: int) -> Case:
    """The first case that can be drawn on what the model makes of a scene.

    A model that loses faces or corners leaves nothing to turn: then something is moved instead.
    """
    kind, mode = _PLAN[scene % len(_PLAN)]
    for attempt in range(2 * ATTEMPTS):
        if attempt == ATTEMPTS:
            kind = Kind.TRANSLATION
        start = Start(seed, scene, attempt)
        truth = start.scenes()
        subjects = subjects_of(truth)
        if not any(subject.kind in _ELIGIBLE[kind] for subject in subjects):
            continue
        stream = Stream(model, prompt=caption(truth, 0), seed=seed + scene, image=start.image())
        stream.run(warm_up, progress=False)
        rng = np.random.default_rng((seed, scene, attempt))
        found = propose(stream.blocks[-1].frames[-1], subjects, kind, rng)
        if found is not None:
            subject, drag = found
            return Case(
                name=f"{scene:03d}-{mode.value}-{kind.value}",
                model=model.spec.name,
                prompt=stream.prompt,
                seed=stream.seed,
                block=len(stream),
                drags=(drag,),
                mode=mode,
                kind=kind,
                start=start,
                subject=subject,
            )
    raise ValueError(
        f"{model.spec.name!r} kept no {' or '.join(_ELIGIBLE[kind])} whole through {warm_up} "
        f"block(s) in {2 * ATTEMPTS} attempts at scene {scene}"
    )


def subjects_of(truth: world.Scenes) -> list[Subject]:
    """The objects of the first scene of a batch."""
    colors = list(world.COLORS)
    return [
        Subject(world.KINDS[int(truth.kind[0, slot])], colors[int(truth.color[0, slot])])
        for slot in range(truth.kind.shape[1])
        if bool(truth.present[0, slot])
    ]


def propose(
    frame: NDArray[np.uint8],
    subjects: list[Subject],
    kind: Kind,
    rng: np.random.Generator,
) -> tuple[Subject, Drag] | None:
    """A drag of that kind on one of the objects seen in a frame; None where none is possible.

    Args:
        frame: uint8 (H, W, 3), rendered or generated.
        subjects: the objects that should be there.
        kind: of the drag.
        rng: decides which object, which way and how far.
    """
    sightings = [sight(frame, subject.color, subject.kind) for subject in subjects]
    if not all(seen is not None and _whole(seen) for seen in sightings):
        return None
    for index in rng.permutation(len(subjects)):
        subject, seen = subjects[index], sightings[index]
        if subject.kind not in _ELIGIBLE[kind] or seen is None:
            continue
        others = np.zeros(frame.shape[:2], bool)
        for other, sighting in enumerate(sightings):
            if other != index and sighting is not None:
                others |= sighting.mask
        drag = _DRAWN[kind](_Site(subject, seen, others, rng))
        if drag is not None:
            return subject, drag
    return None


def _whole(seen: Sighting) -> bool:
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


def _clear(site: _Site, target: Affine) -> bool:
    """Whether the object, moved to its target, stays in the frame and off the others."""
    moved = regions.warp(site.seen.mask, target)
    # Coverage that left the frame is missing from the sum.
    if moved.sum() < 0.98 * site.seen.area:
        return False
    left, top, right, bottom = regions.bounding_box(moved)
    height, width = moved.shape
    if min(left, top) < _MARGIN - 1 or right > width - _MARGIN or bottom > height - _MARGIN:
        return False
    if regions.centroid(moved)[1] < world.HORIZON:
        return False  # nothing of the world floats over the wall
    if not site.others.any():
        return True
    distance = ndimage.distance_transform_edt(~site.others)
    return bool(distance[moved > 0].min() >= _GAP)


def _directions(site: _Site) -> list[tuple[float, float]]:
    """Sixteen directions in random order."""
    angles = (np.arange(16) + site.rng.uniform()) * 2 * np.pi / 16
    return [(float(np.cos(a)), float(np.sin(a))) for a in site.rng.permutation(angles)]


def _translation(site: _Site) -> Drag | None:
    length = site.rng.uniform(*_TRANSLATION)
    for x, y in _directions(site):
        if _clear(site, Affine.translation(length * x, length * y)):
            return Drag(site.seen.mask, Translation.by(length * x, length * y))
    return None


def _deformation(site: _Site) -> Drag | None:
    """Pull an edge outward along the frame's axes, first along the shorter side."""
    length = site.rng.uniform(*_DEFORMATION)
    left, top, right, bottom = regions.bounding_box(site.seen.mask)
    axes = [(1.0, 0.0), (0.0, 1.0)]
    if bottom - top < right - left:
        axes.reverse()
    for x, y in axes:
        for sign in site.rng.permutation([-1.0, 1.0]):
            dx, dy = float(sign * length * x), float(sign * length * y)
            # Where the whole object would still be clear, so is its edge.
            if _clear(site, Affine.translation(dx, dy)):
                return Drag(site.seen.mask, Deformation.by(dx, dy))
    return None


def _rotation(site: _Site) -> Drag | None:
    limits = _STAR_ROTATION if site.subject.kind == "star" else _ROTATION
    degrees = site.rng.uniform(*limits) * site.rng.choice([-1.0, 1.0])
    center = site.seen.center
    if not _clear(site, Affine.rotation(center, degrees)):
        return None
    return Drag(site.seen.mask, Rotation(center, float(degrees)))


def _turn(site: _Site) -> Drag | None:
    """Move the face sideways over its ball, toward the side with more room."""
    if site.seen.marks.sum() < 30:  # it looks away
        return None
    region = face(site.seen)
    left, _, right, _ = regions.bounding_box(site.seen.mask)
    offset = regions.centroid(region)[0] - site.seen.center[0]
    length = site.rng.uniform(*_TURN)
    dx = float(-np.copysign(length, offset))
    if abs(offset + dx) > 0.3 * (right - left):
        return None
    return Drag(region, Translation.by(dx, 0.0))


_DRAWN: dict[Kind, Callable[[_Site], Drag | None]] = {
    Kind.TRANSLATION: _translation,
    Kind.DEFORMATION: _deformation,
    Kind.ROTATION: _rotation,
    Kind.TURN: _turn,
}
