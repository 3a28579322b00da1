"""`Combined`: several motions of one region at once, their maps applied one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from dragstream.drags.checks import check_kind, check_sequence, set_fields
from dragstream.drags.geometry import Affine
from dragstream.drags.motions.base import Motion
from dragstream.drags.shapes import BoolMask

MOST_PARTS = 16
"""Most motions that one combines."""


@dataclass(frozen=True, init=False)
class Combined(Motion):
    """Move a region by several motions at once: at each moment, the first map, then the next.

    ```python
    ds.Combined([ds.Scale((64, 40), 1.5), ds.Translation.by(24, 0)])  # it grows on its way
    ```

    The points of each motion are those that the ones before it lead to. Pinned motions keep their
    own times; the others last as long as the longest pinned one, or else as long as the drag.

    Args:
        of: The motions, at least one; combined ones count as their parts.

    Raises:
        TypeError: An element is no `Motion`.
        ValueError: There is none, or more than 16.
    """

    kind: ClassVar[str] = "combined"

    of: tuple[Motion, ...]

    def __init__(self, of: Iterable[Motion]) -> None:
        parts: list[Motion] = []
        for index, motion in enumerate(check_sequence(of, "of", "motions")):
            parts += parts_of(check_kind(motion, Motion, f"of[{index}]"))
        if len(parts) > MOST_PARTS:
            raise ValueError(f"at most {MOST_PARTS} motions are combined, got {len(parts)}")
        set_fields(self, of=tuple(parts))

    def at(self, fraction: float) -> Affine:
        return self._chain(fraction, 1.0)

    def partway(self, fraction: float, share: float) -> Affine:
        """See `Motion.partway`: each motion at that share of its displacement."""
        return self._chain(fraction, share)

    def _chain(self, fraction: float, share: float) -> Affine:
        maps = (part.partway(self._time(part, fraction), share) for part in self.of)
        return reduce(Affine.then, maps)

    def _time(self, part: Motion, fraction: float) -> float:
        """The fraction of a part's own time."""
        whole, own = self.duration, part.duration
        return fraction if whole is None or own is None else min(1.0, fraction * whole / own)

    @property
    def duration(self) -> float | None:
        """See `Motion.duration`: that of the longest pinned motion."""
        return max((part.duration for part in self.of if part.duration is not None), default=None)

    def handle(self, mask: BoolMask) -> BoolMask:
        """See `Motion.handle`: the pixels that all of the motions move."""
        for part in self.of:
            mask = part.handle(mask)
        return mask


def parts_of(motion: Motion) -> tuple[Motion, ...]:
    """The motions that a combined one has, or the motion itself."""
    return motion.of if isinstance(motion, Combined) else (motion,)
