"""Reading video files as frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dragstream.metrics.trackers import opencv

__all__ = ["find_media", "read_frames", "read_video"]

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
VIDEOS = (".mp4", ".gif", ".webm", ".mov", ".mkv", ".avi")


def read_video(path: str | Path, first: int = 0, count: int | None = None) -> NDArray[np.uint8]:
    """Frames `first` to `first + count - 1` of a video file, (T, H, W, 3) uint8, RGB.

    Args:
        path: anything that OpenCV reads (mp4, gif, ...).
        first: the first frame to return, counted from 0.
        count: how many; None: to the end.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no video, or too short; the message says how many frames it has.
        ImportError: OpenCV is not installed.
    """
    if first < 0 or (count is not None and count < 1):
        raise ValueError(f"first must be >= 0 and count >= 1, got {first} and {count}")
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"there is no video file {str(file)!r}")
    capture = opencv().VideoCapture(str(file))
    frames: list[NDArray[np.uint8]] = []
    seen = 0
    try:
        # Decoded in order: seeking lands on key frames in some containers.
        while count is None or len(frames) < count:
            found, frame = capture.read()
            if not found:
                break
            if seen >= first:
                frames.append(frame[..., ::-1].copy())
            seen += 1
    finally:
        capture.release()
    if not seen:
        raise ValueError(f"{str(file)!r} cannot be read as a video")
    if not frames or (count is not None and len(frames) < count):
        wanted = f"{first} to {first + count - 1}" if count else f"from {first} on"
        raise ValueError(f"{str(file)!r} has {seen} frames, but frames {wanted} are needed")
    return np.stack(frames)


def find_media(places: Iterable[str | Path]) -> list[Path]:
    """The files named, and in place of each folder the videos and pictures in it, by name.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: a folder that holds neither.
    """
    found: list[Path] = []
    for place in map(Path, places):
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
    """All frames of a video, or the one of a picture, (T, H, W, 3) uint8, RGB.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is neither.
        ImportError: OpenCV is not installed.
    """
    file = Path(path)
    if file.suffix.lower() not in PICTURES:
        return read_video(file)
    if not file.is_file():
        raise FileNotFoundError(f"there is no picture {str(file)!r}")
    picture = opencv().imread(str(file))
    if picture is None:
        raise ValueError(f"{str(file)!r} cannot be read as a picture")
    frame: NDArray[np.uint8] = np.ascontiguousarray(picture[None, ..., ::-1])
    return frame
