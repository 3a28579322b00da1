from .hold import Hold
from .live import LiveStream
from .recorded_tracks import recorded_tracks
from .records import Block, Iteration, Mode, Timings
from .stream import Stream

__all__ = [
    "Block",
    "Hold",
    "Iteration",
    "LiveStream",
    "Mode",
    "Stream",
    "Timings",
    "recorded_tracks",
]
