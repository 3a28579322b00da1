"""Reader of video and picture files as frames."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from dragstream.drags.files import expanded
from dragstream.metrics.trackers import opencv

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_MOST_FRAMES = 100_000
"""Most frames of a gif, whose durations may have any value."""
VIDEOS = (".mp4", ".gif", ".webm", ".mov", ".mkv", ".avi")


def read_video(path: str | Path, first: int = 0, count: int | None = None) -> NDArray[np.uint8]:
    """Frames `first` to `first + count - 1` of a video file, (T, H, W, 3) uint8, RGB.

    A gif stores how long each frame is shown, and most encoders leave out frames that equal the one
    before. So a frame counts as often as the shortest duration goes into its own: one of 240 ms
    among others of 80 ms is three frames.

    Args:
        path: a gif, or anything else that OpenCV reads (mp4, webm, ...).
        first: the first frame to return, counted from 0.
        count: number of frames; None: to the end.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no video, or too short; the message names its number of frames.
        ImportError: OpenCV is not installed.
    """
    if first < 0 or (count is not None and count < 1):
        raise ValueError(f"first must be >= 0 and count >= 1, got {first} and {count}")
    file = expanded(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no video file {str(file)!r}")
    frames: list[NDArray[np.uint8]] = []
    seen = 0
    # Decoded in order: seeking lands on key frames in some containers.
    for frame in _gif(file) if file.suffix.lower() == ".gif" else _decoded(file):
        if seen >= first:
            frames.append(frame)
        seen += 1
        if count is not None and len(frames) == count:
            break
    if not seen:
        raise ValueError(f"{str(file)!r} cannot be read as a video")
    if not frames or (count is not None and len(frames) < count):
        wanted = f"{first} to {first + count - 1}" if count else f"from {first} on"
        raise ValueError(f"{str(file)!r} has {seen} frames, but frames {wanted} are needed")
    return np.stack(frames)


def _decoded(file: Path) -> Iterator[NDArray[np.uint8]]:
    """Frames (H, W, 3) as OpenCV decodes them."""
    # Absolute: a name with a colon in it would be taken for a protocol.
    capture = opencv().VideoCapture(str(file.absolute()))
    try:
        while True:
            found, frame = capture.read()
            if not found:
                return
            yield frame[..., ::-1].copy()
    finally:
        capture.release()


def _gif(file: Path) -> Iterator[NDArray[np.uint8]]:
    """Frames (H, W, 3) of a gif, each repeated by its duration."""
    try:
        with Image.open(file, formats=("GIF",)) as image:
            times = [part.info.get("duration", 0) for part in ImageSequence.Iterator(image)]
            shortest = min((time for time in times if time > 0), default=1)
            counts = [max(1, round(time / shortest)) for time in times]
            if sum(counts) > _MOST_FRAMES:
                raise ValueError(
                    f"{str(file)!r} would have {sum(counts)} frames by its durations; at most "
                    f"{_MOST_FRAMES} are read"
                )
            for count, part in zip(counts, ImageSequence.Iterator(image), strict=True):
                shown = np.asarray(part.convert("RGB"))
                yield from [shown] * count
    except (OSError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(f"{str(file)!r} cannot be read as a video: {error}") from error


def find_media(places: Iterable[str | Path]) -> list[Path]:
    """The files named, and in place of each folder the videos and pictures in it, by name."""
    found: list[Path] = []
    for place in map(expanded, places):
        if not place.exists():
            raise FileNotFoundError(f"there is no file or folder {str(place)!r}")
        if place.is_file():
            found.append(place)
            continue
        inside = sorted(f for f in place.iterdir() if f.suffix.lower() in PICTURES + VIDEOS)
        if not inside:
            raise ValueError(f"{str(place)!r} holds no videos or pictures ({PICTURES + VIDEOS})")
        found += inside
    return found


def read_frames(path: str | Path) -> NDArray[np.uint8]:
    """All frames of a video, or the one of a picture, (T, H, W, 3) uint8, RGB."""
    file = expanded(path)
    if file.suffix.lower() not in PICTURES:
        return read_video(file)
    if not file.is_file():
        raise FileNotFoundError(f"there is no picture {str(file)!r}")
    picture = opencv().imread(str(file.absolute()))
    if picture is None:
        raise ValueError(f"{str(file)!r} cannot be read as a picture")
    frame: NDArray[np.uint8] = np.ascontiguousarray(picture[None, ..., ::-1])
    return frame
