"""Free memory and disk space, and errors that report a shortage."""

from __future__ import annotations

import errno
import shutil
import sys
from pathlib import Path

import psutil
import torch

GB = 10**9


def gigabytes(size: float) -> str:
    """Format a number of bytes in gigabytes."""
    return f"{size / GB:.1f} GB" if size >= GB / 10 else f"{size / 10**6:.1f} MB"


def free_memory(device: torch.device) -> int | None:
    """Return a device's free bytes, unused bytes in torch's cache included; None if unknown."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + idle)
    # Other systems compress memory, so that their available bytes are no limit.
    if device.type == "cpu" and sys.platform == "linux":
        return int(psutil.virtual_memory().available)
    return None


def need_memory(size: int, device: torch.device, what: str, advice: str) -> None:
    """Check that `size` bytes fit into a device's memory."""
    free = free_memory(device)
    if free is not None and free < size:
        raise MemoryError(
            f"{what} takes {gigabytes(size)} on {device}, "
            f"where {gigabytes(free)} are free; {advice}"
        )


def free_disk(folder: Path) -> int:
    """Return the free bytes on the disk of a folder, which may not exist yet."""
    present = next(path for path in (folder, *folder.resolve().parents) if path.is_dir())
    return shutil.disk_usage(present).free


def need_disk(size: int, folder: Path, what: str, advice: str) -> None:
    """Check that `size` bytes can be written into a folder."""
    free = free_disk(folder)
    if free < size:
        raise OSError(
            errno.ENOSPC,
            f"{what} takes {gigabytes(size)} in {folder}, "
            f"where {gigabytes(free)} are free; {advice}",
        )
