"""Streams: block-by-block generation, records, live playback, archives and video files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragstream.stream.live import LiveStream
    from dragstream.stream.records import Block, Iteration, Mode, Timings
    from dragstream.stream.stream import Stream

__all__ = ["Block", "Iteration", "LiveStream", "Mode", "Stream", "Timings"]

# Torch is imported only when one of these is asked for.
_HOMES = {
    "Block": "dragstream.stream.records",
    "Iteration": "dragstream.stream.records",
    "LiveStream": "dragstream.stream.live",
    "Mode": "dragstream.stream.records",
    "Stream": "dragstream.stream.stream",
    "Timings": "dragstream.stream.records",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
