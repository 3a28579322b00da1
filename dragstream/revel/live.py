"""Drags of an object while the video plays: distance from the pointer, image quality and drift.

A pointer leads an object along a smooth curve at constant speed. Time is that of the video: a block
reads the pointer's position when its first frame is due. So the figures do not depend on the
machine's speed, and include the unavoidable delay of one block.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragstream.drags import regions
from dragstream.drags.checks import (
    Point,
    check_at_most,
    check_degrees,
    check_int,
    check_positive,
)
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Poses
from dragstream.drags.motions.scale import check_factor
from dragstream.drags.paths import Path
from dragstream.method.base import DragMethod
from dragstream.method.moments import Moments, drift
from dragstream.metrics.masks import mask_iou, pieces_outside
from dragstream.metrics.objmc import json_number, known_mean
from dragstream.models.base import VideoModel
from dragstream.revel.cases import RenderedStart, Subject
from dragstream.revel.detection import SPECK, Detection, detect
from dragstream.revel.live_curves import curve
from dragstream.revel.looks import identity
from dragstream.revel.methods import Method
from dragstream.revel.proposals import is_whole
from dragstream.revel.scenes import ATTEMPTS, check_world, new_stream, subjects_of
from dragstream.revel.shape import fidelity
from dragstream.stream.events import BlockMade, Event
from dragstream.stream.live import LiveStream
from dragstream.stream.records import Block
from dragstream.stream.stream import Stream

SPEED = 24.0
"""Default speed of the pointer, pixels a second."""
SPAN = 5.0
"""Seconds at the beginning and at the end of a video that are compared."""
_STEP = 24.0
"""Pixels that the object is pulled by before it is let go."""
_LONGEST = 600.0
"""Seconds to wait for a block."""
_MOVES = 6
"""Moves of the pointer in the time of a block."""
_WARM_UP = 2
"""Plain blocks between the rendered start and the pull."""
_LONGEST_PULL, _FASTEST = 3600.0, 10_000.0
"""Seconds of a pull, and pixels a second."""
DRIFTS = ("identity_drift", "colour_drift")


@dataclass(frozen=True)
class Pulled:
    """One object pulled by one method; distances are None in frames without the object."""

    scene: int  # number of the scene
    method: str  # the method's name
    color: str  # the object's colour
    kind: str  # the object's kind
    distances: tuple[float | None, ...]  # px from the pointer, a video frame
    misses: tuple[float | None, ...]  # px from the commanded position
    drift: tuple[float, ...]  # of each block from those before the pull
    iou: float | None  # at the end, see `fidelity`; None if it cannot be judged
    size: float  # its area at the end, as a factor of that at the start; 0 if it is not seen
    identity: tuple[float | None, ...] = ()  # `Quality.identity` at each block's end
    colour: tuple[float | None, ...] = ()  # `Quality.colour` at each block's end
    identity_drift: float = math.nan  # `quality_drift` of `identity`; below 0: less alike
    colour_drift: float = math.nan  # `quality_drift` of `colour`; above 0: the colour changes
    overlap: tuple[float, ...] = ()  # IoU at each block's end of its mask and the commanded one
    strays: tuple[int, ...] = ()  # pieces of its colour then that do not touch the commanded mask
    cost: float = math.nan  # processor time of the held blocks, as a factor of as many plain ones'
    waits: tuple[float, ...] = ()  # seconds, see `release_waits`

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers; None for what could not be measured."""
        known = {name: json_number(getattr(self, name)) for name in (*DRIFTS, "cost")}
        return {**asdict(self), **known}

    @property
    def distance(self) -> float | None:
        """Mean distance from the pointer over the frames with the object; None without any."""
        return known_mean(self.distances)

    @property
    def miss(self) -> float | None:
        """Mean distance from the commanded position over these frames."""
        return known_mean(self.misses)

    @property
    def seen(self) -> float:
        """Share of the frames in which the object is found."""
        return sum(each is not None for each in self.distances) / len(self.distances)


class Lead(NamedTuple):
    """Motion of the pointer that holds the object."""

    seconds: float = 5.0  # length of the pull, of video
    speed: float = SPEED  # pixels a second
    turn: float = 0.0  # degrees a second, clockwise on screen
    growth: float = 1.0  # factor of its lengths at the end


def pulls(
    model: VideoModel,
    scenes: int,
    methods: Sequence[Method],
    seed: int = 0,
    *,
    lead: Lead | None = None,
    releases: int = 0,
) -> Iterator[list[Pulled]]:
    """Pull one object in each scene with each method; yields one scene's pulls after another."""
    check_int(scenes, "scenes", least=1)
    lead = lead or Lead()
    check_at_most(check_positive(lead.seconds, "seconds"), _LONGEST_PULL, "seconds")
    check_at_most(check_positive(lead.speed, "speed"), _FASTEST, "speed")
    check_degrees(lead.turn, "turn")
    check_factor(lead.growth, "growth")
    check_int(releases, "releases", least=0)
    check_world(model.spec)
    for scene in range(scenes):
        task = _task(model, seed, scene, lead)
        found = []
        for method in methods:
            rng = np.random.default_rng((seed, scene))  # the same moments for all methods
            waits = release_waits(task.stream, task.seen, method.settings, releases, rng)
            found.append(replace(_pull(task, method), waits=waits))
        yield found


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
        """The pointer's position (x, y) after so many seconds; it rests at the curve's end."""
        return self.path.at(min(1.0, moment * self.lead.speed / self.path.length))

    def detect(self, frame: NDArray[np.uint8]) -> Detection | None:
        """The object in a frame."""
        return detect(frame, self.subject.color, self.subject.kind)


