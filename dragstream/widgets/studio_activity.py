"""`Activity`: the block that a live stream is making, for the Studio's status line."""

from __future__ import annotations

from typing import Any

from dragstream.stream.events import BlockMade, Event, Iterated, Progress, StatusChanged
from dragstream.stream.records import Block


class Activity:
    """Progress within a block, and the finished block that the stream does not hold yet."""

    def __init__(self) -> None:
        self.doing: dict[str, Any] | None = None
        """Text and share done of the work under way, as JSON."""
        self.made: Block | None = None
        """A finished block that comes after the stream's own."""

    def clear(self) -> None:
        """Forget both."""
        self.doing = self.made = None

    def update(self, event: Event) -> None:
        """Apply an event of the live stream."""
        match event:
            case Progress(block, step, steps):
                self.doing = {"text": f"block {block}", "share": (step + 1) / steps}
            case Iterated(block, iteration):
                text = f"block {block}, drag iteration {iteration.index + 1}"
                self.doing = {"text": text, "share": None}
            case BlockMade(block):
                self.made, self.doing = block, None
            case StatusChanged():
                self.clear()
            case _:
                self.made = None
