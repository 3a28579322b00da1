"""Memory of the running process."""

from __future__ import annotations

import sys

import psutil


def resident_bytes() -> int:
    """Bytes of memory that the process holds now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """The most bytes of memory that the process has held."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
