"""Draws the case of a spec at random, on a model's video of the spec's scene: `sample_case`.

Drags are drawn on the newest *generated* frame, on objects that are whole. A moved object stays in
the frame (except for re-entry) and does not touch the others (except for occlusion). If no object
is suitable, another scene is tried.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Deformation, Drag, Translation, targets
from dragstream.models.base import VideoModel
from dragstream.revel.cases import Case, Kind, RenderedStart, Subject
from dragstream.revel.detection import Detection
from dragstream.revel.preparation import silhouettes
from dragstream.revel.proposals import (
    ELIGIBLE,
    DetectedObjects,
    DragCandidate,
    background,
    directions,
    moving_area,
    stays_inside,
)
from dragstream.revel.scenes import check_world, new_stream, subjects_of
from dragstream.revel.suites import CaseSpec, Feature
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream

SEED = 204
"""Seed of the published benchmark."""
PAST = 6
"""Blocks before a drag: enough for the longest rectification of Table 4 (18 latent frames)."""
LONG = 20.0
"""Seconds of video before a drag of `Feature.LONG`."""
_RUNS = 8
"""Scenes on which the model runs before a spec is replaced by a plain translation."""
_LONG_RUNS = 4
"""The same for `Feature.LONG`, whose scenes take ten times as long."""
_SCENES = 400
"""Scenes that are searched, without the model, for the objects that a spec needs."""
_PATIENCE = 3
"""Further blocks to generate until the drags can be drawn."""
_LONG_PATIENCE = 12
"""The same for `Feature.LONG`: more blocks cost less than another scene."""
_CHECK = 3
"""Blocks between checks that a stream still has the objects to drag."""
_STRIDE = 19.0
"""Longest motion of a passing object in a latent frame, pixels."""
_EDIT = 60.0
"""Longest motion of an object over another in an edit, pixels."""
_COVERED = (0.2, 0.7)
"""Least and largest share of an object's area that another one hides."""
_OUTSIDE = 0.2
"""Visible share of an object that has left the frame."""
_FARTHEST = 127.0
"""Longest motion of an object that leaves the frame, pixels."""


Drawn = tuple[tuple[Subject, Drag], ...]


def sample_case(model: VideoModel, spec: CaseSpec, seed: int = SEED) -> tuple[Case, Stream]:
    """Draw the case of a spec; returns it with its stream, the same for the same weights.

    If no scene is suitable, the case is a translation of one object, with the tag "simplified".

    Raises:
        ValueError: the model has another frame size than the world, or keeps no object.
    """
    check_world(model.spec)
    rng = np.random.default_rng((seed, spec.number))
    for wanted in _relaxed(spec):
        for start in _starts(wanted, seed):
            stream = new_stream(model, start, seed * 1000 + spec.number)
            if not _run_to_drag(stream, start, wanted):
                continue
            for _ in range(_LONG_PATIENCE if wanted.feature is Feature.LONG else _PATIENCE):
                drawn = _draw_drags(stream, start, wanted, rng)
                if drawn is not None:
                    return _case(stream, start, wanted, spec, drawn), stream
                stream.step()
    raise ValueError(f"{model.spec.name!r} kept no object to drag in any scene for {spec.name!r}")


def _relaxed(spec: CaseSpec) -> Iterator[CaseSpec]:
    """Yield the spec, then simpler ones: one moved object, finally without the feature."""
    yield spec
    simple = replace(spec, kinds=(Kind.TRANSLATION,))
    if spec.feature is Feature.LONG:
        yield simple
    yield replace(simple, feature=None)


def _starts(spec: CaseSpec, seed: int) -> Iterator[RenderedStart]:
    """Yield scenes with the objects that a spec needs, as many as the model may run on."""
    found = 0
    for attempt in range(_SCENES):
        start = RenderedStart(seed, spec.number, attempt)
        kinds = [subject.kind for subject in subjects_of(start.scenes())]
        if _assignable(spec, kinds):
            yield start
            found += 1
        if found == (_LONG_RUNS if spec.feature is Feature.LONG else _RUNS):
            return


