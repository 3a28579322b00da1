"""`Rerun`: a drag repeated on a fork with other settings: same past, same noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dragstream.method.settings import DragSettings
from dragstream.stream.records import Block, Call, Mode
from dragstream.stream.stream import Stream

if TYPE_CHECKING:
    from dragstream.method.base import DragMethod
    from dragstream.method.iteration import Iteration

Callback = Callable[["Iteration"], Any]


@dataclass(frozen=True, eq=False)
class Rerun:
    """A drag to repeat.

    Attributes:
        fork: A fork of the stream, without the drag.
        before: Calls to repeat first: those that made the block which was edited then.
        call: The drag.
        settings: The settings of the repetition.
        first: The first block that the drag made.
    """

    fork: Stream
    before: tuple[Call, ...]
    call: Call
    settings: DragSettings
    first: Block

    @property
    def place(self) -> int:
        """Number of the block that it begins with."""
        return self.first.index

    @classmethod
    def without_rectification(cls, stream: Stream, first: Block) -> Rerun:
        """The call that made a block, without rectification (Eq. 4).

        Args:
            stream: The stream of the block.
            first: The first block that the call made.

        Raises:
            ValueError: A block that was not dragged, or not rectified; an edited block of which
                it is unknown how it was made before.
        """
        call = first.call
        if call.settings is None:
            raise ValueError(f"block {first.index} was not dragged: there is nothing to compare")
        settings = call.settings
        if not isinstance(settings, DragSettings) or settings.rectification is False:
            raise ValueError(f"block {first.index} was dragged without rectification already")
        settings = replace(settings, rectification=False)
        if first.earlier:  # edited, or a whole clip made again with the motion in it
            return cls(_origin(stream, first), first.earlier, call, settings, first)
        if call.mode is Mode.EDIT:
            raise ValueError(
                f"block {first.index} was edited, and it is unknown how it was made before"
            )
        return cls(stream.fork(at=first.index), (), call, settings, first)

    def run(self, callback: Callback) -> Stream:
        """Repeat the drag; `callback` is called after each iteration, and may raise to stop.

        Raises:
            Exception: What generating raises, and `callback`.
        """
        for call in self.before:
            _repeat(self.fork, call, call.settings, None)
            if len(self.fork) > self.place + 1:  # an animation went on after the block
                self.fork.rewind(self.place + 1)
        _repeat(self.fork, self.call, self.settings, callback)
        return self.fork


def _origin(stream: Stream, block: Block) -> Stream:
    """A fork in which the first of the earlier calls of a block can be repeated."""
    first = block.earlier[0]
    if first.mode is Mode.ANIMATE:
        return stream.fork(at=block.index - first.part[0])
    if first.mode is not Mode.IMAGE:
        return stream.fork(at=block.index)
    beginning = stream.blocks[0]
    if beginning.picture is None is beginning.footage:
        raise ValueError(f"block {block.index} cannot be made again: its picture is not kept")
    return Stream(
        stream.model,
        block.prompt,
        stream.seed,
        beginning.picture,
        video=beginning.footage,
    )


def _repeat(
    stream: Stream, call: Call, settings: DragMethod | None, callback: Callback | None
) -> None:
    if call.mode is Mode.STEP:
        stream.step()
    elif call.mode is Mode.EDIT:
        stream.edit(call.drags, call.keep, settings, callback)
    elif call.mode is Mode.ANIMATE:
        stream.animate(call.drags, call.part[1], call.keep, settings, callback)
