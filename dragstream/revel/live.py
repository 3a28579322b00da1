"""Objects that are pulled while the video plays: distance from the pointer, looks and drift.

A pointer leads an object along a smooth curve at even speed. It moves with the video's clock, as on
a machine that is just fast enough: a block reads the pointer's place at the moment when its first
frame is due. So figures do not depend on the machine's speed, and the delay of one block, which no
machine can avoid, is part of the distance.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragstream.drags import regions
from dragstream.drags.checks import Point, check_degrees, check_int, check_positive
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Poses
from dragstream.drags.motions.scale import check_factor
from dragstream.drags.paths import Path
from dragstream.method.moments import Moments, drift
from dragstream.metrics.masks import mask_iou, pieces_outside
from dragstream.metrics.objmc import json_number, known_mean
from dragstream.models.base import VideoModel
from dragstream.models.playground.captions import caption
from dragstream.revel.cases import Subject
from dragstream.revel.detection import Detection, detect
from dragstream.revel.live_curves import curve
from dragstream.revel.live_quality import block_quality, quality_drift, release_waits
from dragstream.revel.looks import LEAST_PIECE
from dragstream.revel.methods import Method
from dragstream.revel.pages import table_lines
from dragstream.revel.proposals import is_whole
from dragstream.revel.scenes import ATTEMPTS, check_world, subjects_of
from dragstream.revel.shape import fidelity
from dragstream.revel.starts import RenderedStart
from dragstream.revel.statistics import estimate, shown
from dragstream.revel.studies import Measure
from dragstream.stream.live import LiveStream
from dragstream.stream.records import Block
from dragstream.stream.stream import Stream

__all__ = ["SPEED", "Lead", "Pulled", "pulls", "report"]

SPEED = 24.0
"""Default speed of the pointer, pixels a second."""
_MOVES = 6
"""Moves of the pointer in the time of a block."""
_WARM_UP = 2
"""Plain blocks between the rendered start and the pull."""
_DRIFTS = ("identity_drift", "colour_drift")
_MEANS = ("overlap", "strays")
"""Figures of which there is one a block, whose mean is shown."""


@dataclass(frozen=True)
class Pulled:
    """One object pulled by one method. A frame without the object has distances of None.

    Attributes:
        scene: number of the scene.
        method: the method's name.
        color: the object's colour.
        kind: the object's kind.
        distances: from the pointer when a frame is shown to the object in it, pixels, for each
            video frame.
        misses: from the place that the block was asked for to the object, pixels, likewise.
        drift: distance of each block's moments from those of the blocks before the pull.
        iou: of the object's shape with the renderer's at the end (`fidelity`); None if it cannot
            be judged.
        size: its area at the end, as a factor of that at the start; 0 if it is not seen.
        identity: likeness of the object at each block's end to itself before the pull, see
            `live_quality.Quality`; None where it is not seen.
        colour: distance of its mean colour from that before, likewise.
        identity_drift: `live_quality.quality_drift` of `identity`; below 0 it is lost. NaN for
            pulls of less than ten seconds.
        colour_drift: the same of `colour`; above 0 the colour wanders.
        overlap: intersection over union, at each block's end, of the object with itself before,
            moved, turned and scaled as asked; 0 where it is not seen.
        strays: number of pieces of its colour that do not touch that place, likewise.
        cost: processor time of the held blocks, as a factor of as many plain ones'.
        waits: seconds from letting go to the first picture, see `live_quality.release_waits`.
    """

    scene: int
    method: str
    color: str
    kind: str
    distances: tuple[float | None, ...]
    misses: tuple[float | None, ...]
    drift: tuple[float, ...]
    iou: float | None
    size: float
    identity: tuple[float | None, ...] = ()
    colour: tuple[float | None, ...] = ()
    identity_drift: float = math.nan
    colour_drift: float = math.nan
    overlap: tuple[float, ...] = ()
    strays: tuple[int, ...] = ()
    cost: float = math.nan
    waits: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers; None for what could not be measured."""
        known = {name: json_number(getattr(self, name)) for name in (*_DRIFTS, "cost")}
        return {**asdict(self), **known}

    @property
    def distance(self) -> float | None:
        """Mean distance from the pointer over the frames with the object; None without any."""
        return known_mean(self.distances)

    @property
    def miss(self) -> float | None:
        """Mean distance from the place asked for, likewise."""
        return known_mean(self.misses)

    @property
    def seen(self) -> float:
        """Share of the frames in which the object is found."""
        return sum(each is not None for each in self.distances) / len(self.distances)


class Lead(NamedTuple):
    """What a pointer does with the object."""

    seconds: float = 5.0
    """Length of the pull, of video."""
    speed: float = SPEED
    """Pixels a second."""
    turn: float = 0.0
    """Degrees a second, clockwise on screen."""
    growth: float = 1.0
    """Factor of its lengths at the end."""


