"""ObjMC of a video against a released label; the label's videos by their names.

```
saved_labels/…/NAME/block_3_Drag_trajectory.json      a label of block 3
outputs-editing/…/NAME/block_0_3.mp4                  blocks 0 to 2, before the drag
outputs-editing/…/NAME/block_0_3_Drag_3.mp4           the same with the drag
outputs-editing/…/NAME/block_3_Drag_3.mp4             only the blocks that the drag made
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.geometry import FrameClock
from dragstream.drags.labels import RELEASED_CLOCK, RELEASED_FRAMES_PER_BLOCK, Label, Mode
from dragstream.metrics.objmc import ObjMC, ObjMCOptions, json_number, latent_offsets, objmc
from dragstream.metrics.videos import read_frames, read_video

_LABELS, _OUTPUTS = "saved_labels", "outputs-editing"
_PART = re.compile(r"(?:after_)?block_(\d+)_(Drag|Animation)_\d+")


@dataclass(frozen=True)
class LabelledObjMC:
    """ObjMC of each drag of a label.

    Attributes:
        first_frame: the video's frame that the label lies on, where tracking starts; the drags'
            `frames` count from it. -1: the label lies on the frame before the video's first.
        drags: one result a drag, in the label's order.
    """

    first_frame: int
    drags: tuple[ObjMC, ...]

    @property
    def mean(self) -> float:
        """Mean of the drags' ObjMC, pixels; NaN where one of them has no figure."""
        return self._mean("mean")

    @property
    def mean_position(self) -> float:
        """The same by the paper's definition, of the points' mean position, pixels."""
        return self._mean("mean_position")

    @property
    def point_by_point(self) -> float:
        """The same of each point against its own target, pixels."""
        return self._mean("point_by_point")

    @property
    def still(self) -> float:
        """The same of tracks that do not move, pixels."""
        return self._mean("still")

    @property
    def tracker(self) -> str:
        """The names of the trackers, each once."""
        return ", ".join(dict.fromkeys(drag.tracker for drag in self.drags))

    @property
    def coverage(self) -> float:
        """Mean share of points that were followed to the end."""
        return self._mean("coverage")

    def _mean(self, name: str) -> float:
        return float(np.mean([getattr(drag, name) for drag in self.drags]))

    def to_json(self) -> dict[str, object]:
        """Plain lists and numbers; None where there is no figure."""
        measured = ("mean", "mean_position", "point_by_point", "still", "coverage")
        return {
            **{name: json_number(self._mean(name)) for name in measured},
            "tracker": self.tracker,
            "first_frame": self.first_frame,
            "drags": [drag.to_json() for drag in self.drags],
        }


def measure_label(
    label: Label,
    video: str | Path,
    *,
    before: str | Path | None = None,
    handle_frame: str | Path | None = None,
    first_frame: int | None = None,
    before_frame: int | None = None,
    clock: FrameClock = RELEASED_CLOCK,
    frames_per_block: int = RELEASED_FRAMES_PER_BLOCK,
    **options: Unpack[ObjMCOptions],
) -> LabelledObjMC:
    """ObjMC of a video file against a label.

    An animation is followed through `video` from the labelled frame on; positions are read in the
    last video frame of each latent frame. An edit is followed from the labelled frame of `before`
    to the same frame of `video`, in one step. Where that gives no figure, and both videos share
    the blocks before the edited one, it is followed back through them and forward again.

    Args:
        label: see :func:`dragstream.drags.labels.read_label`.
        video: the video that was made under the label, whole or only the blocks that it made.
        before: the video before the label's block, up to the labelled frame or longer, or a
            picture of that frame.
        handle_frame: a picture of the labelled frame, before an edit, or for a video that begins
            after it.
        first_frame: number of the labelled frame in `video`, from 0; None: the label's own (12 b
            - 4 for block b of the released model); of an edited block alone, its last.
        before_frame: the same of `before`; None: the label's own, or the last of a shorter one.
        clock: latent to video frames of the model that made the video.
        frames_per_block: latent frames a block of that model.
        **options: of :func:`dragstream.metrics.objmc.objmc`, for each drag.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the video is too short or of another size than the label's masks, or an edit
            lacks `before` and `handle_frame`.
        ImportError: OpenCV is not installed.
    """
    for name, value in (("first_frame", first_frame), ("before_frame", before_frame)):
        if value is not None and value < 0:
            raise ValueError(f"{name} must be at least 0, got {value}")

    measure = partial(objmc, **options)
    past = _Past(label, before, handle_frame, before_frame)
    if label.mode is Mode.EDIT:
        block = label.latent_frame - frames_per_block + 1  # its first latent frame
        length = label.video_frame - clock.start(block) + 1
        return _measure_edit(label, Path(video), past, first_frame, length, measure)
    at = latent_offsets(clock, label.latent_frame, len(label.deltas[0]))
    first, frames = _animated(label, Path(video), past, first_frame, at[-1])
    return LabelledObjMC(first, tuple(measure(frames, drag, at=at) for drag in label.drags))


