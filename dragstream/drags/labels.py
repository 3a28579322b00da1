"""Reads the label folders that the DragStream authors release.

A label is `block_<b>_<Drag or Animation>_trajectory.json` beside its masks. It refers to the
newest frame before block b; "Drag" edits that frame, "Animation" drives the blocks from b on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from os import PathLike
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from dragstream.drags.checks import Point, check_finite, check_int, check_point, short_repr
from dragstream.drags.documents import from_json, to_json
from dragstream.drags.files import expanded
from dragstream.drags.geometry import FrameClock
from dragstream.drags.mask_files import MaskReader
from dragstream.drags.motions import Drag, Motion, Rotation, Translation
from dragstream.drags.reading import Budget, located
from dragstream.drags.shapes import Mask

__all__ = ["RELEASED_CLOCK", "Label", "Mode", "from_json", "read_label", "read_labels", "to_json"]

RELEASED_CLOCK = FrameClock(temporal_factor=4, frame_rate=16.0)
"""Latent to video frames of the model of the released labels."""

RELEASED_FRAMES_PER_BLOCK = 3
"""Latent frames a block of that model."""

LARGEST_FILE = 2**24  # bytes of a label's JSON
LONGEST_NAME = 256  # of a mask
MOST_TARGETS = 2**14  # of all trajectories
MOST_TRAJECTORIES = 256

_NAME = re.compile(r"block_(\d{1,6})_(Drag|Animation)_trajectory\.json")

Delta = Point | float


class Mode(Enum):
    """The kind of a label, by its name in the released files."""

    EDIT = "Drag"
    ANIMATE = "Animation"


@dataclass(frozen=True)
class Label:
    """One released label.

    Attributes:
        block: The block that follows the labelled frame, counted from 0.
        mode: `EDIT` for the labelled frame, `ANIMATE` for the blocks from `block` on.
        blocks: Number of blocks that the drags last (1 for an edit).
        prompt: The caption.
        drags: One for each trajectory; their motions pass exactly through `deltas`, one latent
            frame after the other. Edit with `drag.motion.at(1)`.
        keep: All pixels outside the movable area and the handles; None if none are kept.
        deltas: For each trajectory its targets as stored, one for each new latent frame of all
            blocks: displacements (x, y) in pixels or angles in degrees (clockwise on screen),
            all relative to the labelled frame.
        height: Of the video frame in pixels.
        width: Of the video frame in pixels.
        latent_frame: The labelled latent frame, the last one before `block`.
        video_frame: The labelled video frame, counted from 0: 12 block - 4 for the released model.
        start_frame: The first video frame of `block`: 12 block - 3.
    """

    block: int
    mode: Mode
    blocks: int
    prompt: str
    drags: tuple[Drag, ...]
    keep: Mask | None
    deltas: tuple[tuple[Delta, ...], ...]
    height: int
    width: int
    latent_frame: int
    video_frame: int
    start_frame: int


def read_label(
    folder: str | PathLike[str],
    *,
    clock: FrameClock = RELEASED_CLOCK,
    frames_per_block: int = RELEASED_FRAMES_PER_BLOCK,
) -> Label:
    """The label of a folder that holds one, or of a label's JSON file.

    Args:
        folder: The folder, or the `block_<b>_<mode>_trajectory.json` itself.
        clock: Latent to video frames of the model that the label was drawn for.
        frames_per_block: Latent frames a block of that model.

    Raises:
        FileNotFoundError: There is no such folder or file.
        ValueError: The folder holds no label or several, or the file is damaged or no label. The
            message names the file and the fault.
    """
    place = expanded(folder, "folder")
    if not place.exists():
        raise FileNotFoundError(f"there is no label folder or file {str(place)!r}")
    found = _label_files(place) if place.is_dir() else [place]
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise ValueError(
            f"{place} should hold one label, found {names}: name one of the files "
            "(read_labels reads them all)"
        )
    return LabelReader(clock, frames_per_block).read(found[0])


def read_labels(
    folder: str | PathLike[str],
    *,
    clock: FrameClock = RELEASED_CLOCK,
    frames_per_block: int = RELEASED_FRAMES_PER_BLOCK,
) -> tuple[Label, ...]:
    """All labels of a folder, by block, edits before animations; errors as of `read_label`.

    Args:
        folder: The folder.
        clock: Latent to video frames of the model that the labels were drawn for.
        frames_per_block: Latent frames a block of that model.
    """
    return LabelReader(clock, frames_per_block).read_folder(expanded(folder, "folder"))


def is_label(file: FilePath) -> bool:
    """True if a file has the name of a released label."""
    return _NAME.fullmatch(file.name) is not None


def _label_files(folder: FilePath) -> list[FilePath]:
    names = [file.name for file in folder.iterdir()]
    matches = [match for name in names if (match := _NAME.fullmatch(name))]
    matches.sort(key=lambda match: (int(match[1]), match[2] == Mode.ANIMATE.value))
    return [folder / match[0] for match in matches]


class LabelReader:
    """Reads labels that were drawn for one model, within one budget for their masks."""

    def __init__(
        self,
        clock: FrameClock = RELEASED_CLOCK,
        frames_per_block: int = RELEASED_FRAMES_PER_BLOCK,
    ) -> None:
        self._clock = clock
        self._frames_per_block = check_int(frames_per_block, "frames_per_block", least=1)
        self._masks = MaskReader()

    def read_folder(self, place: FilePath) -> tuple[Label, ...]:
        """Read all labels of a folder, see `read_labels`."""
        found = _label_files(place)
        if not found:
            raise ValueError(
                f"{place} holds no label: no block_<b>_<Drag or Animation>_trajectory.json"
            )
        return tuple(map(self.read, found))

    def read(self, file: FilePath) -> Label:
        """Read the label of a JSON file."""
        name = _NAME.fullmatch(file.name)
        if not name:
            raise ValueError(
                f"{file.name!r} is no label: they are called block_<b>_<Drag or Animation>"
                "_trajectory.json"
            )
        block, mode = int(name[1]), Mode(name[2])
        with located(str(file)):
            stored = load_json(file)
            if block == 0:
                raise ValueError("a label of block 0 has no frame before it to be drawn on")
            chosen = _field(stored, "label", "drag_or_animation_select", str)
            if chosen != mode.value:
                raise ValueError(
                    f"drag_or_animation_select is {short_repr(chosen)}, "
                    f"the file's name says {mode.value!r}"
                )
            return self._label(stored, file.parent, block, mode)

    def _label(self, stored: Mapping[str, Any], folder: FilePath, block: int, mode: Mode) -> Label:
        blocks = check_int(_field(stored, "label", "block_number", int), "block_number", least=1)
        trajectories = _field(stored, "label", "trajectories", list)
        if len(trajectories) > MOST_TRAJECTORIES:
            raise ValueError(
                f"trajectories may be at most {MOST_TRAJECTORIES}, got {len(trajectories)}"
            )
        budget = Budget(targets=MOST_TARGETS)
        drags, handles, deltas = [], [], []
        for index, trajectory in enumerate(trajectories):
            where = f"trajectories[{index}]"
            targets, motion = _motion(trajectory, where, budget)
            if mode is Mode.ANIMATE:
                self._check_counts(trajectory["block_trajectories"], where, blocks)
            name = _field(trajectory, where, "mask_file", str)
            handle = self._mask(folder, name, f"{where}.mask_file")
            if not handle.array.any():
                raise ValueError(f"{where}.mask_file: the handle has no pixel")
            drags.append(Drag(handle, motion))
            handles.append(handle)
            deltas.append(targets)
        height, width = handles[0].array.shape
        latent_frame = self._frames_per_block * block - 1
        return Label(
            block=block,
            mode=mode,
            blocks=blocks,
            prompt=_field(stored, "label", "prompt", str),
            drags=tuple(drags),
            keep=self._keep(stored, folder, handles),
            deltas=tuple(deltas),
            height=height,
            width=width,
            latent_frame=latent_frame,
            video_frame=self._clock.last(latent_frame),
            start_frame=self._clock.start(latent_frame + 1),
        )

    def _check_counts(self, parts: Sequence[Any], where: str, blocks: int) -> None:
        if len(parts) != blocks:
            raise ValueError(
                f"{where}.block_trajectories holds {len(parts)} blocks, block_number is {blocks}"
            )
        for index, part in enumerate(parts):
            if len(part["deltas"]) != self._frames_per_block:
                raise ValueError(
                    f"{where}.block_trajectories[{index}].deltas must hold "
                    f"{self._frames_per_block} targets, one for each latent frame of the block, "
                    f"got {len(part['deltas'])}"
                )

    def _keep(
        self, stored: Mapping[str, Any], folder: FilePath, handles: Sequence[Mask]
    ) -> Mask | None:
        """The pixels that are neither movable nor of a handle; None if there are none."""
        masks = {f"trajectories[{n}].mask_file": mask for n, mask in enumerate(handles)}
        name = "movable_area_mask_file"
        whole = stored.get(name) is None
        if not whole:
            masks[name] = self._mask(folder, _field(stored, "label", name, str), name)
        shape = handles[0].array.shape
        for where, mask in masks.items():
            if mask.array.shape != shape:
                raise ValueError(
                    f"{where} has shape {mask.array.shape}, that of trajectories[0] has {shape}"
                )
        # A handle moves, so it is movable even outside the painted movable area.
        kept = ~np.any([mask.array for mask in masks.values()], axis=0)
        return Mask(kept) if kept.any() and not whole else None

    def _mask(self, folder: FilePath, name: str, where: str) -> Mask:
        """A mask of the label's folder."""
        file = folder / name
        inside = FilePath(name).name == name and "\0" not in name and len(name) < LONGEST_NAME
        if not inside or file.resolve().parent != folder.resolve():
            raise ValueError(
                f"{where} must name a file in the label's folder, got {short_repr(name)}"
            )
        if not file.is_file():
            raise ValueError(f"{where}: there is no file {name!r} in the label's folder")
        with located(where):
            return self._masks.read(file)


