"""`Budget`: limits for the contents of a document or file as a whole."""

from __future__ import annotations


class Budget:
    """Counts what is read of a file against one limit for each kind of content.

    Limits of single parts do not bound a file that holds many of them.
    """

    def __init__(self, **most: int) -> None:
        self._most = most
        self._left = dict(most)

    def spend(self, thing: str, amount: int, where: str) -> None:
        """Count an amount of one kind."""
        if thing not in self._left:
            return
        if amount > self._left[thing]:
            name = thing.replace("_", " ")
            raise ValueError(f"{where}: at most {self._most[thing]} {name} are read altogether")
        self._left[thing] -= amount
