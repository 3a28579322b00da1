"""Captions alone: objects that a model makes of them, and clips beside rendered ones.

The same is read from the renderer's clips of these held-out scenes: no reading is perfect, and a
caption only biases the motion. Frechet distances are of moments of the model's latents, so they
compare under the same autoencoder only; that of two rendered sets is the lower bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import trange

from dragstream.drags.checks import check_int
from dragstream.metrics.frechet import Frechet, frechet_distance
from dragstream.models.base import VideoModel
from dragstream.models.playground import world
from dragstream.models.playground.captions import caption
from dragstream.revel.cases import RenderedStart, Subject
from dragstream.revel.detection import detect, kind_of
from dragstream.revel.pages import table_lines
from dragstream.revel.scenes import check_world, subjects_of
from dragstream.stream.production import VideoEncoder
from dragstream.stream.stream import Stream

_STILL = 2.7
"""Slower objects rest, in pixels a frame: a third of the captions' speed."""
_SHARES = ("color", "kind", "motion")
_WAYS = {
    "slides left": (-1.0, 0.0),
    "slides right": (1.0, 0.0),
    "slides up": (0.0, -1.0),
    "slides down": (0.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class ClipPair:
    """A held-out scene as a model makes it from the caption alone, and as it is rendered."""

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
    """Run streams from captions alone, and read each object in both clips of each scene.

    Args and errors are those of `clip_pairs`.
    """
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
        kind=max(set(votes), key=votes.count) if votes else None,
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

    Returns:
        For "model" and "renderer": "color", "kind" and "motion", the last over the objects that
        have a direction in the caption (NaN if none has), and "objects", their number.
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
