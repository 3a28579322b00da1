"""Checks paths (`expanded`, `checked_target`), and writes files atomically (`replacing`)."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from dragstream.drags.checks import short_repr

_PART = ".part"


def expanded(path: str | os.PathLike[str], name: str = "path") -> Path:
    """`path` with `~` or `~user` at its beginning replaced by the home folder.

    A name that begins with `~` without such a user is returned unchanged.
    """
    named: Any = path
    if not isinstance(named, str | os.PathLike) or isinstance(os.fspath(named), bytes):
        raise TypeError(f"{name} must be a string or a path, got {short_repr(path)}")
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib raises for unknown users


def checked_target(path: str | os.PathLike[str], suffix: str) -> Path:
    """The path of a file to write, with `~` expanded; it must have the suffix, as in ".mp4"."""
    target = expanded(path)
    if target.suffix.lower() != suffix:
        raise ValueError(f"the file name must end in {suffix!r}, not {str(target)!r}")
    if not target.parent.is_dir():
        raise ValueError(f"there is no folder {str(target.parent)!r} to write to")
    if target.is_dir():
        raise ValueError(f"{str(target)!r} is a folder, not a file")
    return target


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new file beside `target` that replaces it when the block ends without an exception.

    Until then `target` stays as it was; after an exception the new file is deleted. The file of a
    killed process is deleted by the next call for the same target on the same machine.
    """
    folder = Path(os.path.abspath(target)).parent  # noqa: PTH100 - links stay as they are named
    ours = f".{target.name}.{platform.node()}."
    _clear(folder, ours)
    part = folder / f"{ours}{os.getpid()}.{secrets.token_hex(4)}{_PART}"
    part.touch(exist_ok=False)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(folder / target.name)
    finally:
        part.unlink(missing_ok=True)


def _clear(folder: Path, ours: str) -> None:
    """Delete the temporary files, whose names begin with `ours`, of processes that have ended."""
    name = re.compile(re.escape(ours) + r"(\d+)\.[0-9a-f]{8}" + re.escape(_PART))
    with contextlib.suppress(OSError):  # a file that cannot be deleted does not prevent writing
        for entry in list(folder.iterdir()):
            found = name.fullmatch(entry.name)
            if found and not psutil.pid_exists(int(found[1])):
                entry.unlink(missing_ok=True)