def pulls(
    model: VideoModel,
    scenes: int,
    methods: Sequence[Method],
    seed: int = 0,
    *,
    lead: Lead | None = None,
    releases: int = 0,
) -> Iterator[list[Pulled]]:
    """Pull one object in each scene with each method; yields one scene's pulls after another.

    Args:
        model: a model of the playground's frame size.
        scenes: number of held-out scenes.
        methods: the methods.
        seed: seed of the scenes, curves and streams.
        lead: what the pointer does; None: the defaults.
        releases: pulls that are let go while the video plays, for `Pulled.waits`.

    Raises:
        ValueError: numbers out of bounds, a model of another frame size, or one that loses its
            objects.
    """
    check_int(scenes, "scenes", least=1)
    lead = lead or Lead()
    check_positive(lead.seconds, "seconds")
    check_positive(lead.speed, "speed")
    check_degrees(lead.turn, "turn")
    check_factor(lead.growth, "growth")
    check_int(releases, "releases", least=0)
    check_world(model.spec)
    for scene in range(scenes):
        task = _task(model, seed, scene, lead)
        yield [
            replace(_pull(task, method), waits=_waits(task, method, releases, seed))
            for method in methods
        ]


@dataclass(frozen=True, eq=False)
class _Task:
    """An object that is seen whole, and the curve that the pointer leads it along."""

    scene: int
    stream: Stream
    subject: Subject
    seen: Detection
    path: Path
    lead: Lead

    def pointer(self, moment: float) -> Point:
        """The pointer's place (x, y) after so many seconds; it rests at the curve's end."""
        return self.path.at(min(1.0, moment * self.lead.speed / self.path.length))

    def detect(self, frame: NDArray[np.uint8]) -> Detection | None:
        """The object in a frame."""
        return detect(frame, self.subject.color, self.subject.kind)


def _task(model: VideoModel, seed: int, scene: int, lead: Lead) -> _Task:
    for attempt in range(ATTEMPTS):
        start = RenderedStart(seed, scene, attempt)
        truth = start.scenes()
        stream = Stream(model, caption(truth, 0), seed=seed + scene, image=start.image())
        stream.run(_WARM_UP, progress=False)
        frame = stream.blocks[-1].frames[-1]
        subjects = subjects_of(truth)
        found = [detect(frame, subject.color, subject.kind) for subject in subjects]
        rng = np.random.default_rng((seed, scene, attempt))
        for index in rng.permutation(len(subjects)):
            seen = found[index]
            if seen is None or not is_whole(seen):
                continue
            others = [each.center for each in found if each is not None and each is not seen]
            path = curve(seen, others, lead.speed * lead.seconds, rng)
            return _Task(scene, stream, subjects[index], seen, path, lead)
    raise ValueError(
        f"{model.spec.name!r} kept no object whole through {_WARM_UP} blocks in {ATTEMPTS} "
        f"attempts at scene {scene}"
    )


def _pull(task: _Task, method: Method) -> Pulled:
    """Lead the object along the path, block by block."""
    stream, lead = task.stream.fork(), task.lead
    plain = _plain_seconds(task.stream)
    rate = stream.model.spec.clock.frame_rate
    live = LiveStream(stream, math.inf)
    try:
        hold = live.hold(task.seen.mask, task.seen.center, settings=method.settings)
        last = due = 0.0  # when the first frames of this block and the next are shown
        began = time.process_time()
        while due < lead.seconds:
            for moment in np.linspace(last, due, _MOVES + 1)[1:].tolist():
                hold.move_to(*task.pointer(moment))
                hold.turn_to(lead.turn * moment)
                hold.scale_to(lead.growth ** (moment / lead.seconds))
            live.step()
            live.wait()
            last, due = due, due + len(stream.blocks[-1].frames) / rate
        spent = time.process_time() - began
    finally:
        live.stop()
    made = stream.blocks[len(task.stream) :]
    return replace(_measured(task, method, made), cost=spent / len(made) / plain)


def _plain_seconds(stream: Stream) -> float:
    """Processor time of a plain block."""
    stream = stream.fork()
    began = time.process_time()
    stream.run(_WARM_UP, progress=False)
    return (time.process_time() - began) / _WARM_UP


def _waits(task: _Task, method: Method, releases: int, seed: int) -> tuple[float, ...]:
    rng = np.random.default_rng((seed, task.scene))  # the same moments for all methods
    return release_waits(task.stream, task.seen, method.settings, releases, rng)


