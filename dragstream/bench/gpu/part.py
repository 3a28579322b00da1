"""`Part`: measurements that belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dragstream.bench.gpu.rows import Row
from dragstream.bench.gpu.setup import Setup


@dataclass(frozen=True)
class Part:
    """Measurements that belong together."""

    name: str  # the name on the command line and in the results
    title: str  # what is measured, for the table
    columns: tuple[str, str, str]  # what `own`, `beside` and `ratio` are in its rows
    seconds: float  # the time that it may take; it is stopped then
    run: Callable[[Setup], Iterator[Row]]  # measures; yields rows as they are known