def _motion(trajectory: object, where: str, budget: Budget) -> tuple[tuple[Delta, ...], Motion]:
    """The targets of a trajectory as stored, and the motion through them."""
    parts = _field(trajectory, where, "block_trajectories", list)
    turning = {_field(part, f"{where}.block_trajectories", "is_rotation", bool) for part in parts}
    if len(turning) > 1:
        raise ValueError(f"{where}: is_rotation differs between its blocks")
    read = check_finite if turning == {True} else check_point
    deltas: list[Any] = []
    for index, part in enumerate(parts):
        here = f"{where}.block_trajectories[{index}]"
        stored = _field(part, here, "deltas", list)
        budget.spend("targets", len(stored), here)
        with located(here):
            deltas += [read(delta, f"deltas[{n}]") for n, delta in enumerate(stored)]
    start = _shared(parts, where, "start_point")
    with located(where):
        if turning == {True}:
            motion: Motion = _rotation(_center(trajectory, parts, where), deltas)
        else:
            motion = Translation.through(deltas, start)
    return tuple(deltas), motion


def _rotation(center: Point, degrees: list[float]) -> Rotation:
    angles = [0.0, *degrees]
    if all(abs(angle) <= 180 for angle in angles):
        # Stored angles wrap at half a turn; the object turns on.
        angles = list(accumulate(angles, lambda at, to: to + 360 * round((at - to) / 360)))
    return Rotation(center, tuple(angles), frames=tuple(range(len(angles))))