def _objects(spec: CaseSpec) -> tuple[Kind, ...]:
    """The kind of drag for each object; pulls on both sides of one object count once."""
    if spec.feature is Feature.THREE:
        return spec.kinds[1:]
    if spec.feature is Feature.OCCLUSION:
        return (*spec.kinds, Kind.TRANSLATION)  # the second object is the hidden one
    return spec.kinds


def _assignable(spec: CaseSpec, kinds: Sequence[str]) -> bool:
    """True if objects of these kinds can be assigned to a spec's drags."""
    wanted = _objects(spec)
    return any(
        all(kind in ELIGIBLE[each] for each, kind in zip(wanted, chosen, strict=True))
        for chosen in permutations(kinds, len(wanted))
    )


def _run_to_drag(stream: Stream, start: RenderedStart, spec: CaseSpec) -> bool:
    """Run a stream up to a spec's drag; False if it loses the objects to drag."""
    length, model = PAST, stream.model.spec
    if spec.feature is Feature.LONG:
        frames = model.frames_per_block * model.clock.temporal_factor
        length = math.ceil(LONG * model.clock.frame_rate / frames)
    subjects = subjects_of(start.scenes())
    while len(stream) < length:
        stream.step()
        if len(stream) % _CHECK == 0:
            newest = list(stream.blocks[-1].frames)
            alive = [each for each in subjects if silhouettes(newest, [each]).any()]
            if not _assignable(spec, [subject.kind for subject in alive]):
                return False
    return True


def _draw_drags(
    stream: Stream, start: RenderedStart, spec: CaseSpec, rng: np.random.Generator
) -> Drawn | None:
    """Draw a spec's drags on a stream's newest frame; None if there is no room for them."""
    seen = DetectedObjects.of(stream.blocks[-1].frames[-1], subjects_of(start.scenes()), rng)
    if len(seen.whole) < len(_objects(spec)):
        return None
    animated = spec.blocks * stream.model.spec.frames_per_block
    latent_frames = animated if spec.mode is Mode.ANIMATE else 1
    return _DRAWS.get(spec.feature, _singles)(seen, spec, latent_frames)


def _singles(seen: DetectedObjects, spec: CaseSpec, _: int) -> Drawn | None:
    """One drag for each kind, each on another object."""
    orders = permutations(range(len(seen.whole)), len(spec.kinds))
    drawn = (_each(seen, order, spec.kinds) for order in orders)
    return next((drags for drags in drawn if drags is not None), None)


def _each(seen: DetectedObjects, order: Sequence[int], kinds: Sequence[Kind]) -> Drawn | None:
    """Draw drags of these kinds on these objects, with targets that do not overlap."""
    drawn: list[tuple[Subject, Drag]] = []
    taken = np.zeros(seen.frame.shape[:2], bool)
    for index, kind in zip(order, kinds, strict=True):
        candidate = seen.candidate(index, taken)
        found = candidate.propose(kind)
        if found is None:
            return None
        drawn.append(found)
        taken |= regions.warp(candidate.seen.mask, found[1].motion.at(1.0)) > 0
    return tuple(drawn)


def _threes(seen: DetectedObjects, spec: CaseSpec, _: int) -> Drawn | None:
    """Pull one object on both sides and move another one."""
    pull, move = spec.kinds[-2:]
    for order in permutations(range(len(seen.whole)), 2):
        drawn = _each(seen, order, (pull, move))
        if drawn is None:
            continue
        (subject, first), second = drawn
        if not isinstance(first.motion, Deformation):
            continue
        dx, dy = first.motion.path.reach
        opposite = Drag(first.region, Deformation.by(-dx, -dy))
        height, width = seen.frame.shape[:2]
        if not (first.mask(height, width) & opposite.mask(height, width)).any():
            return (subject, first), (subject, opposite), second
    return None


