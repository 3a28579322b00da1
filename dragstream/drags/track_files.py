"""Files of point tracks: `read_tracks` and `write_tracks`.

| suffix | contents |
|---|---|
| `.npy` | Wan-Move, CoTracker: positions (T, N, 2), maybe as a batch of one; visibility (T, N) in a second file, `a_visibility.npy` beside `a_tracks.npy` or `a.npy` |
| `.npz` | both in one file, as `tracks` and `visibility`, or `pred_tracks` and `pred_visibility` |
| `.json` | spline editors of ComfyUI (KJNodes): a point {"x", "y"} for each frame; a list of such lists for several splines |
| `.pth` | ATI: the bytes of an npz whose `array` (N, 121, 1, 3) holds x, y and visibility, times 8, at 24 frames a second |

Positions are pixels. Files of others are not trusted: nothing in them is executed.
"""  # noqa: E501 - a table

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import check_finite, short_repr
from dragstream.drags.files import expanded, replacing
from dragstream.drags.reading import located
from dragstream.drags.tracks import MOST_NUMBERS, Tracks

__all__ = ["read_tracks", "write_tracks"]

LARGEST_FILE = 16 * MOST_NUMBERS  # bytes, unpacked
LARGEST_JSON = 2**24  # bytes
_TRACKS = ("tracks", "pred_tracks", "trajectories", "points")
_VISIBILITY = ("visibility", "pred_visibility", "visibles", "visible")
_ATI_FRAMES = 121
_ATI_RATE = 24.0
_ATI_FACTOR = 8.0

Array = NDArray[Any]


def read_tracks(
    path: str | os.PathLike[str],
    *,
    visibility: str | os.PathLike[str] | None = None,
    frame_rate: float | None = None,
) -> Tracks:
    """Read tracks from a file in the format of its suffix.

    Args:
        path: The file.
        visibility: The file of visibility for a `.npy`; None for one beside it, if it exists.
        frame_rate: Frames a second; None for 24 of ATI's files, else unknown.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Another suffix, or a file without readable tracks; the message names the file
            and the place in it.
    """
    file = expanded(path)
    if file.suffix not in _READERS:
        raise ValueError(f"tracks are read from {', '.join(_READERS)}, got {str(file)!r}")
    if visibility is not None and file.suffix != ".npy":
        raise ValueError(f"a file of visibility goes with .npy, got {str(file)!r}")
    points, visible = _read(file, _READERS[file.suffix])
    if file.suffix == ".npy":
        second = _beside(file) if visibility is None else expanded(visibility, "visibility")
        if visibility is not None or second.is_file():
            visible = _read(second, lambda file: _visibility(_array(file), points, "the array"))
    if file.suffix == ".pth" and frame_rate is None:
        frame_rate = _ATI_RATE
    with located(str(file)):
        return Tracks(points, visible, frame_rate)


def write_tracks(tracks: Tracks, path: str | os.PathLike[str]) -> Path:
    """Write tracks to a file in the format of its suffix; returns the path.

    A `.npy` holds positions, a second file beside it the visibility. A `.json` ends each spline at
    the last frame in which its point is visible, and has no other visibility. A `.pth` is resampled
    to 24 frames a second, padded to 121 frames and rounded to eighths of a pixel.

    Raises:
        ValueError: Another suffix; a `.pth` without a frame rate or of more than five seconds.
        OSError: The file cannot be written.
    """
    file = expanded(path)
    if file.suffix not in _READERS:
        raise ValueError(f"tracks are written to {', '.join(_READERS)}, got {str(file)!r}")
    content = io.BytesIO()
    if file.suffix == ".json":
        content.write(json.dumps(_splines(tracks)).encode())
    elif file.suffix == ".pth":
        import torch

        np.savez_compressed(content, array=_ati(tracks))
        pickled = io.BytesIO()
        torch.save(content.getvalue(), pickled)
        content = pickled
    elif file.suffix == ".npz":
        np.savez_compressed(content, tracks=tracks.points, visibility=tracks.visible)
    else:
        np.save(content, tracks.points)
        with replacing(_beside(file)) as part, part.open("wb") as second:
            np.save(second, tracks.visible)
    with replacing(file) as part:
        part.write_bytes(content.getvalue())
    return file


