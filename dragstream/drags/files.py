"""Checks paths (`expanded`, `checked_target`), and writes files atomically (`replacing`)."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dragstream.drags.checks import short_repr

if sys.platform != "win32":
    import fcntl

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
    killed process is deleted by the next call for the same target: writers lock their files, and a
    lock ends with its process. The new file must be written in place.
    """
    folder = Path(os.path.abspath(target)).parent  # noqa: PTH100 - links stay as they are named
    _clear(folder, target.name)
    part, descriptor = _open(folder, target.name)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(folder / target.name)
    finally:
        if descriptor is not None:
            os.close(descriptor)
        part.unlink(missing_ok=True)


def _open(folder: Path, name: str) -> tuple[Path, int | None]:
    """A new file and its descriptor; the file stays locked while that is open.

    On Windows, which renames no open file, the descriptor is closed and None.
    """
    while True:
        part = folder / f".{name}.{secrets.token_hex(4)}{_PART}"
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if sys.platform == "win32":
            os.close(descriptor)
            return part, None
        try:
            # Another writer's clean-up may take a file between its creation and its lock.
            if _lock(descriptor) and part.exists():
                return part, descriptor
        except BaseException:
            os.close(descriptor)
            part.unlink(missing_ok=True)
            raise
        os.close(descriptor)


def _clear(folder: Path, name: str) -> None:
    """Delete the temporary files of killed writers of the same target."""
    if sys.platform == "win32":  # no locks: files of killed writers stay
        return
    ours = re.compile(re.escape(f".{name}.") + "[0-9a-f]{8}" + re.escape(_PART))
    with contextlib.suppress(OSError):  # a file that cannot be deleted does not prevent writing
        for entry in [entry for entry in folder.iterdir() if ours.fullmatch(entry.name)]:
            descriptor = os.open(entry, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if _lock(descriptor):
                    entry.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock the file; False if another open file holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
