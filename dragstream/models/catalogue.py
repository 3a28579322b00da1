"""The list of loadable models, printed as a table."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any, Self


class Catalogue(tuple[str, ...]):  # noqa: SLOT001 - a tuple with slots cannot hold more
    """The names of models: a tuple that prints as a table of descriptions and requirements.

    Args:
        rows: Name, description, size of the download and requirements of each model.
        note: Text below the table.
    """

    rows: tuple[tuple[str, str, str, str], ...]
    note: str

    def __new__(cls, rows: Iterable[tuple[str, str, str, str]], note: str = "") -> Self:
        """Make the tuple of the names, in their order."""
        listed = tuple(rows)
        catalogue = super().__new__(cls, (row[0] for row in listed))
        catalogue.rows, catalogue.note = listed, note
        return catalogue

    def _table(self) -> Any:
        import pandas as pd

        return pd.DataFrame(self.rows, columns=["name", "what it is", "download", "needs"])

    def __repr__(self) -> str:
        widths = [f"{{:{max(map(len, column))}}}".format for column in zip(*self.rows, strict=True)]
        table = self._table().to_string(index=False, justify="left", formatters=widths)
        return f"{table}\n{self.note}"

    def _repr_html_(self) -> str:
        return f"{self._table().to_html(index=False, border=0)}<p>{html.escape(self.note)}</p>"