def _beside(file: Path) -> Path:
    """The file of visibility beside a file of positions."""
    return file.with_stem(f"{file.stem.removesuffix('_tracks')}_visibility")


def _read(file: Path, read: Callable[[Path], Any]) -> Any:
    """Read a file by `read`; errors begin with the file's name."""
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {str(file)!r}")
    with located(str(file), Exception):  # damaged files make numpy, zipfile and torch raise any
        _check_size(file)
        return read(file)


def _check_size(file: Path | io.BytesIO) -> None:
    """Raise if a file is too large, packed or unpacked."""
    most = LARGEST_JSON if isinstance(file, Path) and file.suffix == ".json" else LARGEST_FILE
    if isinstance(file, Path) and file.stat().st_size > most:
        raise ValueError(f"it has more than {most} bytes")
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > most:
                raise ValueError(f"it holds more than {most} bytes")


def _array(file: Path) -> Array:
    with file.open("rb") as stream:
        loaded: Array = np.lib.format.read_array(stream, allow_pickle=False)
    return loaded


def _read_npy(file: Path) -> tuple[Array, Array | None]:
    return _positions(_array(file), "the array"), None


def _read_npz(file: Path) -> tuple[Array, Array | None]:
    arrays = _arrays(file)
    name = next((name for name in _TRACKS if name in arrays), None)
    if name is None:
        raise ValueError(f"it holds {sorted(arrays)}, but tracks are called {' or '.join(_TRACKS)}")
    points = _positions(arrays[name], name)
    seen = next((name for name in _VISIBILITY if name in arrays), None)
    return points, None if seen is None else _visibility(arrays[seen], points, seen)


def _arrays(file: Path | io.BytesIO) -> dict[str, Array]:
    if not zipfile.is_zipfile(file):
        raise ValueError("an npz is needed, and it is no zip")
    _check_size(file)
    if isinstance(file, io.BytesIO):
        file.seek(0)
    with np.load(file, allow_pickle=False) as found:
        members = {name: found[name] for name in found.files}
    odd = [name for name, member in members.items() if not isinstance(member, np.ndarray)]
    if odd:
        raise ValueError(f"its member {odd[0]!r} is no array")
    return members


def _positions(array: Array, name: str) -> Array:
    """Positions (T, N, 2), without axes of a batch of one."""
    if array.ndim == 4 and array.shape[0] == 1:
        array = array[0]
    if array.dtype.kind not in "fiu" or array.ndim != 3 or array.shape[-1] != 2:
        raise ValueError(
            f"{name} must be numbers of shape (T, N, 2), got {array.dtype} {array.shape}"
        )
    return array


def _visibility(array: Array, points: Array, name: str) -> Array:
    """Visibility (T, N): true, or scores of at least a half."""
    shape = points.shape[:2]
    for axis in (0, -1):
        if array.ndim > 2 and array.shape[axis] == 1:
            array = array.squeeze(axis)
    if array.dtype.kind not in "bfiu" or array.shape != shape:
        raise ValueError(
            f"{name} must be visibility of shape {shape}, got {array.dtype} {array.shape}"
        )
    return array if array.dtype.kind == "b" else array >= 0.5


