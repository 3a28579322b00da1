"""Events of generation and of live streams, as frozen values."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from dragstream.drags.checks import Point
from dragstream.drags.shapes import Shape
from dragstream.method.iteration import Iteration
from dragstream.stream.records import Block

_log = logging.getLogger(__name__)


class Status(Enum):
    """The state of a live stream's thread."""

    PLAYING = "playing"
    """Generates blocks without end, and executes commands in between."""
    WORKING = "working"
    """Executes queued commands, then pauses."""
    PAUSED = "paused"
    """Idle; other threads may change the stream."""
    STOPPED = "stopped"
    """Idle and without a thread: the initial state."""


@dataclass(frozen=True)
class Progress:
    """Block ``block`` finished denoising step ``step``, from 0, of ``steps``."""

    block: int
    step: int
    steps: int


@dataclass(frozen=True)
class Iterated:
    """Block ``block`` finished a drag iteration."""

    block: int
    iteration: Iteration


@dataclass(frozen=True)
class BlockMade:
    """A block is complete and its frames can be shown.

    An animation of several blocks joins the stream as a whole: if it fails or is stopped, its
    blocks are dropped although they were shown, and no `Changed` follows.
    """

    block: Block


@dataclass(frozen=True)
class Changed:
    """A command or a plain block is complete; ``blocks`` are the stream's blocks after it."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class StatusChanged:
    """The status of a live stream changed; ``error`` is the exception that paused it, if any.

    When it is paused or stopped, the shown frame should be the last of the stream's newest block.
    """

    status: Status
    error: BaseException | None = None


@dataclass(frozen=True)
class HoldState:
    """A hold of a live stream at one moment; lengths in pixels of the video frame."""

    id: int
    """Number of the hold in its live stream, from 1."""
    region: Shape
    """The held region in the newest published frame."""
    at: Point
    """The held point (x, y) of the region in that frame."""
    position: Point
    """The target position (x, y) of the held point."""
    degrees: float
    """The target angle, relative to the grip, clockwise on screen."""
    factor: float
    """The target factor of lengths, relative to the grip."""
    pinned: bool
    """True for a pin."""
    latency: float | None
    """Seconds from the newest move that acts on the newest block to the block's publication; None
    if the hold did not move for that block."""


@dataclass(frozen=True)
class HoldsChanged:
    """A hold began or ended, or a block was published while something was held."""

    holds: tuple[HoldState, ...]
    """The holds in effect, oldest first."""


Event = Progress | Iterated | BlockMade | Changed | StatusChanged | HoldsChanged
EventCallback = Callable[[Event], object]
"""A callback for events, called on the thread that generates."""


def ignore_event(event: Event) -> None:
    """Ignore an event: the default `EventCallback`."""


class Listeners:
    """Callbacks of one kind of event. An exception in one is logged and disturbs nothing."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[..., Any]] = {}

    def add(self, listener: Callable[..., Any]) -> Callable[[], None]:
        """Add a callback; returns a function that removes it."""
        if not callable(listener):
            raise TypeError(f"listener must be callable, got {listener!r}")
        key = object()
        self._callbacks[key] = listener

        def remove() -> None:
            self._callbacks.pop(key, None)

        return remove

    def call(self, source: object, *arguments: object) -> None:
        """Call all callbacks for a source, which the log names."""
        for listener in tuple(self._callbacks.values()):
            try:
                listener(*arguments)
            except Exception:  # noqa: BLE001
                _log.exception("a listener of %s failed", source)
