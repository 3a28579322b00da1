"""Readers of the files that `score` compares: commands and videos (layouts: docs/evidence.md)."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.documents import DocumentReader
from dragstream.drags.files import expanded
from dragstream.drags.geometry import FrameClock
from dragstream.drags.mask_files import MaskReader
from dragstream.drags.movebench import MoveBenchCase, read_movebench
from dragstream.drags.picture_files import picture_size, read_picture
from dragstream.drags.reading import located
from dragstream.drags.track_files import read_tracks
from dragstream.drags.tracks import Tracks, tracks_to_drags
from dragstream.metrics.trackers import opencv
from dragstream.metrics.videos import VIDEOS, read_video
from dragstream.revel.case_folders import CASE, read_command
from dragstream.revel.cases import case_reader
from dragstream.revel.methods import BASELINE
from dragstream.revel.preparation import VideoCommand

TRACKS = (".npy", ".npz", ".pth", ".json")
_PICTURES = (".png", ".jpg", ".jpeg")
_RATE = 16.0
"""Frames a second of tracks without a frame rate; scores do not depend on it."""
_DISC = 24 / 832
"""Radius of a point without a mask, as a share of the frame's width."""
_SHAPE = 0.05
"""Largest relative difference of the aspect ratios of frames that are scaled."""


@dataclass(frozen=True, eq=False)
class ScoreItem:
    """A case with its videos."""

    name: str  # name of the case
    split: str  # part of the data set; "" where there is none
    command_for: Callable[[tuple[int, int]], VideoCommand]  # the command for a video of size (H, W)
    videos: Mapping[str, Path]  # file of each method's video; the file may be missing
    first_frame: Path | None = None  # the frame of the handles, for videos that begin after it


def find_items(
    folder: str | Path,
    videos: Mapping[str, Path] | None = None,
    *,
    movebench: str | None = None,
    language: str = "en",
) -> list[ScoreItem]:
    """The cases of a folder, with their videos.

    Args:
        folder: of cases, in any of the layouts.
        videos: a folder of `NAME.mp4` for each method; None: those beside the commands.
        movebench: "single" or "multi": the folder is MoveBench.
        language: of MoveBench.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: no case, or a damaged one; the message names the file.
    """
    root = expanded(folder, "folder")
    for place in (root, *(videos or {}).values()):
        if not place.is_dir():
            raise FileNotFoundError(f"there is no folder {str(place)!r}")
    if movebench is not None:
        cases = read_movebench(root, mode=movebench, language=language)
        found = [_movebench_item(case) for case in cases]
    else:
        found = list(_folders(root)) or list(_flat(root))
    if not found:
        raise ValueError(
            f"{str(root)!r} holds no case: neither NAME/{CASE} or NAME/tracks.npy, nor NAME.mp4 "
            "beside NAME.json or NAME_tracks.npy"
        )
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{str(root)!r} holds several cases of the names {twice}")
    if videos is not None:
        found = [_with_videos(each, videos) for each in found]
    if not any(each.videos for each in found):
        raise ValueError(
            f"{str(root)!r} holds {len(found)} case(s) and no video: put METHOD.mp4 into the "
            "folders of the cases, or name folders of NAME.mp4 (--videos METHOD=FOLDER)"
        )
    return found


def _folders(root: Path) -> Iterator[ScoreItem]:
    reader = case_reader()
    places = {file.parent for file in root.rglob(CASE)}
    places |= {file.parent for ending in TRACKS for file in root.rglob(f"tracks{ending}")}
    for place in sorted(places):
        videos = {
            unquote(file.stem): file
            # no drag first: the other methods are compared with it
            for file in sorted(place.iterdir(), key=lambda file: (file.stem != BASELINE, file.name))
            if file.suffix.lower() in VIDEOS
        }
        sources = (place / CASE, *(place / f"tracks{ending}" for ending in TRACKS))
        source = next(file for file in sources if file.is_file())
        masks = tuple(sorted(place.glob("mask*.png")))
        yield _item(place.name, source, masks, _picture(place / "first_frame"), videos, reader)


def _flat(root: Path) -> Iterator[ScoreItem]:
    reader = case_reader()
    for video in sorted(root.iterdir()):
        if video.suffix.lower() not in VIDEOS:
            continue
        name = video.stem
        names = [f"{name}_tracks{ending}" for ending in TRACKS]
        names += [f"{name}{ending}" for ending in TRACKS]
        source = next((root / each for each in names if (root / each).is_file()), None)
        if source is None:
            raise ValueError(
                f"{video}: the command is expected beside it, as {name}.json or {name}_tracks.npy"
            )
        masks = tuple(sorted(root.glob(f"{glob.escape(name)}_mask*.png")))
        videos = {root.resolve().name: video}
        yield _item(name, source, masks, _picture(root / name), videos, reader)


def _picture(stem: Path) -> Path | None:
    files = (stem.with_name(stem.name + ending) for ending in _PICTURES)
    return next((file for file in files if file.is_file()), None)


