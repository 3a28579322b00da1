"""ObjMC of a video against a released label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dragstream.drags.labels import RELEASED_CLOCK, Label, Mode
from dragstream.metrics.objmc import ObjMC, latent_offsets, objmc
from dragstream.metrics.videos import read_video

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dragstream.drags.geometry import Affine, FrameClock
    from dragstream.metrics.trackers import Tracker

__all__ = ["LabelledObjMC", "measure_label"]


@dataclass(frozen=True)
class LabelledObjMC:
    """ObjMC of each drag of a label.

    Attributes:
        first_frame: the video's frame that the label lies on, where tracking starts.
        drags: one result a drag, in the label's order.
    """

    first_frame: int
    drags: tuple[ObjMC, ...]

    @property
    def mean(self) -> float:
        """Mean of the drags' ObjMC, pixels."""
        return float(np.mean([drag.mean for drag in self.drags]))

    @property
    def still(self) -> float:
        """The same of tracks that do not move, pixels."""
        return float(np.mean([drag.still for drag in self.drags]))

    @property
    def tracker(self) -> str:
        """The names of the trackers, each once."""
        return ", ".join(dict.fromkeys(drag.tracker for drag in self.drags))

    @property
    def coverage(self) -> float:
        """Mean share of points that were followed to the end."""
        return float(np.mean([drag.coverage for drag in self.drags]))

    def to_json(self) -> dict[str, object]:
        """Plain lists and numbers."""
        return {
            "mean": self.mean,
            "tracker": self.tracker,
            "still": self.still,
            "coverage": self.coverage,
            "first_frame": self.first_frame,
            "drags": [drag.to_json() for drag in self.drags],
        }


def measure_label(
    label: Label,
    video: str | Path,
    *,
    before: str | Path | None = None,
    first_frame: int | None = None,
    clock: FrameClock = RELEASED_CLOCK,
    tracker: Tracker | None = None,
    points: int = 256,
    seed: int = 0,
    within: float = 1.0,
    warn_below: float = 0.3,
) -> LabelledObjMC:
    """ObjMC of a video file against a label.

    An animation is followed through `video` from the labelled frame on; positions are read in the
    last video frame of each latent frame. An edit is followed from the labelled frame of `before`
    to the same frame of `video`.

    Args:
        label: see :func:`dragstream.drags.labels.read_label`.
        video: the video that was made under the label.
        before: the video before an edit; animations do not need it.
        first_frame: which frame of the files is the labelled one, counted from 0; None: the
            label's own number (12 b - 4 for block b of the released model).
        clock: latent to video frames of the model that made the video.
        tracker: None: what suits each drag (:func:`dragstream.metrics.trackers.suited`).
        points: how many points to scatter in each handle region, at most.
        seed: seed of the scattering.
        within: where in each latent frame's video frames positions are read: 0 its first, 1 its
            last.
        warn_below: a coverage below this share warns with
            :class:`~dragstream.metrics.objmc.LowCoverage`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the video is too short or of another size than the label's masks, or an edit
            lacks `before`.
        ImportError: OpenCV is not installed.
    """
    first = label.video_frame if first_frame is None else first_frame
    if first < 0:
        raise ValueError(f"first_frame must be at least 0, got {first}")
    if label.mode is Mode.EDIT:
        frames = _edited(label, before, video, first)
        at: tuple[int, ...] = (1,)
        commands: list[list[Affine] | None] = [[drag.motion.at(1.0)] for drag in label.drags]
    else:
        at = latent_offsets(clock, label.latent_frame, len(label.deltas[0]), within)
        frames = _frames(label, video, first, at[-1] + 1)
        commands = [None] * len(label.drags)
    results = [
        objmc(
            frames,
            drag,
            at=at,
            commands=command,
            tracker=tracker,
            points=points,
            seed=seed,
            warn_below=warn_below,
        )
        for drag, command in zip(label.drags, commands, strict=True)
    ]
    return LabelledObjMC(first, tuple(results))


def _edited(
    label: Label, before: str | Path | None, video: str | Path, first: int
) -> NDArray[np.uint8]:
    """The labelled frame before and after an edit, (2, H, W, 3)."""
    if before is None:
        raise ValueError(
            "an edit is measured from the frame before it to the frame after it: "
            "give the video before the edit as well"
        )
    return np.concatenate([_frames(label, file, first, 1) for file in (before, video)])


def _frames(label: Label, file: str | Path, first: int, count: int) -> NDArray[np.uint8]:
    try:
        frames = read_video(file, first, count)
    except ValueError as error:
        raise ValueError(
            f"{error} (the label lies on frame {first}; give first_frame (--first-frame) if this "
            "video starts elsewhere)"
        ) from error
    height, width = frames.shape[1:3]
    if (height, width) != (label.height, label.width):
        raise ValueError(
            f"{str(file)!r} is {width}x{height}, but the label was drawn on "
            f"{label.width}x{label.height}: scale the video to the label's size first, as with "
            f"ffmpeg -i {file} -vf scale={label.width}:{label.height} scaled.mp4"
        )
    return frames
