"""The benchmark MoveBench of Wan-Move as drags: `read_movebench`.

```python
for case in read_movebench("MoveBench", mode="single", language="en"):
    drags, keep = case.drags(model.spec.clock, height=480, width=832)
```

The layout is what Wan-Move's `generate.py` reads (github.com/ali-vilab/Wan-Move), a folder a
language:

```
en/single_track.txt                      a line a case: NAME.mp4,caption; multi_track.txt beside it
en/first_frame/NAME.jpg                  the picture that the video starts from
en/track/single/NAME_tracks.npy          positions (T, N, 2) in its pixels, maybe a batch of one
en/track/single/NAME_visibility.npy      visibility (T, N)
```

Masks and videos are optional. Their places are assumed: the data set's history names a folder
`first_frame_mask` and its page says that each clip has its video, but neither was seen.

```
en/first_frame_mask/[single/]NAME.png    the object; NAME_0.png, NAME_1.png, ... for several
en/video/NAME.mp4                        the real video
```
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import check_choice, check_int, check_size, short_repr
from dragstream.drags.files import expanded
from dragstream.drags.geometry import FrameClock
from dragstream.drags.mask_files import read_mask
from dragstream.drags.motions import Drag
from dragstream.drags.picture_files import picture_size, read_picture
from dragstream.drags.reading import Budget, located
from dragstream.drags.shapes import Mask, Shape
from dragstream.drags.track_files import read_tracks
from dragstream.drags.tracks import Tracks, tracks_to_drags

__all__ = ["MoveBenchCase", "read_movebench"]

MODES = ("single", "multi")
FRAME_RATE = 16.0
"""Frames a second of the benchmark: 81 frames, five seconds."""
RADIUS = 24.0
"""Radius of the disc that a point without a mask moves, in pixels of a frame 832 wide."""
_WIDTH = 832
MOST_NUMBERS = 2**26
"""Most coordinates of all tracks of a folder."""
_LONGEST_LIST = 2**24  # bytes


@dataclass(frozen=True, eq=False)
class MoveBenchCase:
    """A case of MoveBench.

    Attributes:
        name: Its name in the list, without the suffix.
        caption: The video's caption.
        picture: File of the first frame.
        size: Height and width of the first frame, in pixels.
        tracks: The commanded tracks, in pixels of the first frame.
        masks: Files of the objects' masks; empty where there are none.
        video: File of the real video; None where there is none.
    """

    name: str
    caption: str
    picture: Path
    size: tuple[int, int]
    tracks: Tracks
    masks: tuple[Path, ...]
    video: Path | None

    def frame(self, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """The first frame, uint8 (H, W, 3).

        Args:
            size: Height and width to scale it to; None for its own.

        Raises:
            ValueError: A damaged picture; the message names the file.
        """
        shown = read_picture(self.picture)
        if size is None or size == self.size:
            return shown
        image = Image.fromarray(shown).resize((size[1], size[0]), Image.Resampling.LANCZOS)
        return np.array(image, np.uint8)

    def regions(self) -> list[NDArray[np.bool_]]:
        """The objects' masks in the first frame, bool (H, W).

        Raises:
            ValueError: A damaged mask, or one of another size than the first frame.
        """
        found = []
        for file in self.masks:
            mask = read_mask(file).array
            if mask.shape != self.size:
                height, width = self.size
                raise ValueError(
                    f"{file}: a mask of the first frame's {width} x {height} pixels is expected, "
                    f"got {mask.shape[1]} x {mask.shape[0]}"
                )
            found.append(mask)
        return found

    def drags(
        self, clock: FrameClock, *, height: int, width: int, radius: float | None = None
    ) -> tuple[list[Drag], Shape | None]:
        """The tracks as drags of a model's frame, and the region to keep.

        A mask moves, turns and grows as the points in it do. Without masks each point moves a
        disc. See `tracks_to_drags`.

        Args:
            clock: Latent to video frames of the model.
            height: Of the model's frame, in pixels.
            width: Of the model's frame, in pixels.
            radius: Of the discs in the model's pixels; None for 24 in a frame that is 832 wide.

        Raises:
            ValueError: Tracks without a point that is visible at first and later, or a mask that
                holds none.
        """
        size = (check_int(height, "height", least=1), check_int(width, "width", least=1))
        reach = RADIUS * width / _WIDTH if radius is None else check_size(radius, "radius")
        tracks = self.tracks.resized(self.size, size)
        regions = [Mask(_resized(mask, size)) for mask in self.regions()]
        files = ", ".join(map(str, self.masks)) or "no masks"
        with located(f"case {self.name!r} ({files})", ValueError):
            if regions:
                return tracks_to_drags(tracks, clock, regions=regions, size=size, similarity=True)
            return tracks_to_drags(tracks, clock, radius=reach)


def read_movebench(
    folder: str | os.PathLike[str],
    *,
    mode: str = "single",
    language: str = "en",
    count: int | None = None,
) -> list[MoveBenchCase]:
    """Read the cases of MoveBench, in the order of its list.

    Args:
        folder: The data set's folder, or that of a language in it.
        mode: "single" or "multi": one moving object, or several.
        language: Of the captions; a folder of the data set, "en" or "zh".
        count: No more than the first so many; None: all.

    Raises:
        FileNotFoundError: A file is missing; the message says which, and what it should hold.
        ValueError: A damaged file, or another mode; the message names the file and what is
            expected.
    """
    check_choice(mode, MODES, "mode")
    top = expanded(folder, "folder")
    name = f"{mode}_track.txt"
    root = top if (top / name).is_file() else top / language
    entries = _list(_needed(root / name, "a list with a line NAME.mp4,caption for each case"))
    if count is not None:
        entries = entries[: check_int(count, "count", least=1)]
    budget = Budget(coordinates=MOST_NUMBERS)
    return [_case(root, mode, *entry, budget) for entry in entries]


def _list(file: Path) -> list[tuple[str, str]]:
    """Names, without suffixes, and captions."""
    if file.stat().st_size > _LONGEST_LIST:
        raise ValueError(f"{file}: at most {_LONGEST_LIST} bytes are read")
    found: dict[str, str] = {}
    with located(f"{file}: text in UTF-8 is expected", UnicodeDecodeError):
        lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        where = f"{file}, line {number}"
        video, comma, caption = line.partition(",")
        path = PurePosixPath(video.strip())
        name = path.with_suffix("").as_posix() if path.name else ""
        if not comma or not name or not caption.strip():
            raise ValueError(f"{where}: NAME.mp4,caption is expected, got {short_repr(line)}")
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ValueError(f"{where}: a name inside the folder is expected, got {name!r}")
        if name in found:
            raise ValueError(f"{where}: {name!r} is in the list twice")
        found[name] = caption.strip()
    if not found:
        raise ValueError(f"{file}: a line NAME.mp4,caption for each case is expected, got none")
    return list(found.items())


def _case(root: Path, mode: str, name: str, caption: str, budget: Budget) -> MoveBenchCase:
    picture = _needed(root / "first_frame" / f"{name}.jpg", "the picture of the first frame")
    at = root / "track" / mode
    points = _needed(at / f"{name}_tracks.npy", "positions (T, N, 2) of N points in T frames")
    seen = _needed(at / f"{name}_visibility.npy", "visibility (T, N) of the points")
    wanted = f"positions (T, N, 2) in {points.name} and visibility (T, N) in {seen.name}"
    with located(f"{wanted} are expected", ValueError):
        tracks = read_tracks(points, visibility=seen, frame_rate=FRAME_RATE)
    budget.spend("coordinates", tracks.points.size, str(points))
    if len(tracks.points) < 2:
        raise ValueError(f"{points}: positions in at least two frames are expected, got one")
    video = root / "video" / f"{name}.mp4"
    return MoveBenchCase(
        name=name,
        caption=caption,
        picture=picture,
        size=picture_size(picture),
        tracks=tracks,
        masks=_masks(root / "first_frame_mask", mode, name),
        video=video if video.is_file() else None,
    )


def _needed(file: Path, what: str) -> Path:
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {str(file)!r}: MoveBench has there {what}")
    return file


def _masks(folder: Path, mode: str, name: str) -> tuple[Path, ...]:
    """The mask of a case, or its numbered masks."""
    for place in (folder / mode, folder):
        whole = place / f"{name}.png"
        if whole.is_file():
            return (whole,)
        parts: Sequence[Path] = [place / f"{name}_{number}.png" for number in range(100)]
        if found := tuple(part for part in parts if part.is_file()):
            return found
    return ()


def _resized(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    image = Image.fromarray(mask).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.array(image, bool)
