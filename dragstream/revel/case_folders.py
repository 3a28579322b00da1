"""Folders of cases as files: what a video should show, so that any program can make and score it.

```
NAME/case.json          the drags, and the frames of a video at which they are measured
NAME/first_frame.png    the frame that the drags are drawn on: frame 0 of each video
NAME/tracks.npz         where the handles should be in each frame, as `tracks` and `visibility`
NAME/mask_0.png         the region of each drag, white
NAME/keep.png           the region that must not change, where there is one
NAME/METHOD.mp4         videos, in runs and for scoring
```

`case.json` alone tells everything; the other files hold the same for programs that read no drags.
A folder from elsewhere may have tracks (`read_tracks`) and masks in place of `case.json`.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import check_int, check_positive, short_repr, truncate
from dragstream.drags.documents import DocumentReader
from dragstream.drags.files import replacing
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, targets
from dragstream.drags.regions import rasterise
from dragstream.drags.shapes import Shape
from dragstream.drags.tracks import Tracks
from dragstream.metrics.videos import read_video
from dragstream.revel.cases import Case, check_fields
from dragstream.revel.methods import BASELINE
from dragstream.revel.preparation import PreparedCase
from dragstream.stream.mp4 import encode_mp4
from dragstream.stream.records import Mode

FORMAT = 1
CASE = "case.json"
FIRST_FRAME = "first_frame.png"
MOST_FRAMES = 100_000
MOST_PIXELS = 2**25
LARGEST_JSON = 2**25  # bytes of a document, or of a line
_POINTS = 16
"""Points of each handle in the file of tracks."""
BROKEN = (AttributeError, LookupError, OverflowError, RecursionError, TypeError, ValueError)
"""Errors that reading a damaged document may raise."""
_FIELDS = {"format", "split", "height", "width", "frame_rate", "frames", "at", "case"}


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
        check_fields(document, _FIELDS, "a case")
        frames = check_int(document["frames"], "frames", least=2)
        if frames > MOST_FRAMES:
            raise ValueError(f"frames must be at most {MOST_FRAMES}, got {frames}")
        sizes = [check_int(document[name], name, least=1) for name in ("height", "width")]
        if sizes[0] * sizes[1] > MOST_PIXELS:
            raise ValueError(f"a frame may have {MOST_PIXELS} pixels, got {sizes[1]} x {sizes[0]}")
        return _of(
            Case.from_json(document["case"], reader),
            str(document["split"]),
            at=tuple(check_int(each, "at", least=1) for each in document["at"]),
            frames=frames,
            size=(sizes[0], sizes[1]),
            frame_rate=check_positive(document["frame_rate"], "frame_rate"),
        )


def _of(case: Case, split: str, **counted: Any) -> VideoCommand:
    edit = case.mode is Mode.EDIT
    given = {"edit": edit, "keep": case.keep, "case": case, "split": split, **counted}
    return VideoCommand(case.name, case.drags, **given)


def video_command(prepared: PreparedCase, split: str = "") -> VideoCommand:
    """The commands for a video of a prepared case: the drawn-on frame, then the new ones."""
    frames = 1 + len(prepared.new_frames(prepared.plain))
    height, width = prepared.before.shape[:2]
    rate = prepared.stream.model.spec.clock.frame_rate
    counted = {"at": prepared.offsets, "frames": frames, "size": (height, width)}
    return _of(prepared.case, split, **counted, frame_rate=rate)


def case_files(command: VideoCommand, first_frame: NDArray[np.uint8]) -> dict[str, bytes]:
    """The files of a case, without videos, by name."""
    tracks = command.tracks()
    stored = io.BytesIO()
    # An archive of numpy holds no date, so the same case has the same checksum.
    np.savez(stored, tracks=tracks.points.astype(np.float32), visibility=tracks.visible)
    text = json.dumps(command.to_json(), indent=1) + "\n"
    files = {CASE: text.encode(), FIRST_FRAME: _png(first_frame), "tracks.npz": stored.getvalue()}
    for number, drag in enumerate(command.drags):
        files[f"mask_{number}.png"] = _png(drag.mask(*command.size))
    if command.keep is not None:
        files["keep.png"] = _png(rasterise(command.keep, *command.size))
    return files


def _png(pixels: NDArray[Any]) -> bytes:
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, "PNG", optimize=True)
    return stored.getvalue()


def read_document(file: Path, number: int, what: str) -> dict[str, Any]:
    """A JSON object of a format; errors name the file."""
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {str(file)!r}")
    if file.stat().st_size > LARGEST_JSON:
        raise ValueError(f"{file}: at most {LARGEST_JSON} bytes are read")
    try:
        found = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(truncate(f"{file} is damaged: {error}")) from error
    if not isinstance(found, dict) or found.get("format") != number:
        raise ValueError(f"{file}: {what} of format {number} is expected, got {short_repr(found)}")
    return found


def read_command(file: Path, reader: DocumentReader | None = None) -> VideoCommand:
    """Read a `case.json`; those of one folder share a reader (`case_reader`)."""
    document = read_document(file, FORMAT, "a case")
    try:
        return VideoCommand.from_json(document, reader)
    except BROKEN as error:
        raise ValueError(f"{file}: {truncate(str(error) or type(error).__name__)}") from error


def file_name(name: str) -> str:
    """A name as a file's: what could lead elsewhere is percent-encoded (`unquote` undoes it)."""
    text = quote(name, safe=" =,+()")
    return text.replace(".", "%2E", 1) if text.startswith(".") else text


def command_folders(root: Path) -> Sequence[Path]:
    """The folders at or below `root` that hold a `case.json`, by name."""
    return sorted(file.parent for file in root.rglob(CASE))


FILMS = "films"


@dataclass(frozen=True)
class CaseFilms:
    """The files of a case with its films."""

    case: str  # name of the case
    files: Mapping[str, bytes]  # contents by file name


def make_films(
    prepared: PreparedCase, frames: Mapping[str, NDArray[np.uint8]], split: str
) -> CaseFilms:
    """The films of a case, that without a drag among them."""
    command = video_command(prepared, split)
    files = case_files(command, prepared.before)
    for name, new in {**frames, BASELINE: prepared.new_frames(prepared.plain)}.items():
        film = np.concatenate([prepared.before[None], new])
        files[f"{file_name(name)}.mp4"] = _mp4(film, command.frame_rate)
    return CaseFilms(command.name, files)


def _mp4(frames: NDArray[np.uint8], frame_rate: float) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "film.mp4"
        encode_mp4(frames, file, frame_rate)
        return file.read_bytes()


def film_folder(run: Path, case: str) -> Path:
    """The folder of a case's films in a run's folder."""
    return run / FILMS / file_name(case)


def has_film(run: Path, case: str, method: str) -> bool:
    """True if a run's folder holds the film of a method."""
    folder = film_folder(run, case)
    return (folder / CASE).is_file() and (folder / f"{file_name(method)}.mp4").is_file()


def store_films(run: Path, films: CaseFilms) -> None:
    """Write the files of a case into a run's folder, each whole or not at all."""
    folder = film_folder(run, films.case)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in films.files.items():
        with replacing(folder / name) as part:
            part.write_bytes(content)


def read_film(run: Path, case: str, method: str) -> NDArray[np.uint8]:
    """The film of a method, uint8 (T, H, W, 3), as many frames as its command has."""
    folder = film_folder(run, case)
    file = folder / f"{file_name(method)}.mp4"
    if not file.is_file():
        raise FileNotFoundError(
            f"there is no film {str(file)!r}: python -m dragstream.revel run ... --films makes it"
        )
    return read_video(file, 0, read_command(folder / CASE).frames)
