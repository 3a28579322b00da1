"""`Part`: measurements that belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dragstream.bench.gpu.rows import Row
from dragstream.bench.gpu.setup import Setup


@dataclass(frozen=True)
class Part:
    """Measurements that belong together.

    Args:
        name: The name on the command line and in the results.
        title: What is measured, for the table.
        columns: What `own`, `beside` and `ratio` are in its rows.
        seconds: The time that it may take; it is stopped then.
        run: Measures; yields rows as they are known.
    """

    name: str
    title: str
    columns: tuple[str, str, str]
    seconds: float
    run: Callable[[Setup], Iterator[Row]]
