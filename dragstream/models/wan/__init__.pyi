from .assembly import load
from .bidirectional import BidirectionalWan
from .model import Wan
from .placement import Placement
from .releases import RELEASES, Guidance, Release
from .tiny import write_tiny

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