@dataclass(frozen=True)
class _Past:
    """The files of the labelled frame and of the frames before it."""

    label: Label
    before: str | Path | None
    picture: str | Path | None
    number: int | None

    def frames(self, count: int = 1) -> NDArray[np.uint8] | None:
        """The labelled frame and up to `count` - 1 frames before it; None where nothing is given.

        A picture is one frame.
        """
        if self.picture is not None:
            found = read_frames(self.picture)
            if len(found) != 1:
                raise ValueError(
                    f"{str(self.picture)!r} holds {len(found)} frames: --handle-frame takes a "
                    "picture, --before a video"
                )
            return _sized(self.label, self.picture, found)
        if self.before is None:
            return None
        last = self.label.video_frame if self.number is None else self.number
        start = max(0, last - count + 1)
        try:
            found = read_video(self.before, start, last - start + 1)
        except ValueError:
            if self.number is not None:
                raise
            # It is shorter: the label was drawn on its newest frame.
            found = read_frames(self.before)[-count:]
        return _sized(self.label, self.before, found)


def _measure_edit(  # noqa: PLR0917
    label: Label,
    video: Path,
    past: _Past,
    first_frame: int | None,
    length: int,
    measure: Callable[..., ObjMC],
) -> LabelledObjMC:
    """An edit of a block of `length` video frames, in one step or through the shared past."""
    earlier = past.frames(length + 1)
    if earlier is None:
        raise ValueError(
            "an edit is measured from the frame before it to the frame after it: give the video "
            "before the edit (--before VIDEO) or the frame (--handle-frame PICTURE) as well"
        )
    first, later = _edited(label, video, first_frame, length)
    results = []
    for drag in label.drags:
        command = [drag.motion.at(1.0)]
        around = np.stack([earlier[-1], later[-1]])
        result = measure(around, drag, at=(1,), commands=command)
        if not result.measured and len(earlier) > length <= len(later):
            around = np.concatenate([earlier[::-1], later])
            chained = measure(around, drag, at=(len(around) - 1,), commands=command)
            result = replace(chained, tracker=f"{chained.tracker} through the shared past")
        results.append(replace(result, frames=(0,)))
    return LabelledObjMC(first, tuple(results))


def _edited(
    label: Label, video: Path, first_frame: int | None, length: int
) -> tuple[int, NDArray[np.uint8]]:
    """The labelled frame's number in an edited video, and the edited block's frames up to it."""
    first = label.video_frame if first_frame is None else first_frame
    start = max(0, first - length + 1)
    try:
        return first, _read(label, video, start, first - start + 1, first)
    except ValueError:
        if first_frame is not None:
            raise
        found = read_frames(video)
        if len(found) not in {1, length}:
            raise
    return len(found) - 1, _sized(label, video, found)


