"""Undo and redo on a canvas: what stood on it, step by step."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

LONGEST = 100
"""Steps that can be taken back; older ones are forgotten."""


@dataclass(frozen=True)
class Scene:
    """What a step leads back to, as JSON: drags and keep region, their looks, the new region."""

    state: dict[str, Any]
    looks: list[Any]
    draft: Any


class History:
    """Scenes in the order in which they were made, and which of them stands now.

    The page keeps a history of its own, so that undo works while Python computes. Both call a
    step by the same number, so that either side can take back what the other did; numbers come
    from the clock, so that sides that do not hear of one another choose different ones. The twin
    is ``widgets/drag_canvas/history.ts``.
    """

    def __init__(self, scene: Scene) -> None:
        self._steps = [(0, scene)]
        self._place = 0

    @property
    def number(self) -> int:
        """What the present step is called."""
        return self._steps[self._place][0]

    @property
    def scene(self) -> Scene:
        """What stands now."""
        return self._steps[self._place][1]

    def add(self, scene: Scene) -> None:
        """Begin a new step; what was taken back before can no longer be redone."""
        numbers = self._numbers
        number = time.time_ns() // 1_000_000
        while number in numbers:
            number += 1
        self.follow(number, scene)

    def follow(self, number: int, scene: Scene) -> None:
        """Take over a change of the page: to a step that is known, or to a new one.

        A change that bears the present number belongs to the present step: keys that nudge, and
        sliders, make many changes and one step.
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
        """Go one step back.

        Raises:
            RuntimeError: There is none.
        """
        if self._place == 0:
            raise RuntimeError("there is nothing to undo")
        self._place -= 1

    def forth(self) -> None:
        """Go one step forth again.

        Raises:
            RuntimeError: Nothing was taken back, or something was changed since.
        """
        if self._place == len(self._steps) - 1:
            raise RuntimeError("there is nothing to redo")
        self._place += 1

    @property
    def _numbers(self) -> list[int]:
        return [number for number, _ in self._steps]
