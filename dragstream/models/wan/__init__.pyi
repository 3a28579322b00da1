from .assembly import load
from .bidirectional import BidirectionalWan
from .device_map import DeviceMap
from .model import Wan
from .release import Guidance, Release
from .releases import RELEASES
from .tiny import write_tiny

__all__ = [
    "RELEASES",
    "BidirectionalWan",
    "DeviceMap",
    "Guidance",
    "Release",
    "Wan",
    "load",
    "write_tiny",
]
