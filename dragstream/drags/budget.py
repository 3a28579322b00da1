"""What may be read of one document or file altogether: `Budget`."""

from __future__ import annotations


class Budget:
    """How much of several things may still be read, all parts of a file together.

    Limits of single parts do not bound a file that holds many of them.

    Args:
        most: How much of each thing, by the name that messages use, such as `drags=256`. What is
            not named is not limited.
    """

    def __init__(self, **most: int) -> None:
        self._most = most
        self._left = dict(most)

    def spend(self, thing: str, amount: int, where: str) -> None:
        """Take an amount of something.

        Raises:
            ValueError: More than is left; the message says where.
        """
        if thing not in self._left:
            return
        if amount > self._left[thing]:
            name = thing.replace("_", " ")
            raise ValueError(f"{where}: at most {self._most[thing]} {name} are read altogether")
        self._left[thing] -= amount
