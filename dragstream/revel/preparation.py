"""A case with its past generated: the common start of all methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, targets
from dragstream.drags.regions import warp
from dragstream.metrics.objmc import latent_offsets
from dragstream.models.base import VideoModel
from dragstream.revel.cases import Case, Subject
from dragstream.revel.detection import detect
from dragstream.stream.records import Block, Mode
from dragstream.stream.stream import Stream

_VISIBLE = 0.9
"""A target counts as one where at least this share of the handle region lies in the frame."""


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

    @property
    def offsets(self) -> tuple[int, ...]:
        """Per trajectory point, its video frame among the new ones, counted from 1."""
        if self.case.mode is Mode.EDIT:
            return (1,)
        spec = self.stream.model.spec
        first = self.stream.blocks[-1].latent_frames[-1]
        return latent_offsets(spec.clock, first, self.case.blocks * spec.frames_per_block)

    @cached_property
    def measured(self) -> tuple[Drag, ...]:
        """The motions that are measured, see `measured_drags`."""
        return measured_drags(self.case, self.before)

    def commands(self, drag: Drag) -> list[Affine]:
        """Commanded maps of a drag at each trajectory point."""
        if self.case.mode is Mode.EDIT:
            return [drag.motion.at(1.0)]
        return targets(drag.motion, len(self.offsets))

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
    """The trajectory points at which a drag's target can be seen: where it is measured.

    An object that is led out of the frame and back can be found before and after. Where it
    is never to be seen, all points count.
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
    """Make the past of a case again."""
    if case.model != model.spec.name:
        raise ValueError(f"case {case.name!r} is of {case.model!r}, not of {model.spec.name!r}")
    image = None if case.start is None else case.start.image()
    stream = Stream(model, prompt=case.prompt, seed=case.seed, image=image)
    for act in case.past:
        _grow(stream, case, act.block)
        drags = list(act.drags)
        if act.mode is Mode.EDIT:
            stream.edit(drags, keep=act.keep, settings=act.settings)
            continue
        stream.animate(drags, blocks=act.blocks, keep=act.keep, settings=act.settings)
        if act.reaches < len(stream):
            stream.rewind(act.reaches)
    _grow(stream, case, case.block)
    return prepare_on(case, stream)


def prepare_on(case: Case, stream: Stream) -> PreparedCase:
    """A case on a stream that is at the moment of its drag."""
    if case.mode is Mode.EDIT:
        return PreparedCase(case, stream, (stream.blocks[-1],))
    branch = stream.fork()
    _grow(branch, case, case.block + case.blocks)
    return PreparedCase(case, stream, branch.blocks[case.block :])


def _grow(stream: Stream, case: Case, length: int) -> None:
    """Generate up to so many blocks, each under its caption, and set that of what comes next."""
    while True:
        texts = [text for place, text in case.prompts if place <= len(stream)]
        stream.prompt = texts[-1] if texts else case.prompt
        if len(stream) >= length:
            return
        stream.step()
