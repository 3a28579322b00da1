"""What can be loaded, as a list that also reads well."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Entry:
    """A model that can be loaded.

    Attributes:
        name: What `ds.load` knows it by.
        summary: What it is.
        size: What has to be downloaded.
        needs: What it takes to run it.
    """

    name: str
    summary: str = ""
    size: str = ""
    needs: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The columns of the table."""
        return self.name, self.summary, self.size, self.needs


_HEADS = ("name", "what it is", "download", "needs")


class Catalogue(tuple[str, ...]):  # noqa: SLOT001 - a tuple with slots cannot hold more
    """The names of models: a tuple, which prints as a table of what they are and need.

    Args:
        entries: The models.
        note: What is to be said below the table.
    """

    entries: tuple[Entry, ...]
    note: str

    def __new__(cls, entries: Iterable[Entry], note: str = "") -> Self:
        """The names of entries, in their order."""
        listed = tuple(entries)
        catalogue = super().__new__(cls, (entry.name for entry in listed))
        catalogue.entries, catalogue.note = listed, note
        return catalogue

    def __repr__(self) -> str:
        rows = [_HEADS, *(entry.cells for entry in self.entries)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join((*lines, *(self.note.splitlines())))

    def _repr_html_(self) -> str:
        def line(cells: Iterable[str], tag: str) -> str:
            style = ' style="text-align: left"'
            inner = "".join(f"<{tag}{style}>{html.escape(cell)}</{tag}>" for cell in cells)
            return f"<tr>{inner}</tr>"

        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        body = "".join(line(entry.cells, "td") for entry in self.entries)
        return f"<table><thead>{line(_HEADS, 'th')}</thead><tbody>{body}</tbody></table>{note}"
