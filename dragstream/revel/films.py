"""Films of a run: each method's video of each case, as files in the layout of `case_folders`.

```
films/CASE/case.json, first_frame.png, ...   what the films should show
films/CASE/METHOD.mp4                        the drawn-on frame, then the new ones
films/CASE/none.mp4                          the same without a drag
```
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.files import replacing
from dragstream.metrics.videos import read_video
from dragstream.revel.case_folders import CASE, case_files, file_name, read_command, video_command
from dragstream.revel.methods import BASELINE
from dragstream.revel.preparation import PreparedCase
from dragstream.stream.mp4 import encode_mp4

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
