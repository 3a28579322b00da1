"""The state of a timeline for its page, with run-length coded numbers to keep it small."""

from __future__ import annotations

import itertools
import weakref
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dragstream.drags.checks import check_int
from dragstream.stream.records import Mode
from dragstream.widgets.branches import Tree, shared_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dragstream.stream.records import Block
    from dragstream.stream.stream import Stream


class Keys:
    """A number for each block, the same in all forks that share it."""

    def __init__(self) -> None:
        self._numbers: weakref.WeakKeyDictionary[Block, int] = weakref.WeakKeyDictionary()
        self._next = itertools.count()

    def of(self, block: Block) -> int:
        """The number of a block."""
        found = self._numbers.get(block)
        return self._numbers.setdefault(block, next(self._next)) if found is None else found


def runs(values: Iterable[int], step: int = 0) -> list[list[int]]:
    """Integers as [first, count] of runs in which each is `step` more than the one before."""
    found: list[list[int]] = []
    for value in values:
        if found and value == found[-1][0] + step * found[-1][1]:
            found[-1][1] += 1
        else:
            found.append([value, 1])
    return found


def frame_count(blocks: Sequence[Block]) -> int:
    """Number of video frames of a stream's first blocks."""
    return blocks[-1].video_frames.stop if blocks else 0


def given_blocks(blocks: Sequence[Block]) -> int:
    """Number of blocks that the stream was started with; they cannot be rewound."""
    given = ((*block.earlier, block.call)[0].mode is Mode.IMAGE for block in blocks)
    return sum(1 for _ in itertools.takewhile(bool, given))


def block_at(blocks: Sequence[Block], frame: int) -> Block:
    """The block that shows a video frame."""
    wanted, count = check_int(frame, "frame", least=0), frame_count(blocks)
    if wanted >= count:
        there = f"there are frames 0 to {count - 1}" if count else "there are no frames yet"
        raise ValueError(f"frame {wanted} does not exist: {there}")
    return blocks[bisect_right(blocks, wanted, key=lambda block: block.first_frame) - 1]


def summary(tree: Tree, streams: Mapping[str, Stream], keys: Keys) -> dict[str, Any]:
    """The current branch block by block, and all branches, as `SessionState` of the front end."""
    blocks = {name: stream.blocks for name, stream in streams.items()}
    ours = blocks[tree.current]
    spec = streams[tree.current].model.spec
    numbers = runs(map(keys.of, ours), step=1)  # first, so that they begin in order
    return {
        "branch": tree.current,
        "branches": [
            {
                "name": branch.name,
                "parent": branch.parent,
                "at": 0
                if branch.parent is None
                else shared_blocks(blocks[branch.name], blocks[branch.parent]),
                "blocks": len(blocks[branch.name]),
                "frames": frame_count(blocks[branch.name]),
                "shared": (common := shared_blocks(ours, blocks[branch.name])),
                "sharedFrames": frame_count(ours[:common]),
                "tip": keys.of(blocks[branch.name][-1]) if blocks[branch.name] else -1,
            }
            for branch in tree.branches
        ],
        "keys": numbers,
        "lengths": runs(len(block.frames) for block in ours),
        "marks": [_mark(block) for block in ours if block.mode is not Mode.STEP],
        "prompts": _prompts(ours),
        "least": given_blocks(ours),
        "latentFrames": spec.frames_per_block,
        "temporalFactor": spec.clock.temporal_factor,
        "frameRate": spec.clock.frame_rate,
        "width": spec.grid.width,
        "height": spec.grid.height,
    }


def _mark(block: Block) -> list[Any]:
    kinds = [type(drag.motion).__name__ for drag in block.drags]
    return [block.index, block.mode.value, *block.part, kinds, len(block.iterations)]


def _prompts(blocks: Sequence[Block]) -> list[list[Any]]:
    """The changes of the caption: [block, caption]."""
    changed: list[list[Any]] = []
    for block in blocks:
        if not changed or changed[-1][1] != block.prompt:
            changed.append([block.index, block.prompt])
    return changed
