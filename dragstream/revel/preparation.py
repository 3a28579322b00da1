"""A case with its past generated: the common start of all methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_int, check_positive
from dragstream.drags.documents import DocumentReader
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, targets
from dragstream.drags.reading import read_fields
from dragstream.drags.regions import warp
from dragstream.drags.shapes import Shape
from dragstream.drags.tracks import Tracks
from dragstream.metrics.objmc import latent_offsets
from dragstream.models.base import VideoModel
from dragstream.revel.cases import Case, Subject
from dragstream.revel.detection import detect
from dragstream.stream.records import Block, Mode
from dragstream.stream.stream import Stream

_VISIBLE = 0.9
"""A target counts as one where at least this share of the handle region lies in the frame."""


FORMAT = 1
MOST_FRAMES = 100_000
MOST_PIXELS = 2**25
_POINTS = 16
"""Points of each handle in the file of tracks."""
_FIELDS = ("format", "split", "height", "width", "frame_rate", "frames", "at", "case")


@dataclass(frozen=True, eq=False)
class VideoCommand:
    """The drags that a video should show, counted in its frames."""

    name: str  # name of the case
    drags: tuple[Drag, ...]  # the drags, in pixels
    at: tuple[int, ...]  # the video frame of each trajectory point; the handle lies on frame 0
    frames: int  # number of video frames, the handle's included. Of an edit 2: before and after
    size: tuple[int, int]  # height and width in pixels
    frame_rate: float  # video frames a second
    split: str = ""  # part of the data set, such as "public"; "" where there is none
    edit: bool = False  # true if the newest frame itself was changed
    keep: Shape | None = None  # the region that must not change, or None
    case: Case | None = None  # the case that it comes from; None for tracks from elsewhere

    def __post_init__(self) -> None:
        check_int(self.frames, "frames", least=2)
        if self.edit and self.frames != 2:
            raise ValueError(
                f"case {self.name!r} is an edit, of 2 frames, before and after; got {self.frames}"
            )
        if not self.drags:
            raise ValueError(f"case {self.name!r} has no drags")
        rising = list(self.at) == sorted(set(self.at))
        if not self.at or not rising or self.at[0] < 1 or self.at[-1] >= self.frames:
            raise ValueError(
                f"at must hold rising frames between 1 and {self.frames - 1}, got {list(self.at)}"
            )

    @classmethod
    def of(cls, case: Case, **counted: Any) -> VideoCommand:
        """The commands of a case, counted in the frames of a video."""
        edit = case.mode is Mode.EDIT
        return cls(case.name, case.drags, edit=edit, keep=case.keep, case=case, **counted)

    def measured(self, first_frame: NDArray[np.uint8]) -> tuple[Drag, ...]:
        """The motions that are measured: its drags, or with a camera one of each object."""
        return self.drags if self.case is None else measured_drags(self.case, first_frame)

    def commands(self, drag: Drag) -> list[Affine]:
        """The commanded map from rest of a drag at each trajectory point."""
        return [drag.motion.at(1.0)] if self.edit else targets(drag.motion, len(self.at))

    def tracks(self) -> Tracks:
        """Positions of points of each handle, in reading order, in each video frame.

        Between trajectory points positions are interpolated linearly.
        """
        paths = []
        for drag in self.drags:
            handle = np.argwhere(drag.mask(*self.size))[:, ::-1].astype(np.float64)
            chosen = np.linspace(0, len(handle) - 1, min(_POINTS, len(handle))).round().astype(int)
            rest = handle[np.unique(chosen)]
            paths.append(np.stack([rest, *(each.apply(rest) for each in self.commands(drag))]))
        known = np.concatenate(paths, axis=1)
        times = np.arange(self.frames, dtype=np.float64)
        along = np.interp(times, [0, *self.at], np.arange(len(known), dtype=np.float64))
        points = Tracks(known).resampled(along).points
        height, width = self.size
        seen = ((points >= -0.5) & (points < (width - 0.5, height - 0.5))).all(axis=2)
        return Tracks(points, np.asarray(seen), self.frame_rate)

    def to_json(self) -> dict[str, Any]:
        """A document of dicts, lists, strings and numbers."""
        if self.case is None:
            raise ValueError(f"{self.name!r} comes from tracks, not from a case")
        height, width = self.size
        return {
            "format": FORMAT,
            "split": self.split,
            "height": height,
            "width": width,
            "frame_rate": self.frame_rate,
            "frames": self.frames,
            "at": list(self.at),
            "case": self.case.to_json(),
        }

    @classmethod
    def from_json(
        cls, document: Mapping[str, Any], reader: DocumentReader | None = None
    ) -> VideoCommand:
        """The inverse of `to_json`; see `Case.from_json`."""
        read_fields(document, "a case", _FIELDS)
        frames = check_int(document["frames"], "frames", least=2)
        if frames > MOST_FRAMES:
            raise ValueError(f"frames must be at most {MOST_FRAMES}, got {frames}")
        sizes = [check_int(document[name], name, least=1) for name in ("height", "width")]
        if sizes[0] * sizes[1] > MOST_PIXELS:
            raise ValueError(f"a frame may have {MOST_PIXELS} pixels, got {sizes[1]} x {sizes[0]}")
        return cls.of(
            Case.from_json(document["case"], reader),
            split=str(document["split"]),
            at=tuple(check_int(each, "at", least=1) for each in document["at"]),
            frames=frames,
            size=(sizes[0], sizes[1]),
            frame_rate=check_positive(document["frame_rate"], "frame_rate"),
        )


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A case with its past generated."""

    case: Case
    stream: Stream  # at the moment of the drag; forked, never changed
    plain: tuple[Block, ...]  # the blocks without a drag, from the same noise

    @property
    def before(self) -> NDArray[np.uint8]:
        """The frame that the drag is drawn on, (H, W, 3)."""
        newest: NDArray[np.uint8] = self.stream.blocks[-1].frames[-1]
        return newest

    @cached_property
    def command(self) -> VideoCommand:
        """The commands for a video of the case: the drawn-on frame, then the new ones."""
        spec = self.stream.model.spec
        at: tuple[int, ...] = (1,)
        if self.case.mode is Mode.ANIMATE:
            first = self.stream.blocks[-1].latent_frames[-1]
            at = latent_offsets(spec.clock, first, self.case.blocks * spec.frames_per_block)
        height, width = self.before.shape[:2]
        frames, rate = 1 + len(self.new_frames(self.plain)), spec.clock.frame_rate
        counted = {"at": at, "frames": frames, "size": (height, width), "frame_rate": rate}
        return VideoCommand.of(self.case, **counted)

    @cached_property
    def measured(self) -> tuple[Drag, ...]:
        """The motions that are measured, see `measured_drags`."""
        return measured_drags(self.case, self.before)

    def film(self, blocks: Sequence[Block]) -> NDArray[np.uint8]:
        """The drawn-on frame, and the new ones of blocks."""
        return np.concatenate([self.before[None], self.new_frames(blocks)])

    def new_frames(self, blocks: Sequence[Block]) -> NDArray[np.uint8]:
        """The frames that the drag should show in: of an edit only the edited one."""
        frames = np.concatenate([block.frames for block in blocks])
        return frames[-1:] if self.case.mode is Mode.EDIT else frames

    @cached_property
    def subjects_before(self) -> NDArray[np.bool_]:
        """Pixels of the objects in the drawn-on frame and without a drag, bool (H, W)."""
        frames = [self.before, *self.new_frames(self.plain)]
        return silhouettes(frames, self.case.subjects)


