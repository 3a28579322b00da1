"""What may be read of one document or file altogether: `Budget`."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budget:
    """How much of several things may still be read, all parts of a file together.

    Limits of single parts do not bound a file that holds many of them.

    Args:
        seconds: How long reading may take, from now on; None for any time.
        clock: Seconds from anywhere on.
        most: How much of each thing, by the name that messages use, such as `drags=256`. What is
            not named is not limited.
    """

    def __init__(
        self,
        *,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        **most: int,
    ) -> None:
        self._most = most
        self._left = dict(most)
        self._seconds = seconds
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds

    def spend(self, thing: str, amount: int, where: str) -> None:
        """Take an amount of something.

        Raises:
            ValueError: More than is left, or the time is over; the message says where.
        """
        if self._end is not None and self._clock() > self._end:
            raise ValueError(f"{where}: reading takes longer than {self._seconds:g} seconds")
        if thing not in self._left:
            return
        if amount > self._left[thing]:
            name = thing.replace("_", " ")
            raise ValueError(f"{where}: at most {self._most[thing]} {name} are read altogether")
        self._left[thing] -= amount
