"""Containers of weights: safetensors, shards of them, and pickles by torch (`read_tree`).

A tree is what a file holds: tensors by name, in mappings that may nest. Only tensors and plain
values are unpickled (`weights_only=True`). With `data=False` tensors are on the meta device: shapes
and dtypes alone, read from headers where the format has them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dragstream.drags.checks import truncate
from dragstream.drags.files import expanded
from dragstream.drags.reading import located
from dragstream.models.config_files import read_json

_INDEX = ".index.json"
_SHARD = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})\.safetensors")


@dataclass(frozen=True)
class WeightFiles:
    """The files of one container."""

    kind: str  # "safetensors", "sharded safetensors" or "pickle"
    paths: tuple[Path, ...]  # the files, in the order of their names
    shown: Path  # the file or folder that was given, for error messages

    @property
    def size(self) -> int:
        """Size on the disk in bytes."""
        return sum(path.stat().st_size for path in self.paths)


def find_files(path: str | Path) -> WeightFiles:
    """Find the files of a container: a file, an index of shards, one of them, or a folder."""
    path = expanded(path)
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if path.name.endswith(_INDEX):
        return _of_index(path)
    if not _is_safetensors(path):
        return WeightFiles("pickle", (path,), path)
    found = _SHARD.fullmatch(path.name)
    if found is None:
        return WeightFiles("safetensors", (path,), path)
    return _of_shards(path, path.parent, _numbered(found["stem"], int(found["count"])))


def _in_folder(folder: Path) -> WeightFiles:
    indices = sorted(folder.glob(f"*safetensors{_INDEX}"))
    if len(indices) == 1:
        return _of_index(indices[0], folder)
    files = sorted(folder.glob("*.safetensors"))
    shards = [_SHARD.fullmatch(file.name) for file in files]
    stems = {(found["stem"], int(found["count"])) for found in shards if found is not None}
    if len(stems) == 1 and all(shards):
        return _of_shards(folder, folder, _numbered(*stems.pop()))
    if not files:
        files = sorted(
            file for ending in ("pt", "pth", "bin") for file in folder.glob(f"*.{ending}")
        )
    if len(files) != 1 or len(indices) > 1:
        listed = ", ".join(file.name for file in (*indices, *files)[:8]) or "no weights"
        raise FileNotFoundError(f"{folder} must hold one file of weights or its shards: {listed}")
    found = find_files(files[0])
    return WeightFiles(found.kind, found.paths, folder)


def _numbered(stem: str, count: int) -> list[str]:
    return [f"{stem}-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)]


def _of_index(index: Path, shown: Path | None = None) -> WeightFiles:
    places = read_json(index).get("weight_map")
    names = sorted(set(places.values())) if isinstance(places, Mapping) and places else []
    if not names or any(not isinstance(name, str) or Path(name).name != name for name in names):
        raise ValueError(f"{index} is no index of shards: it needs a weight_map to file names")
    return _of_shards(shown or index, index.parent, names)


def _of_shards(shown: Path, folder: Path, names: Iterable[str]) -> WeightFiles:
    paths = tuple(folder / name for name in names)
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            truncate(f"{folder} lacks {len(missing)} of {len(paths)} shards: {', '.join(missing)}")
        )
    return WeightFiles("sharded safetensors", paths, shown)


def _is_safetensors(path: Path) -> bool:
    """Check the contents, not the name: both kinds of files are found under either."""
    with path.open("rb") as file:
        start = file.read(9)
    return path.suffix == ".safetensors" if len(start) < 9 else start[8:] == b"{"


def read_tree(files: WeightFiles, *, data: bool = True) -> dict[str, Any]:
    """Read what a container holds, memory-mapped; without `data`, shapes and dtypes alone."""
    if files.kind == "pickle":
        return _read_pickle(files.paths[0], data=data)
    tree: dict[str, Any] = {}
    for path in files.paths:
        for name, weight in _read_safetensors(path, data=data).items():
            if name in tree:
                raise ValueError(
                    f"{files.shown} holds {name} twice, the second time in {path.name}"
                )
            tree[name] = weight
    return tree


def _read_pickle(path: Path, *, data: bool) -> dict[str, Any]:
    place = "cpu" if data else "meta"
    # Memory-mapped: released files hold more than the weights read here. Only an open file is read
    # as a pickle whatever its name ends with.
    mapped = zipfile.is_zipfile(path) and path.suffix != ".safetensors"
    try:
        check_unpacked(path)
        with path.open("rb") as file:
            content = torch.load(
                path if mapped else file, map_location=place, weights_only=True, mmap=mapped
            )
    except Exception as error:  # damaged files make torch and pickle raise many types
        raise ValueError(f"{path.name} is no readable checkpoint: {read_error(error)}") from error
    if not isinstance(content, Mapping):
        kind = type(content).__name__
        raise ValueError(f"{path.name} holds a {kind}, not named weights")  # noqa: TRY004 - its content
    return dict(content)


def check_unpacked(path: Path) -> None:
    """Refuse a file by torch whose members are larger unpacked than the file: torch packs none."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > path.stat().st_size:
        raise ValueError(f"its members would be {unpacked} bytes, more than the file")


def read_error(error: Exception) -> str:
    """Return the reason of a read error, without torch's advice to read the file unsafely."""
    lines = str(error).partition("WeightsUnpickler error:")[2] or str(error)
    reason = lines.strip().partition("\n")[0].partition(" Please use ")[0]
    return truncate(reason) or type(error).__name__


def _read_safetensors(path: Path, *, data: bool) -> Mapping[str, Tensor]:
    with located(f"{path.name} is damaged", SafetensorError, OSError):
        weights = load_file(path)
    return weights if data else {name: weight.to("meta") for name, weight in weights.items()}
