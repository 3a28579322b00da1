"""The Studio's status line: durations, memory, and the block that a live stream is making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from dragstream.drags.process import resident_bytes
from dragstream.stream.events import BlockMade, Event, Iterated, Progress, StatusChanged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dragstream.stream.records import Block

_GIGABYTE = 2**30
_QUICK = 1.0  # seconds of a block after which the progress of the next one is not shown


@dataclass(frozen=True)
class Figure:
    """A number with a name, as the page shows it."""

    name: str
    value: str
    unit: str
    tip: str


def figures(blocks: Sequence[Block], latency: float | None = None) -> list[Figure]:
    """Durations of the newest blocks, the latency in milliseconds, and memory in use."""
    known = []
    if blocks and blocks[-1].timings.total:
        milliseconds = 1000 * blocks[-1].timings.total
        rate = len(blocks[-1].frames) / blocks[-1].timings.total
        tip = f"The newest block took this long: {rate:.1f} video frames a second"
        known.append(Figure("block", f"{milliseconds:.0f}", "ms", tip))
    dragged = next((block for block in reversed(blocks[-50:]) if block.iterations), None)
    if dragged is not None:
        count = len(dragged.iterations)
        milliseconds = 1000 * dragged.timings.drag / count
        tip = f"Each of the {count} drag iterations of block {dragged.index}, on average"
        known.append(Figure("iteration", f"{milliseconds:.0f}", "ms", tip))
    if latency is not None:
        tip = "From the last move of the pointer that a block used to its first picture on the page"
        known.append(Figure("pointer", f"{latency:.0f}", "ms", tip))
    return [*known, _memory(), *_accelerator()]


def _memory() -> Figure:
    tip = "Memory that the kernel's process holds"
    return Figure("memory", f"{resident_bytes() / _GIGABYTE:.2f}", "GiB", tip)


def _accelerator() -> list[Figure]:
    """Memory of tensors on the GPU, if one is in use."""
    if not (torch.cuda.is_available() and torch.cuda.is_initialized()):
        return []
    held = torch.cuda.memory_allocated()
    whole = torch.cuda.mem_get_info()[1]
    tip = f"Tensors on {torch.cuda.get_device_name()}, of {whole / _GIGABYTE:.0f} GiB"
    return [Figure("GPU", f"{held / _GIGABYTE:.2f}", "GiB", tip)]


class Activity:
    """Progress within a block, and the finished block that the stream does not hold yet."""

    def __init__(self) -> None:
        self.doing: dict[str, Any] | None = None
        """Text and fraction done of the current work, as JSON."""
        self.made: Block | None = None
        """A finished block that comes after the stream's own."""
        self._quick = False  # the newest block was quick

    def clear(self) -> None:
        """Forget both."""
        self.doing = self.made = None

    def update(self, event: Event) -> None:
        """Apply an event of the live stream."""
        match event:
            case Progress() if self._quick:  # one message a block is enough
                self.doing = None
            case Progress(block, step, steps):
                self.doing = {"text": f"block {block}", "share": (step + 1) / steps}
            case Iterated(block, iteration):
                text = f"block {block}, drag iteration {iteration.index + 1}"
                self.doing = {"text": text, "share": None}
            case BlockMade(block):
                self.made, self.doing = block, None
                self._quick = block.timings.total < _QUICK
            case StatusChanged():
                self.clear()
            case _:
                self.made = None
