"""The public Wan models: Self-Forcing, CausVid, Wan 2.1 and their kin.

`load` finds the parts on the hub or in folders and puts them together; `releases` says which there
are; `tiny` writes a tiny random one in the same layout.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragstream.models.wan.assembly import load
    from dragstream.models.wan.bidirectional import BidirectionalWan
    from dragstream.models.wan.model import Wan
    from dragstream.models.wan.placement import Placement
    from dragstream.models.wan.releases import RELEASES, Guidance, Release
    from dragstream.models.wan.tiny import write_tiny

__all__ = [
    "RELEASES",
    "BidirectionalWan",
    "Guidance",
    "Placement",
    "Release",
    "Wan",
    "load",
    "write_tiny",
]

# Torch is imported only when one of these is asked for, diffusers with it.
_HOMES = {
    "RELEASES": "dragstream.models.wan.releases",
    "BidirectionalWan": "dragstream.models.wan.bidirectional",
    "Guidance": "dragstream.models.wan.releases",
    "Placement": "dragstream.models.wan.placement",
    "Release": "dragstream.models.wan.releases",
    "Wan": "dragstream.models.wan.model",
    "load": "dragstream.models.wan.assembly",
    "write_tiny": "dragstream.models.wan.tiny",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
