"""Folders of cases as files: what a video should show, so that any program can make and score it.

```
NAME/case.json          the drags, and the frames of a video at which they are measured
NAME/first_frame.png    the frame that the drags are drawn on: frame 0 of each video
NAME/tracks.npz         where the handles should be in each frame, as `tracks` and `visibility`
NAME/mask_0.png         the region of each drag, white
NAME/keep.png           the region that must not change, where there is one
NAME/METHOD.mp4         videos, in runs and for scoring
```

`case.json` is complete; the other files hold the same for programs that cannot read drags.
A folder from elsewhere may have tracks (`read_tracks`) and masks in place of `case.json`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import short_repr
from dragstream.drags.documents import DocumentReader
from dragstream.drags.files import replacing
from dragstream.drags.reading import located
from dragstream.drags.regions import rasterise
from dragstream.metrics.videos import read_video
from dragstream.revel.methods import BASELINE
from dragstream.revel.preparation import FORMAT, PreparedCase, VideoCommand
from dragstream.stream.mp4 import mp4_bytes

CASE = "case.json"
FIRST_FRAME = "first_frame.png"
LARGEST_JSON = 2**25  # bytes of a document, or of a line
BROKEN = (AttributeError, LookupError, OverflowError, RecursionError, TypeError, ValueError)
"""Errors that reading a damaged document may raise."""


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
    with located(f"{file} is damaged", ValueError, RecursionError):
        found = json.loads(file.read_bytes())
    if not isinstance(found, dict) or found.get("format") != number:
        raise ValueError(f"{file}: {what} of format {number} is expected, got {short_repr(found)}")
    return found


def read_command(file: Path, reader: DocumentReader | None = None) -> VideoCommand:
    """Read a `case.json`; those of one folder share a reader (`case_reader`)."""
    document = read_document(file, FORMAT, "a case")
    with located(str(file), *BROKEN):
        return VideoCommand.from_json(document, reader)


def file_name(name: str) -> str:
    """A name as a file's: what could lead elsewhere is percent-encoded (`unquote` undoes it)."""
    text = quote(name, safe=" =,+()")
    return text.replace(".", "%2E", 1) if text.startswith(".") else text


def command_folders(root: Path) -> Sequence[Path]:
    """The folders at or below `root` that hold a `case.json`, by name."""
    return sorted(file.parent for file in root.rglob(CASE))


FILMS = "films"


def film_files(
    prepared: PreparedCase, frames: Mapping[str, NDArray[np.uint8]], split: str
) -> dict[str, bytes]:
    """The files of a case with a film for each method and one without a drag, by name."""
    command = replace(prepared.command, split=split)
    files = case_files(command, prepared.before)
    for name, new in {**frames, BASELINE: prepared.new_frames(prepared.plain)}.items():
        film = np.concatenate([prepared.before[None], new])
        files[f"{file_name(name)}.mp4"] = mp4_bytes(film, command.frame_rate)
    return files


def film_folder(run: Path, case: str) -> Path:
    """The folder of a case's films in a run's folder."""
    return run / FILMS / file_name(case)


def has_film(run: Path, case: str, method: str) -> bool:
    """True if a run's folder holds the film of a method."""
    folder = film_folder(run, case)
    return (folder / CASE).is_file() and (folder / f"{file_name(method)}.mp4").is_file()


def store_films(run: Path, case: str, files: Mapping[str, bytes]) -> None:
    """Write the files of a case into a run's folder, each whole or not at all."""
    folder = film_folder(run, case)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
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