def _measured(task: _Task, method: Method, blocks: Sequence[Block]) -> Pulled:
    rate = task.stream.model.spec.clock.frame_rate
    reference = Moments.of(task.stream.blocks[-1].latents)
    distances: list[float | None] = []
    misses: list[float | None] = []
    for block in blocks:
        for asked, frame in zip(_asked(block), block.frames, strict=True):
            seen = task.detect(frame)
            pointer = task.pointer((len(distances) + 1) / rate)
            distances.append(None if seen is None else math.dist(seen.center, pointer))
            misses.append(None if seen is None else math.dist(seen.center, asked))
    before, last = task.stream.blocks[-1].frames[-1], [block.frames[-1] for block in blocks]
    ends = [task.detect(frame) for frame in last]
    found = [
        block_quality(before, task.seen, frame, each)
        for frame, each in zip(last, ends, strict=True)
    ]
    looks, hues = [each.identity for each in found], [each.colour for each in found]
    seconds = len(blocks[-1].frames) / rate
    end, seen = last[-1], ends[-1]
    places = [_place(task, block) for block in blocks]
    shape = fidelity(end, task.subject.color, task.subject.kind)
    return Pulled(
        scene=task.scene,
        method=method.name,
        color=task.subject.color,
        kind=task.subject.kind,
        distances=tuple(distances),
        misses=tuple(misses),
        drift=tuple(drift(block.moments, reference) for block in blocks),
        iou=None if shape is None else shape.iou,
        size=0.0 if seen is None else seen.area / task.seen.area,
        identity=tuple(map(json_number, looks)),
        colour=tuple(map(json_number, hues)),
        identity_drift=quality_drift(looks, seconds),
        colour_drift=quality_drift(hues, seconds),
        overlap=tuple(
            0.0 if each is None else mask_iou(each.mask, place)
            for each, place in zip(ends, places, strict=True)
        ),
        strays=tuple(
            0 if each is None else len(pieces_outside(each.mask, place, LEAST_PIECE))
            for each, place in zip(ends, places, strict=True)
        ),
    )


def _place(task: _Task, block: Block) -> NDArray[np.bool_]:
    """The pixels that the only hold of a block asked the object to cover at its end."""
    (drag,) = block.drags
    mask = task.seen.mask
    origin = Affine.identity() if drag.source is None else drag.origin(*mask.shape)
    return regions.warp(mask, origin.then(drag.motion.at(1.0))) > 0.5


def _asked(block: Block) -> list[Point]:
    """Where the only hold of a block asked the object to be in each video frame."""
    (drag,) = block.drags
    if not isinstance(drag.motion, Poses):
        raise TypeError(f"a hold is recorded as poses, got {drag.motion!r}")
    x, y = drag.motion.center
    count = len(block.frames)
    poses = [drag.motion.pose((frame + 1) / count) for frame in range(count)]
    return [(x + pose.dx, y + pose.dy) for pose in poses]


_COLUMNS = (
    Measure("distance", "px from the pointer", 1),
    Measure("miss", "px from where it was asked to be", 1),
    Measure("seen", "share of frames with it", 2, more=True),
    Measure("iou", "IoU at the end", 2, more=True),
    Measure("size", "size at the end", 2),
    Measure("drift", "drift at the end", 3),
    Measure("identity", "identity at the end", 3, more=True),
    Measure("identity_drift", "identity, last 5 s less first", 3, more=True),
    Measure("colour_drift", "colour, last 5 s less first", 1),
    Measure("overlap", "IoU with its place", 2, more=True),
    Measure("strays", "stray pieces", 2),
    Measure("cost", "× a plain block", 2),
)


def report(pulled: Sequence[Pulled]) -> tuple[dict[str, Any], str]:
    """Means over scenes of each method with their intervals, and a table of them."""
    rows: dict[str, Any] = {}
    cells = []
    for name in dict.fromkeys(each.method for each in pulled):
        own = [each for each in pulled if each.method == name]
        means = [estimate([_figure(each, column.name) for each in own]) for column in _COLUMNS]
        waits = [wait for each in own for wait in each.waits]
        median, late = np.quantile(waits, (0.5, 0.95)).tolist() if waits else (None, None)
        rows[name] = {
            **{column.name: mean.to_json() for column, mean in zip(_COLUMNS, means, strict=True)},
            "wait": {"median": median, "95th": late, "count": len(waits)},
        }
        shown_means = (
            shown(mean, column.digits, signed=column.name in _DRIFTS)
            for column, mean in zip(_COLUMNS, means, strict=True)
        )
        shown_waits = ("not measured" if each is None else f"{each:.2f}" for each in (median, late))
        cells.append((name, str(len(own)), *shown_means, *shown_waits))
    titles = (each.title for each in _COLUMNS)
    head = ("method", "scenes", *titles, "s to the first picture: median", "95th")
    return rows, "\n".join(table_lines(head, cells)) + "\n"


def _figure(pulled: Pulled, column: str) -> float:
    value = getattr(pulled, column)
    if column in _MEANS:
        value = float(np.mean(value)) if value else None
    elif isinstance(value, tuple):  # one a block: at the end
        value = value[-1] if value else None
    return math.nan if value is None else float(value)