def visible_targets(mask: NDArray[np.bool_], commands: Sequence[Affine]) -> list[int]:
    """The trajectory points at which a drag is measured: those with the target in the frame.

    All points, if the target is never in the frame.
    """
    least = _VISIBLE * float(mask.sum())
    seen = [index for index, each in enumerate(commands) if warp(mask, each).sum() >= least]
    return seen or list(range(len(commands)))


def measured_drags(case: Case, frame: NDArray[np.uint8]) -> tuple[Drag, ...]:
    """The motions of a case that are measured: its drags, or with a camera one of each subject.

    A case with a camera that names no subjects is measured by its drags.
    """
    if case.camera is None or not case.subjects:
        return case.drags
    found = []
    for subject in case.subjects:
        seen = detect(frame, subject.color, subject.kind)
        if seen is None:
            raise ValueError(f"case {case.name!r}: no {subject.color} {subject.kind} is seen")
        handles = ((drag, drag.mask(*seen.mask.shape)) for drag in case.drags[1:])
        own = next((drag for drag, mask in handles if (mask & seen.mask).any()), None)
        found.append(own or Drag(seen.mask, case.camera))
    return tuple(found)


def silhouettes(
    frames: Sequence[NDArray[np.uint8]], subjects: Sequence[Subject]
) -> NDArray[np.bool_]:
    """Union of the objects' silhouettes in all frames, bool (H, W)."""
    area = np.zeros(frames[0].shape[:2], bool)
    for frame in frames:
        for subject in subjects:
            seen = detect(frame, subject.color, subject.kind)
            if seen is not None:
                area |= seen.mask
    return area


def prepare(model: VideoModel, case: Case) -> PreparedCase:
    """Generate the past of a case."""
    if case.model != model.spec.name:
        raise ValueError(f"case {case.name!r} is of {case.model!r}, not of {model.spec.name!r}")
    image = None if case.start is None else case.start.image()
    stream = Stream(model, prompt=case.prompt, seed=case.seed, image=image)
    for earlier in case.past:
        _generate(stream, case, earlier.block)
        drags = list(earlier.drags)
        options: dict[str, Any] = {"keep": earlier.keep, "settings": earlier.settings}
        if earlier.mode is Mode.EDIT:
            stream.edit(drags, **options)
            continue
        stream.animate(drags, blocks=earlier.blocks, **options)
        if earlier.reaches < len(stream):
            stream.rewind(earlier.reaches)
    _generate(stream, case, case.block)
    return prepare_on(case, stream)


def prepare_on(case: Case, stream: Stream) -> PreparedCase:
    """Prepare a case on a stream that has the blocks before its drag."""
    if case.mode is Mode.EDIT:
        return PreparedCase(case, stream, (stream.blocks[-1],))
    branch = stream.fork()
    _generate(branch, case, case.block + case.blocks)
    return PreparedCase(case, stream, branch.blocks[case.block :])


def _generate(stream: Stream, case: Case, length: int) -> None:
    """Generate blocks up to a length, each under its caption, and set the caption of the next."""
    while True:
        texts = [text for place, text in case.prompts if place <= len(stream)]
        stream.prompt = texts[-1] if texts else case.prompt
        if len(stream) >= length:
            return
        stream.step()