def _task(model: VideoModel, seed: int, scene: int, lead: Lead) -> _Task:
    for attempt in range(ATTEMPTS):
        start = RenderedStart(seed, scene, attempt)
        stream = new_stream(model, start, seed + scene)
        stream.run(_WARM_UP, progress=False)
        frame = stream.blocks[-1].frames[-1]
        subjects = subjects_of(start.scenes())
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


def _measured(task: _Task, method: Method, blocks: Sequence[Block]) -> Pulled:
    rate = task.stream.model.spec.clock.frame_rate
    reference = Moments.of(task.stream.blocks[-1].latents)
    distances: list[float | None] = []
    misses: list[float | None] = []
    for block in blocks:
        for commanded, frame in zip(_commanded_centers(block), block.frames, strict=True):
            seen = task.detect(frame)
            pointer = task.pointer((len(distances) + 1) / rate)
            distances.append(None if seen is None else math.dist(seen.center, pointer))
            misses.append(None if seen is None else math.dist(seen.center, commanded))
    before, last = task.stream.blocks[-1].frames[-1], [block.frames[-1] for block in blocks]
    ends = [task.detect(frame) for frame in last]
    found = [
        block_quality(before, task.seen, frame, each)
        for frame, each in zip(last, ends, strict=True)
    ]
    identities, colours = [each.identity for each in found], [each.colour for each in found]
    seconds = len(blocks[-1].frames) / rate
    end, seen = last[-1], ends[-1]
    wanted = [_commanded_mask(task, block) for block in blocks]
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
        identity=tuple(map(json_number, identities)),
        colour=tuple(map(json_number, colours)),
        identity_drift=quality_drift(identities, seconds),
        colour_drift=quality_drift(colours, seconds),
        overlap=tuple(
            0.0 if each is None else mask_iou(each.mask, mask)
            for each, mask in zip(ends, wanted, strict=True)
        ),
        strays=tuple(
            0 if each is None else len(pieces_outside(each.mask, mask, SPECK))
            for each, mask in zip(ends, wanted, strict=True)
        ),
    )


def _commanded_mask(task: _Task, block: Block) -> NDArray[np.bool_]:
    """The object's mask before the pull, moved as the block's only hold commands at its end."""
    (drag,) = block.drags
    mask = task.seen.mask
    origin = Affine.identity() if drag.source is None else drag.origin(*mask.shape)
    return regions.warp(mask, origin.then(drag.motion.at(1.0))) > 0.5


def _commanded_centers(block: Block) -> list[Point]:
    """The object's position in each video frame as the block's only hold commands it."""
    (drag,) = block.drags
    if not isinstance(drag.motion, Poses):
        raise TypeError(f"a hold is recorded as poses, got {drag.motion!r}")
    x, y = drag.motion.center
    count = len(block.frames)
    poses = [drag.motion.pose((frame + 1) / count) for frame in range(count)]
    return [(x + pose.dx, y + pose.dy) for pose in poses]


@dataclass(frozen=True)
class Quality:
    """Quality of an object in one frame; NaN where it is not seen."""

    identity: float  # cosine of its features with those before the pull (`looks.identity`)
    colour: float  # euclidean distance of its mean colour from that before, grey levels (0..255)


def block_quality(
    before: NDArray[np.uint8],
    seen_before: Detection,
    frame: NDArray[np.uint8],
    seen: Detection | None,
) -> Quality:
    """Compare an object in a frame with itself before the pull."""
    if seen is None:
        return Quality(math.nan, math.nan)
    then, now = (
        shown[mask].mean(axis=0) for shown, mask in ((before, seen_before.mask), (frame, seen.mask))
    )
    return Quality(
        identity(before, seen_before.mask, frame, seen.mask), float(np.linalg.norm(now - then))
    )


def quality_drift(values: Sequence[float], seconds: float) -> float:
    """Mean of the last five seconds minus that of the first five; NaN for less than ten seconds.

    `values` are one a block of `seconds`; NaN too where a span has no figure.
    """
    count = round(SPAN / seconds)
    if count < 1 or len(values) < 2 * count:
        return math.nan
    first, last = (known_mean(part) for part in (values[:count], values[-count:]))
    return math.nan if first is None or last is None else last - first


def release_waits(
    stream: Stream,
    seen: Detection,
    settings: DragMethod | None,
    count: int,
    rng: np.random.Generator,
) -> tuple[float, ...]:
    """Seconds from the release of an object to the first block that shows its last move.

    The stream plays as fast as the model can, with the object held. At a random moment within a
    block's time the hold moves by 24 pixels and is released.
    """
    return tuple(_wait(stream.fork(), seen, settings, float(rng.uniform())) for _ in range(count))


def _wait(stream: Stream, seen: Detection, settings: DragMethod | None, share: float) -> float:
    made: SimpleQueue[tuple[float, Block]] = SimpleQueue()

    def on_event(event: Event) -> None:
        if isinstance(event, BlockMade):
            made.put((time.monotonic(), event.block))

    live = LiveStream(stream, math.inf)
    unsubscribe = live.subscribe(on_event)
    try:
        (x, y), width = seen.center, seen.mask.shape[1]
        target = x + (_STEP if x < width / 2 else -_STEP)
        hold = live.hold(seen.mask, seen.center, settings=settings)
        live.start()
        _, first = made.get(timeout=_LONGEST)
        time.sleep(share * first.timings.total)
        hold.move_to(target, y)
        released = time.monotonic()
        hold.release()
        while True:
            shown, block = made.get(timeout=_LONGEST)
            # positions are recorded to a thousandth
            if block.drags and abs(_commanded_centers(block)[-1][0] - target) < 0.1:
                return shown - released
    except Empty:
        raise RuntimeError(f"no block of the pull within {_LONGEST:g} seconds") from None
    finally:
        unsubscribe()
        live.stop()
