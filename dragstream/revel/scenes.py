"""The short benchmark: held-out scenes of the playground, with each kind of drag in turn.

The model continues a rendered frame for a few blocks. Then a drag of random length and direction is
drawn on an object in the newest *generated* frame; its target lies in the frame and clear of the
other objects. Half of the cases also keep a region: another object, or the background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_int
from dragstream.drags.motions import Drag, targets
from dragstream.models.base import ModelSpec, VideoModel
from dragstream.models.playground import world
from dragstream.models.playground.captions import caption
from dragstream.revel.cases import CAMERA, PLANNED, Case, Kind, RenderedStart, Subject
from dragstream.revel.preparation import silhouettes
from dragstream.revel.proposals import ELIGIBLE, DetectedObjects, propose_camera, sample_kept_region
from dragstream.stream.records import Mode
from dragstream.stream.stream import Stream

ATTEMPTS = 20
"""Frames tried for a scene with its own kind of drag, and again with a translation."""

_MODES = (Mode.ANIMATE, Mode.EDIT)
_KEEP = 1
"""Part of the seed of kept regions, which are drawn from another generator than drags."""


@dataclass(frozen=True)
class SceneSpec:
    """A case of the short benchmark, to be drawn on a model's video."""

    number: int  # number from 0
    seed: int  # seed of all draws: the same model and seed give the same case
    warm_up: int  # plain blocks between the rendered start and the drag
    kind: Kind  # kind of the drag
    mode: Mode  # `Mode.EDIT` or `Mode.ANIMATE`
    keeps: bool  # true if a region is kept

    @property
    def name(self) -> str:
        """Name of the case."""
        return f"{self.number:03d}-{self.mode.value}-{self.kind.value}"


def scene_specs(
    count: int, seed: int = 0, *, warm_up: int = 2, kinds: Sequence[Kind] = PLANNED
) -> tuple[SceneSpec, ...]:
    """The first scenes of the short benchmark."""
    check_int(count, "scenes", least=1)
    check_int(warm_up, "warm_up", least=1)
    found = []
    for number in range(count):
        turn, place = divmod(number, len(kinds) * len(_MODES))
        mode, kind = divmod(place, len(kinds))
        keeps = (turn + mode + kind) % 2 == 0
        found.append(SceneSpec(number, seed, warm_up, kinds[kind], _MODES[mode], keeps))
    return tuple(found)


def check_world(spec: ModelSpec) -> None:
    """Raise a ValueError unless the model's frames have the size of the world's."""
    grid = spec.grid
    if (grid.height, grid.width) != (world.HEIGHT, world.WIDTH):
        raise ValueError(
            f"the playground's frames are {world.WIDTH}x{world.HEIGHT}, "
            f"those of {spec.name!r} are {grid.width}x{grid.height}"
        )


def new_stream(model: VideoModel, start: RenderedStart, seed: int) -> Stream:
    """Make a stream with the scene's caption that starts from its rendered frame."""
    prompt = caption(start.scenes(), 0)
    return Stream(model, prompt=prompt, seed=seed, image=start.image())


def sample_scene_case(model: VideoModel, scene: SceneSpec) -> tuple[Case, Stream]:
    """Draw the case of a scene on a model's video; returns it with its stream.

    If the model keeps no object for that kind of drag, the case is a translation.
    """
    check_world(model.spec)
    kind = scene.kind
    for attempt in range(2 * ATTEMPTS):
        if attempt == ATTEMPTS:
            kind = Kind.TRANSLATION
        start = RenderedStart(scene.seed, scene.number, attempt)
        subjects = subjects_of(start.scenes())
        if not any(subject.kind in ELIGIBLE[kind] for subject in subjects):
            continue
        stream = new_stream(model, start, scene.seed + scene.number)
        stream.run(scene.warm_up, progress=False)
        rng = np.random.default_rng((scene.seed, scene.number, attempt))
        found = propose(stream.blocks[-1].frames[-1], subjects, kind, rng)
        if found is not None:
            return _case(stream, scene, start, kind, found), stream
    raise ValueError(
        f"{model.spec.name!r} kept no {' or '.join(ELIGIBLE[kind])} whole through "
        f"{scene.warm_up} block(s) in {2 * ATTEMPTS} attempts at scene {scene.number}"
    )


def _case(
    stream: Stream,
    scene: SceneSpec,
    start: RenderedStart,
    kind: Kind,
    found: tuple[tuple[Subject, ...], tuple[Drag, ...]],
) -> Case:
    """Make the case of a drawn drag, with a kept region unless the camera moves."""
    subjects, drags = found
    keep = None
    if scene.keeps and kind not in CAMERA:
        (subject,), (drag,) = subjects, drags
        frames = [stream.blocks[-1].frames[-1]]
        others = [each for each in subjects_of(start.scenes()) if each != subject]
        count = stream.model.spec.frames_per_block if scene.mode is Mode.ANIMATE else 1
        keep = sample_kept_region(
            drag,
            silhouettes(frames, [subject]),
            silhouettes(frames, others),
            targets(drag.motion, count),
            np.random.default_rng((scene.seed, scene.number, start.attempt, _KEEP)),
        )
    return Case(
        name=scene.name,
        model=stream.model.spec.name,
        prompt=stream.prompt,
        seed=stream.seed,
        block=len(stream),
        drags=drags,
        mode=scene.mode,
        kind=kind,
        keep=keep,
        start=start,
        subjects=subjects,
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
    frame: NDArray[np.uint8], subjects: list[Subject], kind: Kind, rng: np.random.Generator
) -> tuple[tuple[Subject, ...], tuple[Drag, ...]] | None:
    """Draw a drag of a kind on one of the objects in a frame; None if none is possible.

    With a kind of the camera, its movement and all objects.
    """
    seen = DetectedObjects.of(frame, subjects, rng)
    if len(seen.whole) < len(subjects):
        return None
    if kind in CAMERA:
        return propose_camera(seen, kind)
    proposals = (seen.candidate(index).propose(kind) for index in range(len(subjects)))
    found = next((found for found in proposals if found is not None), None)
    return None if found is None else ((found[0],), (found[1],))
