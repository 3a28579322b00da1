"""Held-out scenes of the playground with drags of all kinds.

A scene starts from a rendered frame that training never saw. The model continues it for a few
blocks without drags; then an object is detected in the newest *generated* frame and a drag is drawn
on it, whose length, direction and kind are random but which stays in the frame and off the other
object. So the dragged object is always one that the model drew. Half of the scenes also keep a
region as it is: the other object, or the background away from the drag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_int
from dragstream.drags.motions import Drag, targets
from dragstream.drags.shapes import Shape
from dragstream.models.base import ModelSpec, VideoModel
from dragstream.models.playground import world
from dragstream.models.playground.captions import caption
from dragstream.revel.cases import PLANNED, Case, Kind, Start, Subject
from dragstream.revel.keeps import draw_keep
from dragstream.revel.sight import sight
from dragstream.revel.sites import DRAWN, ELIGIBLE, Site, is_whole
from dragstream.revel.situations import silhouettes
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream

__all__ = ["ATTEMPTS", "check_world", "keeps", "playground_cases", "propose", "subjects_of"]

ATTEMPTS = 20
"""Frames drawn for a scene before it becomes a translation, and then fails."""

_MODES = (Mode.ANIMATE, Mode.EDIT)
_KEEP = 1
"""Part of the seed of kept regions: drags are drawn from a generator of their own."""


def playground_cases(
    model: VideoModel,
    count: int,
    seed: int = 0,
    *,
    warm_up: int = 2,
    first: int = 0,
    kinds: Sequence[Kind] = PLANNED,
) -> Iterator[Case]:
    """Cases on the packaged world, drawn one after the other.

    Args:
        model: generates the past that each drag is drawn on; it must have the world's frame size.
        count: number of scenes.
        seed: seed of all draws: the same model and seed give the same cases.
        warm_up: plain blocks between the rendered start and the drag.
        first: number of the first scene; those before it are left out, and not drawn.
        kinds: kinds of the drags, taking turns, first in new frames and then in edits: with the
            four planned ones 24 scenes are three of each kind and mode.

    Raises:
        ValueError: a negative number, a model of another frame size, or a model that loses its
            objects in every attempt.
    """
    check_int(count, "scenes", least=1)
    check_int(warm_up, "warm_up", least=1)
    check_int(first, "first", least=0)
    check_world(model.spec)
    for scene in range(first, count):
        yield _first_suitable(model, seed, scene, warm_up, kinds)


def check_world(spec: ModelSpec) -> None:
    """Refuse models whose frames cannot show the world.

    Raises:
        ValueError: another frame size than the world's.
    """
    grid = spec.grid
    if (grid.height, grid.width) != (world.HEIGHT, world.WIDTH):
        raise ValueError(
            f"the playground's frames are {world.WIDTH}x{world.HEIGHT}, "
            f"those of {spec.name!r} are {grid.width}x{grid.height}"
        )


def _first_suitable(
    model: VideoModel, seed: int, scene: int, warm_up: int, kinds: Sequence[Kind]
) -> Case:
    """The first case that can be drawn on the model's video of a scene.

    A model that loses faces or corners leaves nothing to turn: then something is moved instead.
    """
    turn = scene // len(kinds)
    kind, mode = kinds[scene % len(kinds)], _MODES[turn % len(_MODES)]
    for attempt in range(2 * ATTEMPTS):
        if attempt == ATTEMPTS:
            kind = Kind.TRANSLATION
        start = Start(seed, scene, attempt)
        truth = start.scenes()
        subjects = subjects_of(truth)
        if not any(subject.kind in ELIGIBLE[kind] for subject in subjects):
            continue
        stream = Stream(model, prompt=caption(truth, 0), seed=seed + scene, image=start.image())
        stream.run(warm_up, progress=False)
        rng = np.random.default_rng((seed, scene, attempt))
        found = propose(stream.blocks[-1].frames[-1], subjects, kind, rng)
        if found is not None:
            subject, drag = found
            chance = np.random.default_rng((seed, scene, attempt, _KEEP))
            return Case(
                name=f"{scene:03d}-{mode.value}-{kind.value}",
                model=model.spec.name,
                prompt=stream.prompt,
                seed=stream.seed,
                block=len(stream),
                drags=(drag,),
                mode=mode,
                kind=kind,
                keep=_keep(stream, subjects, found, mode, chance)
                if keeps(scene, len(kinds))
                else None,
                start=start,
                subjects=(subject,),
            )
    raise ValueError(
        f"{model.spec.name!r} kept no {' or '.join(ELIGIBLE[kind])} whole through {warm_up} "
        f"block(s) in {2 * ATTEMPTS} attempts at scene {scene}"
    )


def keeps(scene: int, kinds: int = len(PLANNED)) -> bool:
    """True if a scene keeps a region: every other one of each kind and mode, and half of all."""
    turn, place = divmod(scene, kinds * len(_MODES))
    mode, kind = divmod(place, kinds)
    return (turn + mode + kind) % 2 == 0


def _keep(
    stream: Stream,
    subjects: list[Subject],
    found: tuple[Subject, Drag],
    mode: Mode,
    rng: np.random.Generator,
) -> Shape | None:
    """A region for a scene's drag to keep, drawn on the newest frame."""
    subject, drag = found
    frames = [stream.blocks[-1].frames[-1]]
    others = [each for each in subjects if each != subject]
    count = stream.model.spec.frames_per_block if mode is Mode.ANIMATE else 1
    return draw_keep(
        drag,
        silhouettes(frames, [subject]),
        silhouettes(frames, others),
        targets(drag.motion, count),
        rng,
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
        kind: kind of the drag.
        rng: decides which object, which way and how far.
    """
    sightings = [sight(frame, subject.color, subject.kind) for subject in subjects]
    if not all(seen is not None and is_whole(seen) for seen in sightings):
        return None
    for index in rng.permutation(len(subjects)):
        subject, seen = subjects[index], sightings[index]
        if subject.kind not in ELIGIBLE[kind] or seen is None:
            continue
        others = np.zeros(frame.shape[:2], bool)
        for other, sighting in enumerate(sightings):
            if other != index and sighting is not None:
                others |= sighting.mask
        drag = DRAWN[kind](Site(subject, seen, others, rng))
        if drag is not None:
            return subject, drag
    return None