def _center(trajectory: object, parts: list[Any], where: str) -> Point:
    """The centre of rotation of all blocks; older labels have it only as points[0]."""
    if any("rotation_center" in part for part in parts):
        return _shared(parts, where, "rotation_center")
    original = _field(trajectory, where, "original_trajectory", dict)
    points = _field(original, f"{where}.original_trajectory", "points", list)
    if len(points) < 2:
        raise ValueError(f"{where}: a rotation needs points[0], its centre, and points[1], its arm")
    return check_point(points[0], f"{where}.original_trajectory.points[0]")


def _shared(parts: list[Any], where: str, name: str) -> Point:
    """The common value of a point in all blocks of a trajectory."""
    found = []
    for index, part in enumerate(parts):
        here = f"{where}.block_trajectories[{index}]"
        with located(here):
            found.append(check_point(_field(part, here, name, list), name))
    if len(set(found)) > 1:
        raise ValueError(f"{where}: {name} differs between its blocks: {short_repr(found)}")
    return found[0]


def load_json(file: FilePath) -> Any:
    """The contents of a JSON file of at most `LARGEST_FILE` bytes."""
    if file.stat().st_size > LARGEST_FILE:
        raise ValueError(f"it may have at most {LARGEST_FILE} bytes")
    with located("not JSON", ValueError, RecursionError):
        return json.loads(file.read_bytes())


def _field(value: object, where: str, name: str, kind: type) -> Any:
    """A required field of the right kind; lists are not empty."""
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be an object, got {short_repr(value)}")  # noqa: TRY004
    if name not in value:
        raise ValueError(f"{where} lacks {name!r}; is it a DragStream label?")
    found = value[name]
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise ValueError(
            f"{where}: {name} must be of type {kind.__name__}, got {short_repr(found)}"
        )
    if found == []:
        raise ValueError(f"{where}: {name} is empty")
    return found
