"""`History`: undo and redo of the scenes of a canvas, shared with the page."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

SceneT = TypeVar("SceneT")

LONGEST = 100
"""Steps that can be taken back; older ones are forgotten."""


class History(Generic[SceneT]):
    """Immutable scenes in the order in which they were made, and the index of the current one.

    The page keeps a history of its own, so that undo works while Python computes. Both call a
    step by the same number, so that either side can take back what the other did; numbers come
    from the clock, so that both sides choose different ones while a message is under way. The twin
    is ``widgets/drag_canvas/history.ts``.
    """

    def __init__(self, scene: SceneT) -> None:
        self._steps = [(0, scene)]
        self._place = 0

    @property
    def number(self) -> int:
        """The number of the current step."""
        return self._steps[self._place][0]

    @property
    def scene(self) -> SceneT:
        """The current scene."""
        return self._steps[self._place][1]

    def add(self, scene: SceneT) -> None:
        """Add a step; undone steps can no longer be redone."""
        numbers = self._numbers
        number = time.time_ns() // 1_000_000
        while number in numbers:
            number += 1
        self.follow(number, scene)

    def follow(self, number: int, scene: SceneT) -> None:
        """Adopt a change of the page: a known step, or a new one.

        A change with the current number replaces the current step: keys that nudge, and sliders,
        make many changes and one step.
        """
        numbers = self._numbers
        if number in numbers:
            same = number == self.number
            self._place = numbers.index(number)
            if same and scene != self.scene:
                del self._steps[self._place + 1 :]
            self._steps[self._place] = (number, scene)
            return
        self._steps[self._place + 1 :] = [(number, scene)]
        del self._steps[: -LONGEST - 1]
        self._place = len(self._steps) - 1

    def back(self) -> None:
        """Go one step back."""
        if self._place == 0:
            raise RuntimeError("there is nothing to undo")
        self._place -= 1

    def forth(self) -> None:
        """Go one step forth again."""
        if self._place == len(self._steps) - 1:
            raise RuntimeError("there is nothing to redo")
        self._place += 1

    @property
    def _numbers(self) -> list[int]:
        return [number for number, _ in self._steps]