def _occlusion(seen: DetectedObjects, spec: CaseSpec, latent_frames: int) -> Drawn | None:
    """Move one object in front of another, or (animated) past it."""
    for index, other in permutations(range(len(seen.whole)), 2):
        candidate, hidden = seen.candidate(index), seen.whole[other][1]
        limit = _EDIT if spec.mode is Mode.EDIT else _STRIDE * latent_frames
        for x, y in directions(candidate):
            for length in seen.rng.permutation(np.arange(21.0, limit, 5.0)):
                motion = Translation.by(float(length * x), float(length * y))
                drag = Drag(candidate.seen.mask, motion)
                if _covers(candidate, hidden, drag, latent_frames):
                    return ((candidate.subject, drag),)
    return None


def _covers(candidate: DragCandidate, hidden: Detection, drag: Drag, latent_frames: int) -> bool:
    """True if a moving object hides enough of another one, and can be measured at the end."""
    shares, least = [], (0.0, 0.0)
    for target in targets(drag.motion, latent_frames):
        moved = regions.warp(candidate.seen.mask, target)
        if not stays_inside(moved, candidate.seen.area):
            return False
        shares.append(float(moved[hidden.mask].sum()) / hidden.area)
        least = regions.centroid(moved)
    # An object lower in the frame stands in front, and is seen whole.
    in_front = least[1] > hidden.center[1] + 2
    low, high = _COVERED
    if not low <= max(shares) <= high:
        return False
    return shares[-1] == 0 or in_front


def _reentry(seen: DetectedObjects, _: CaseSpec, latent_frames: int) -> Drawn | None:
    """Move an object out of the frame, left or right, and back."""
    height, width = seen.frame.shape[:2]
    for index in range(len(seen.whole)):
        candidate = seen.candidate(index)
        left, _top, right, _bottom = regions.bounding_box(candidate.seen.mask)
        for way in (-right, width - left):
            reach = float(np.sign(way)) * (abs(way) - _OUTSIDE * (right - left))
            path = regions.warp(candidate.seen.mask, Affine.translation(reach / 2, 0.0)) > 0
            if abs(reach) > _FARTHEST or (path & candidate.others).any():
                continue
            swing = np.sin(np.pi * np.arange(1, latent_frames + 1) / latent_frames)
            shifts = [(reach * float(share), 0.0) for share in swing]
            drag = Drag(candidate.seen.mask, Translation.through(shifts, candidate.seen.center))
            if drag.mask(height, width).any():
                return ((candidate.subject, drag),)
    return None


_DRAWS: dict[Feature | None, Callable[[DetectedObjects, CaseSpec, int], Drawn | None]] = {
    Feature.THREE: _threes,
    Feature.OCCLUSION: _occlusion,
    Feature.REENTRY: _reentry,
}


def _case(
    stream: Stream, start: RenderedStart, wanted: CaseSpec, spec: CaseSpec, drawn: Drawn
) -> Case:
    """Make the case of the drawn drags."""
    feature = () if wanted.feature is None else (wanted.feature.value,)
    lost = () if wanted is spec else ("simplified",)
    subjects = tuple(subject for subject, _ in drawn)
    drags = tuple(drag for _, drag in drawn)
    objects = silhouettes([stream.blocks[-1].frames[-1]], subjects)
    count = wanted.blocks * stream.model.spec.frames_per_block
    commands = [targets(drag.motion, count) for drag in drags]
    return Case(
        name=spec.name,
        model=stream.model.spec.name,
        prompt=stream.prompt,
        seed=stream.seed,
        block=len(stream),
        drags=drags,
        mode=wanted.mode,
        kind=wanted.kinds[0],
        keep=background(moving_area(drags, objects, commands)),
        blocks=wanted.blocks,
        start=start,
        subjects=subjects,
        kinds=wanted.kinds,
        tags=(spec.split.value, *feature, *lost),
    )