def _item(  # noqa: PLR0917 - the files of a case
    name: str,
    source: Path,
    masks: tuple[Path, ...],
    picture: Path | None,
    videos: dict[str, Path],
    reader: DocumentReader,
) -> ScoreItem:
    if source.suffix == ".json" and _is_object(source):
        command = read_command(source, reader)
        return ScoreItem(command.name, command.split, lambda _: command, videos, picture)
    size = None if picture is None else picture_size(picture)

    def read(video_size: tuple[int, int]) -> VideoCommand:
        return _command_of_tracks(name, _read_tracks(source), size or video_size, masks)

    # Read now to find damage before scoring; not kept in memory, since a folder may hold many.
    if size is None:
        _read_tracks(source)
    else:
        read(size)
    return ScoreItem(name, "", read, videos, picture)


def _is_object(file: Path) -> bool:
    """True for a JSON object; a list may be the points of tracks."""
    with file.open("rb") as stream:
        return stream.read(1024).lstrip()[:1] == b"{"


def _read_tracks(source: Path) -> Tracks:
    tracks = read_tracks(source)
    if len(tracks.points) < 2:
        raise ValueError(f"{source}: positions in at least two frames are expected, got one")
    return tracks


def _command_of_tracks(
    name: str, tracks: Tracks, size: tuple[int, int], masks: Sequence[Path]
) -> VideoCommand:
    """The command of tracks: each mask moves with the points in it; without masks, discs move."""
    reader = MaskReader()
    regions = [reader.read(file) for file in masks]
    for file, region in zip(masks, regions, strict=True):
        if region.array.shape != size:
            raise ValueError(
                f"{file}: a mask of {size[1]} x {size[0]} pixels is expected, got "
                f"{region.array.shape[1]} x {region.array.shape[0]}"
            )
    rate = tracks.frame_rate or _RATE
    clock = FrameClock(1, rate)  # a trajectory point a video frame
    with located(f"case {name!r}", ValueError):
        drags, keep = tracks_to_drags(
            tracks,
            clock,
            radius=None if regions else _DISC * size[1],
            regions=regions or None,
            size=size,
            similarity=bool(regions),
        )
    if not drags:
        raise ValueError(f"case {name!r}: no point of the tracks moves, so there is no drag")
    count = len(tracks.points)
    return VideoCommand(name, tuple(drags), tuple(range(1, count)), count, size, rate, keep=keep)


def _movebench_item(case: MoveBenchCase) -> ScoreItem:
    # Called when the case is scored, so that a case without motion does not stop the others.
    def command(_: tuple[int, int]) -> VideoCommand:
        return _command_of_tracks(case.name, case.tracks, case.size, case.masks)

    return ScoreItem(case.name, "", command, {}, case.picture)


def _with_videos(item: ScoreItem, folders: Mapping[str, Path]) -> ScoreItem:
    """Return the item with videos from a folder for each method."""
    videos = {}
    for method, folder in folders.items():
        files = (folder / f"{item.name}{ending}" for ending in VIDEOS)
        found = next((file for file in files if file.is_file()), None)
        videos[method] = found or folder / f"{item.name}.mp4"
    return replace(item, videos=videos)


def read_frames_for(item: ScoreItem, file: Path) -> tuple[VideoCommand, NDArray[np.uint8]]:
    """The command of a video, and its frames from the handle's on, in the command's size.

    Frame 0 of the video is the frame that the handles lie on. A video that has one frame too few
    begins after it; then the case's own first frame is put before it. Of an edit the first and the
    last frame are read.
    """
    frames = read_video(file)
    command = item.command_for((frames.shape[1], frames.shape[2]))
    frames = _scaled(frames, command.size, file)
    missing = command.frames - len(frames)
    if missing == 1 and item.first_frame is not None:
        before = _scaled(read_picture(item.first_frame)[None], command.size, item.first_frame)
        frames = np.concatenate([before, frames])
    elif missing > 0:
        raise ValueError(
            f"{file}: at least {command.frames} frames are expected, the first one that of the "
            f"handle, got {len(frames)}"
        )
    return command, frames[[0, -1]] if command.edit else frames[: command.frames]


def _scaled(frames: NDArray[np.uint8], size: tuple[int, int], file: Path) -> NDArray[np.uint8]:
    """Resize frames of about the same aspect ratio: models round sizes to 16 pixels."""
    height, width = frames.shape[1:3]
    if (height, width) == size:
        return frames
    if abs(width / height / (size[1] / size[0]) - 1) > _SHAPE:
        raise ValueError(
            f"{file}: frames of the shape of {size[1]} x {size[0]} are expected, got "
            f"{width} x {height}"
        )
    cv2 = opencv()
    how = cv2.INTER_AREA if width > size[1] else cv2.INTER_CUBIC
    return np.stack([cv2.resize(each, (size[1], size[0]), interpolation=how) for each in frames])
