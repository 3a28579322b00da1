"""What happens while a stream is at work, as small frozen values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from dragstream.method.iteration import Iteration
from dragstream.stream.records import Block

__all__ = [
    "BlockMade",
    "Changed",
    "Event",
    "Iterated",
    "Iteration",
    "Progress",
    "Status",
    "StatusChanged",
    "Watch",
    "nobody",
]


class Status(Enum):
    """What a live stream is doing."""

    PLAYING = "playing"
    """Plain blocks without end, and commands as they come."""
    WORKING = "working"
    """Commands that were given earlier or while paused; then it will be paused."""
    PAUSED = "paused"
    """Nothing; anybody may change the stream."""
    STOPPED = "stopped"
    """Nothing, and it has no thread. Where every live stream begins."""


@dataclass(frozen=True)
class Progress:
    """Block ``block`` has passed denoising step ``step``, from 0, of ``steps``."""

    block: int
    step: int
    steps: int


@dataclass(frozen=True)
class Iterated:
    """A drag iteration of block ``block`` is done."""

    block: int
    iteration: Iteration


@dataclass(frozen=True)
class BlockMade:
    """A block and its frames are ready to be looked at.

    An animation of several blocks joins the stream as a whole: if it fails or is stopped, blocks
    that were shown do not stay, and no `Changed` follows.
    """

    block: Block


@dataclass(frozen=True)
class Changed:
    """A command or a plain block is done: these are the stream's blocks now."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class StatusChanged:
    """A live stream does something else from now on; ``error`` is why it had to pause, if it had.

    Once it is paused or stopped, the picture is the last frame of the stream's newest block.
    """

    status: Status
    error: BaseException | None = None


Event = Progress | Iterated | BlockMade | Changed | StatusChanged
Watch = Callable[[Event], object]
"""Called with what happens, on the thread that does it."""


def nobody(event: Event) -> None:
    """Watch nothing."""
