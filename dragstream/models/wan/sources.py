"""Sources of a model's files: a repository on the hub, or a folder.

A source returns paths of requested files and downloads no others: a text encoder, for example, is
downloaded only for encoding a prompt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dragstream.drags.extras import needed
from dragstream.models.wan.room import need_disk
from dragstream.models.weight_files import find_files

_WANTED = ("*.json", "*.safetensors", "*.model")
"""Patterns of the files read from a folder; other formats of the weights are not downloaded."""

_DESCRIPTION = "config.json"
"""The file of a folder that can be fetched without the weights."""


class Source(Protocol):
    """A source of files."""

    @property
    def identity(self) -> str:
        """An identifier of the source, for cache keys."""

    def file(self, name: str) -> Path:
        """Return the path of a file."""

    def folder(self, name: str) -> Path:
        """Return the path of a folder with its JSON, safetensors and tokenizer files."""


@dataclass(frozen=True)
class Folder:
    """A folder on this machine."""

    path: Path

    @property
    def identity(self) -> str:
        """The path of the folder."""
        return str(self.path.resolve())

    def file(self, name: str) -> Path:
        """See `Source`."""
        path = self.path / name
        if not path.is_file():
            raise FileNotFoundError(f"{self.path} lacks {name}; it has {_listed(self.path)}")
        return path

    def folder(self, name: str) -> Path:
        """See `Source`."""
        path = self.path / name
        if not path.is_dir():
            raise FileNotFoundError(
                f"{self.path} lacks the folder {name}; it has {_listed(self.path)}"
            )
        return path


def _listed(folder: Path) -> str:
    if not folder.is_dir():
        return "no files, for it does not exist"
    return ", ".join(sorted(path.name for path in folder.iterdir())[:12]) or "no files"


@dataclass(frozen=True)
class Hub:
    """A repository on the Hugging Face hub.

    Downloaded files are used without further requests to the hub; `HF_HUB_OFFLINE=1` disables all
    requests.
    """

    repository: str  # "owner/name"
    revision: str | None = None  # a branch, tag or commit; None for the main branch

    @property
    def identity(self) -> str:
        """Repository and revision."""
        return f"{self.repository}@{self.revision or 'main'}"

    def file(self, name: str) -> Path:
        """See `Source`."""
        return self._fetched(name, (name,)) / name

    def folder(self, name: str) -> Path:
        """See `Source`."""
        return self._fetched(name, tuple(f"{name}/{pattern}" for pattern in _WANTED)) / name

    def _fetched(self, name: str, patterns: Sequence[str]) -> Path:
        """Return the snapshot's folder, with all files of the patterns complete."""
        hub = _hub()
        try:
            root = self._snapshot(hub, patterns, offline=True)
            if _complete(root / name):
                return root
        except (hub.errors.LocalEntryNotFoundError, FileNotFoundError):
            pass
        self._need_room(hub, name, patterns)
        try:
            root = self._snapshot(hub, patterns, offline=False)
        except Exception as error:  # errors of the client's HTTP library included
            raise FileNotFoundError(self._advice(name, error)) from error
        if not _complete(root / name):
            raise FileNotFoundError(self._advice(name, None))
        return root

    def _snapshot(self, hub: Any, patterns: Sequence[str], *, offline: bool) -> Path:
        return Path(
            hub.snapshot_download(
                self.repository,
                revision=self.revision,
                allow_patterns=list(patterns),
                local_files_only=offline,
            )
        )

    def _need_room(self, hub: Any, name: str, patterns: Sequence[str]) -> None:
        """Check that the download fits on the disk, if the hub reports its size."""
        if hub.constants.HF_HUB_OFFLINE:
            raise FileNotFoundError(self._advice(name, None))
        try:
            info = hub.HfApi().model_info(
                self.repository, revision=self.revision, files_metadata=True
            )
        except Exception as error:  # errors of the client's HTTP library included
            raise FileNotFoundError(self._advice(name, error)) from error
        wanted = hub.utils.filter_repo_objects(
            info.siblings or [], allow_patterns=list(patterns), key=lambda item: item.rfilename
        )
        size = sum(item.size or 0 for item in wanted)
        cache = Path(hub.constants.HF_HUB_CACHE)
        advice = "free some, or let HF_HOME name a folder on another disk"
        need_disk(size, cache, f"the download of {name} from {self.repository}", advice)

    def _advice(self, name: str, error: Exception | None) -> str:
        reason = "" if error is None else f" ({type(error).__name__}: {_first_line(error)})"
        pinned = "" if self.revision is None else f" --revision {self.revision}"
        what = name if "." in Path(name).name else f"--include '{name}/*'"
        return (
            f"{name} of {self.identity} is not on this machine and cannot be downloaded"
            f"{reason}; "
            f"where there is a network, run `hf download {self.repository} {what}{pinned}`, "
            f"or name a local copy (checkpoint=..., base=..., preview=...)"
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _complete(path: Path) -> bool:
    """Check that a file exists, or a folder with files beyond its config and with all shards."""
    if not path.is_dir():
        return path.is_file()
    present = {item.name for item in path.iterdir()}
    if any(".safetensors" in name for name in present):
        try:
            find_files(path)
        except (FileNotFoundError, ValueError):
            return False
    return bool(present - {_DESCRIPTION})


def _hub() -> Any:
    what = "downloads from the hub need huggingface_hub"
    for part in ("constants", "errors", "utils"):
        needed(f"huggingface_hub.{part}", what, "wan")
    return needed("huggingface_hub", what, "wan")


def signature(paths: Sequence[Path]) -> str:
    """Compute a digest of the paths, sizes and times of files; it changes if a file is replaced."""
    digest = hashlib.sha256()
    for path in paths:
        real = path.resolve()
        state = real.stat()
        digest.update(f"{real} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
