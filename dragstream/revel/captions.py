"""Measures of streams without drags: captions, likeness and identity.

`read` detects the objects that captions name, in the model's clips and in the renderer's clips of
the same held-out scenes: detection is not perfect, and a caption only biases the motion.
`distances` are Frechet distances of moments of the model's latents, so they compare only under the
same autoencoder. `observe` checks whether objects keep their colour, stay in one piece and about as
large as at the start.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mode
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import trange

from dragstream.drags.checks import check_int
from dragstream.metrics.frechet import Frechet, frechet_distance
from dragstream.metrics.objmc import known_mean
from dragstream.models.base import VideoModel
from dragstream.models.playground import world
from dragstream.models.playground.captions import caption
from dragstream.models.playground.world import KINDS
from dragstream.revel.cases import RenderedStart, Subject
from dragstream.revel.detection import detect, kind_of
from dragstream.revel.pages import table_lines
from dragstream.revel.scenes import check_world, new_stream, subjects_of
from dragstream.revel.shape import fidelity
from dragstream.stream.production import VideoEncoder
from dragstream.stream.stream import Stream

_STILL = 2.7
"""Largest speed of an object at rest, pixels a frame: a third of the captions' speed."""
_SHARES = ("color", "kind", "motion")
_WAYS = {
    "slides left": (-1.0, 0.0),
    "slides right": (1.0, 0.0),
    "slides up": (0.0, -1.0),
    "slides down": (0.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class ClipPair:
    """A held-out scene: the model's clip from the caption alone, and the rendered clip."""

    start: RenderedStart  # the scene
    made: NDArray[np.uint8]  # the model's clip, uint8 (T, H, W, 3)
    rendered: NDArray[np.uint8]  # the renderer's clip of the same length


@dataclass(frozen=True)
class Reading:
    """One object: the caption's description, and the detected properties."""

    stream: int  # number of the stream
    subject: Subject  # the caption's colour and kind
    way: str | None  # the caption's motion, where it has a direction; otherwise None
    found: bool  # true if an object has that colour
    kind: str | None  # of its shape; None: not found, or of no kind
    went: str | None  # direction of its motion; None where it rested or was lost
    rendered: bool  # read off the renderer's clip instead of the model's


def clip_pairs(
    model: VideoModel, streams: int, seed: int = 0, blocks: int = 2
) -> Iterator[ClipPair]:
    """Run streams from captions alone, one after the other, with a progress bar."""
    check_int(streams, "streams", least=1)
    check_int(blocks, "blocks", least=1)
    check_world(model.spec)
    for number in trange(streams, unit="stream"):
        start = RenderedStart(seed, number, 0)
        stream = Stream(model, prompt=caption(start.scenes(), 0), seed=seed + number)
        stream.run(blocks, progress=False)
        yield ClipPair(start, stream.frames, start.film(len(stream.frames)))


def read(model: VideoModel, streams: int, seed: int = 0, blocks: int = 2) -> Iterator[Reading]:
    """Run streams from captions alone, and read each object in both clips of each scene."""
    for pair in clip_pairs(model, streams, seed, blocks):
        scene, number = pair.start.scenes(), pair.start.scene
        for slot, subject in enumerate(subjects_of(scene)):
            motion = world.MOTIONS[int(scene.motion[0, slot])]
            yield _read(number, subject, motion, pair.made, rendered=False)
            yield _read(number, subject, motion, pair.rendered, rendered=True)


def _read(
    stream: int, subject: Subject, motion: str, frames: NDArray[np.uint8], *, rendered: bool
) -> Reading:
    kinds = [kind_of(frame, subject.color) for frame in frames]
    votes = [kind for kind in kinds if kind is not None]
    return Reading(
        stream=stream,
        subject=subject,
        way=motion if motion in _WAYS else None,
        found=any(detect(frame, subject.color, subject.kind) is not None for frame in frames[-3:]),
        kind=mode(votes) if votes else None,  # of a tie, the earliest
        went=direction_of(frames, subject),
        rendered=rendered,
    )


def direction_of(frames: NDArray[np.uint8], subject: Subject) -> str | None:
    """Direction of an object's net motion in the captions' words; None if it rested or was lost."""
    seen = [detect(frame, subject.color, subject.kind) for frame in frames]
    centers = np.array([each.center for each in seen if each is not None])
    if len(centers) < max(2, len(frames) // 2):
        return None
    dx, dy = np.diff(centers, axis=0).mean(axis=0)
    if math.hypot(dx, dy) < _STILL:
        return None
    return max(_WAYS, key=lambda way: _WAYS[way][0] * dx + _WAYS[way][1] * dy)


def accuracy(readings: Sequence[Reading]) -> dict[str, dict[str, float]]:
    """Shares of readings that match the caption: of the model's frames and of the renderer's.

    "motion" is over the objects that have a direction in the caption; NaN if none has.
    """
    shares = {}
    for name, rendered in (("model", False), ("renderer", True)):
        mine = [reading for reading in readings if reading.rendered is rendered]
        shares[name] = {
            "color": _share(reading.found for reading in mine),
            "kind": _share(reading.kind == reading.subject.kind for reading in mine),
            "motion": _share(reading.went == reading.way for reading in mine if reading.way),
            "objects": float(len(mine)),
        }
    return shares


def _share(values: Iterable[bool]) -> float:
    given = list(values)
    return float(np.mean(given)) if given else math.nan


def accuracy_table(shares: Mapping[str, Mapping[str, float]]) -> list[str]:
    """An `accuracy` as the lines of a Markdown table."""
    rows = [
        (f"the {name}", f"{row['objects']:.0f}", *(f"{row[each]:.0%}" for each in _SHARES))
        for name, row in shares.items()
    ]
    return table_lines(("frames of", "objects", "colour", "kind", "direction"), rows)


def latent_moments(model: VideoModel, clips: Iterable[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Features of clips (T, H, W, 3) uint8 of whole blocks: moments of their latents, (N, 3 C).

    For each of the C channels: its mean over the clip, its standard deviation over a frame
    (averaged over the clip), and the mean absolute change from one latent frame to the next.
    """
    if not isinstance(model, VideoEncoder):
        raise TypeError(f"{model.spec.name!r} makes no latents of videos")
    found = []
    for clip in clips:
        latents = model.encode_video(clip)[0].double()
        moments = (
            latents.mean(dim=(0, 2, 3)),
            latents.std(dim=(2, 3)).mean(dim=0),
            latents.diff(dim=0).abs().mean(dim=(0, 2, 3)),
        )
        found.append(np.concatenate([moment.cpu().numpy() for moment in moments]))
    return np.stack(found)


def distances(
    model: VideoModel, streams: int, seed: int = 0, blocks: int = 2
) -> dict[str, Frechet]:
    """Frechet distances of clips from rendered ones of held-out scenes."""
    check_int(streams, "streams", least=2)
    real, made, other = [], [], []
    for pair in clip_pairs(model, streams, seed, blocks):
        real.append(pair.rendered)
        made.append(pair.made)
        other.append(RenderedStart(seed, pair.start.scene, 1).film(len(pair.made)))
    reference, *sets = (latent_moments(model, clips) for clips in (real, made, other))
    extractor = f"moments of {model.spec.name} latents"
    return {
        name: frechet_distance(reference, features, extractor)
        for name, features in zip(("model", "renderer"), sets, strict=True)
    }


def distances_table(found: Mapping[str, Frechet]) -> list[str]:
    """The result of `distances` as the lines of a Markdown table."""
    titles = {"model": "the model", "renderer": "the renderer again"}
    rows = [
        (titles[name], f"{each.distance:.2f}", str(each.generated)) for name, each in found.items()
    ]
    return table_lines(("rendered clips against those of", "Frechet distance", "clips"), rows)


BLOCKS = (1, 10, 100, 300)
"""Default marks at which objects are observed, in blocks."""

_SIZES = (0.6, 1.6)
"""Least and largest area of a kept object, as a factor of its initial area."""
_WHOLE = 0.8
"""Least share of the largest part of a kept object in the area of its colour."""
_LAST_BLOCKS = 3
"""Blocks before a mark in which an object is observed, since another object may hide it; the first
block of a stream, which is rendered, is left out."""


@dataclass(frozen=True)
class Observation:
    """One object at one mark."""

    stream: int  # number of the stream
    block: int  # the mark, in blocks
    color: str  # the object's colour
    kind: str  # the object's kind
    kept: bool  # true if its area is near the first frame's and its colour is in one piece
    size: float  # its area, as a factor of what it was in the first frame; 0 if it is not seen
    shaped: bool  # true if it looks like its kind: by its shape, or a critter by its eyes
    iou: float | None = None  # `Fidelity.iou`, mean over the blocks
    corners: float | None = None  # `Fidelity.corners`, px, mean over the blocks


def observe(
    model: VideoModel, streams: int, seed: int = 0, marks: Sequence[int] = BLOCKS
) -> Iterator[Observation]:
    """Run streams, with a progress bar, and observe each of their objects at each mark."""
    check_int(streams, "streams", least=1)
    if not marks or list(marks) != sorted(set(marks)) or marks[0] < 1:
        raise ValueError(f"marks must rise and start at 1 or later, got {tuple(marks)}")
    for number in trange(streams, unit="stream"):
        start = RenderedStart(seed, number, 0)
        image, subjects = start.image(), subjects_of(start.scenes())
        stream = new_stream(model, start, seed + number)
        for mark in marks:
            stream.run(mark + 1 - len(stream), progress=False)
            frames = [block.frames[-1] for block in stream.blocks[1:][-_LAST_BLOCKS:]]
            for each in subjects:
                yield _observe(number, mark, each, image, frames, subjects=subjects)


def _observe(
    stream: int,
    mark: int,
    subject: Subject,
    image: NDArray[np.uint8],
    frames: Sequence[NDArray[np.uint8]],
    *,
    subjects: Sequence[Subject],
) -> Observation:
    """The best observation of a subject in several frames; shapes are means over the frames."""
    color, kind = subject.color, subject.kind
    first = detect(image, color, kind)
    others = tuple((each.color, each.kind) for each in subjects if each.color != color)
    kept, size, shaped, shapes = False, 0.0, False, []
    for frame in frames:
        seen = detect(frame, color, kind)
        if seen is None or first is None:
            continue
        growth = seen.area / first.area
        whole = _SIZES[0] <= growth <= _SIZES[1] and seen.parts[0] >= _WHOLE * sum(seen.parts)
        if whole or not kept:
            kept, size = whole, growth
        shaped = shaped or kind_of(frame, color) == kind
        shapes.append(fidelity(frame, color, kind, others))
    judged = [shape for shape in shapes if shape is not None]
    iou = known_mean(shape.iou for shape in judged) if shapes else 0.0
    corners = known_mean(shape.corners for shape in judged)
    return Observation(stream, mark, color, kind, kept, size, shaped, iou, corners)


def summary(observations: Sequence[Observation]) -> dict[str, Any]:
    """Per mark, shares of objects kept and shaped, of streams that kept all; shapes; median size.

    "iou" and "corners" are means over the objects whose shape could be judged ("judged").
    """
    frame = pd.DataFrame([asdict(each) for each in observations])
    return {
        str(mark): {
            "objects_kept": float(mine.kept.mean()),
            "objects_shaped": float(mine.shaped.mean()),
            "streams_kept": float(mine.groupby("stream").kept.all().mean()),
            "size": float(mine["size"].median()),
            "iou": known_mean(mine.iou),
            "iou_by_kind": {kind: known_mean(mine.iou[mine.kind == kind]) for kind in KINDS},
            "corners": known_mean(mine.corners),
            "objects": len(mine),
            "judged": int(mine.iou.count()),
        }
        for mark, mine in frame.groupby("block")
    }


def summary_table(marks: Mapping[str, Any]) -> list[str]:
    """A `summary` as the lines of a Markdown table."""

    def figure(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}"

    head = ("blocks", "objects kept", "of their kind", "streams that kept all", "size", "IoU")
    rows = [
        (
            mark,
            *(f"{row[name]:.0%}" for name in ("objects_kept", "objects_shaped", "streams_kept")),
            f"x{row['size']:.2f}",
            *map(figure, (row["iou"], *row["iou_by_kind"].values(), row["corners"])),
        )
        for mark, row in marks.items()
    ]
    return table_lines((*head, *KINDS, "corners"), rows)