def _read_splines(file: Path) -> tuple[Array, Array | None]:
    text = file.read_text(encoding="utf-8")
    try:
        # the editors' strings may have single quotes
        stored = json.loads(text if '"' in text else text.replace("'", '"'))
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error
    single = isinstance(stored, list) and bool(stored) and isinstance(stored[0], dict)
    splines = [stored] if single else stored
    if not isinstance(splines, list) or not splines:
        raise ValueError("a list of points {x, y}, or of such lists, is needed")
    found = [_spline(spline, "" if single else f"[{n}]") for n, spline in enumerate(splines)]
    length = max(map(len, found))
    if 2 * length * len(found) > MOST_NUMBERS:
        raise ValueError(f"at most {MOST_NUMBERS} numbers are read")
    # a shorter spline ends early: hidden from there on
    visible = np.array([np.arange(length) < len(spline) for spline in found])
    points = np.array([spline + spline[-1:] * (length - len(spline)) for spline in found])
    return points.swapaxes(0, 1), visible.T


def _spline(spline: object, where: str) -> list[tuple[float, float]]:
    if not isinstance(spline, list) or not spline:
        raise ValueError(f"{where or 'it'} must be a list of points, got {short_repr(spline)}")
    points = []
    for index, point in enumerate(spline):
        here = f"{where}[{index}]"
        if not isinstance(point, dict) or not {"x", "y"} <= point.keys():
            raise ValueError(f"{here} must be a point {{x, y}}, got {short_repr(point)}")
        x, y = (check_finite(point[name], f"{here}.{name}") for name in ("x", "y"))
        points.append((x, y))
    return points


def _splines(tracks: Tracks) -> list[Any]:
    splines = []
    for path, seen in zip(tracks.points.swapaxes(0, 1), tracks.visible.T, strict=True):
        last = int(np.flatnonzero(seen)[-1]) if seen.any() else 0
        splines.append([{"x": float(x), "y": float(y)} for x, y in path[: last + 1]])
    return splines[0] if len(splines) == 1 else splines


def _read_ati(file: Path) -> tuple[Array, Array | None]:
    import torch

    try:
        stored = torch.load(file, weights_only=True)
    except pickle.UnpicklingError as error:  # torch's advice is to execute it
        raise ValueError("it must hold the bytes of an npz, and holds other objects") from error
    if not isinstance(stored, bytes):
        raise ValueError(f"it must hold the bytes of an npz, got {type(stored).__name__}")  # noqa: TRY004
    arrays = _arrays(io.BytesIO(stored))
    if "array" not in arrays:
        raise ValueError(f"its npz holds {sorted(arrays)}, but tracks are called 'array'")
    array = arrays["array"]
    if array.ndim != 4 or array.shape[-1] != 3 or array.dtype.kind not in "fiu":
        raise ValueError(
            f"array must be numbers of shape (N, {_ATI_FRAMES}, 1, 3), got {array.dtype} "
            f"{array.shape}"
        )
    frames_first = array.shape[0] == _ATI_FRAMES or array.shape[2] > 1
    if array.shape[1] == _ATI_FRAMES or not frames_first:
        array = array.swapaxes(0, 1)
    flat = array.reshape(len(array), -1, 3) / _ATI_FACTOR
    return flat[..., :2], flat[..., 2] > 0


def _ati(tracks: Tracks) -> NDArray[np.float32]:
    if tracks.frame_rate is None:
        raise ValueError("ATI's files have 24 frames a second: tracks need a frame_rate")
    last = len(tracks.points) - 1
    count = int(last * _ATI_RATE / tracks.frame_rate + 1e-9) + 1
    if count > _ATI_FRAMES:
        raise ValueError(
            f"ATI's files hold five seconds, got {last / tracks.frame_rate:.2f} seconds"
        )
    sampled = tracks.resampled(np.arange(count) * tracks.frame_rate / _ATI_RATE)
    array = np.zeros((_ATI_FRAMES, sampled.points.shape[1], 3), np.float32)
    array[:count, :, :2] = sampled.points
    array[count:, :, :2] = sampled.points[-1]
    array[:count, :, 2] = sampled.visible
    return np.round(array * _ATI_FACTOR).swapaxes(0, 1)[:, :, None]


_READERS: dict[str, Callable[[Path], tuple[Array, Array | None]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".json": _read_splines,
    ".pth": _read_ati,
}
"""The reader of positions and visibility of each format, by suffix."""