def _animated(
    label: Label, video: Path, past: _Past, first_frame: int | None, count: int
) -> tuple[int, NDArray[np.uint8]]:
    """The labelled frame's number in an animated video, and the frames from it on."""
    if past.picture is not None and first_frame is not None:
        raise ValueError(
            f"a video that begins after the labelled frame (--handle-frame) does not hold it, so "
            f"first_frame (--first-frame) must not be given, got {first_frame}"
        )
    handle = past.frames() if first_frame is None else None
    if past.picture is None and handle is not None and not _continues(label, video, past, count):
        handle = None
    if handle is not None:
        return -1, np.concatenate([handle, _read(label, video, 0, count, -1)])
    if lacks_past(video) and first_frame is None:
        raise ValueError(
            f"{video.name!r} begins after the labelled frame, by its name: give that frame "
            "(--handle-frame PICTURE) or the video before it (--before VIDEO)"
        )
    first = label.video_frame if first_frame is None else first_frame
    return first, _read(label, video, first, count + 1, first)


def _continues(label: Label, video: Path, past: _Past, count: int) -> bool:
    """True if an animated video begins at the end of `before`, not at its beginning."""
    if lacks_past(video):
        return True
    try:
        read_video(video, label.video_frame + count, 1)
    except ValueError:
        return True  # it cannot hold both the past and the label's animation
    frames = past.frames(label.video_frame + 1)
    if frames is None or len(frames) < 2:
        return False
    begin = read_video(video, 0, 1)[0].astype(np.int16)
    oldest, labelled = (float(np.abs(begin - frame).mean()) for frame in (frames[0], frames[-1]))
    return labelled < oldest


def _read(label: Label, file: str | Path, start: int, count: int, first: int) -> NDArray[np.uint8]:
    """Frames of a video on whose frame `first` the label lies (-1: on the one before it)."""
    try:
        frames = read_video(file, start, count)
    except ValueError as error:
        where = f"frame {first}" if first >= 0 else "the frame before it"
        raise ValueError(
            f"{error} (the label lies on {where}; give first_frame (--first-frame) if this video "
            "starts elsewhere, or the labelled frame (--handle-frame PICTURE, or --before VIDEO) "
            "if it starts after it)"
        ) from error
    return _sized(label, file, frames)


def _sized(label: Label, file: object, frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = frames.shape[1:3]
    if (height, width) != (label.height, label.width):
        raise ValueError(
            f"{str(file)!r} is {width}x{height}, but the label was drawn on "
            f"{label.width}x{label.height}: scale it to the label's size first, as with "
            f"ffmpeg -i {file} -vf scale={label.width}:{label.height} scaled.mp4"
        )
    return frames


def find_before(label: Label, *places: Path) -> Path | None:
    """The video before the label's block, in the first of some folders that holds one."""
    return _find(re.compile(rf"(?:before_)?block_\d+_{label.block}"), places)


def find_video(label: Label, *places: Path) -> Path | None:
    """The whole video that was made under the label, found as `find_before` finds its past."""
    name = rf"(?:after_)?block_\d+_{label.block}_{label.mode.value}_\d+"
    return _find(re.compile(name), places)


def lacks_past(video: Path) -> bool:
    """True if a video, by its name, holds only the blocks that a drag made."""
    return _PART.fullmatch(video.stem) is not None


def _find(name: re.Pattern[str], places: tuple[Path, ...]) -> Path | None:
    for folder in dict.fromkeys(_folders(places)):
        found = sorted(file for file in folder.glob("*.mp4") if name.fullmatch(file.stem))
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            raise ValueError(f"{folder} holds several such videos ({names}): name one of them")
        if found:
            return found[0]
    return None


def _folders(places: tuple[Path, ...]) -> Iterator[Path]:
    for place in places:
        folder = place if place.is_dir() else place.parent
        yield folder
        parts = folder.resolve().parts
        if _LABELS in parts:
            yield Path(*(_OUTPUTS if part == _LABELS else part for part in parts))
