"""The list of loadable models, printed as a table."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class ModelEntry:
    """A loadable model."""

    name: str  # the name that `ds.load` accepts
    summary: str = ""
    size: str = ""  # the size of the download
    needs: str = ""

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The cells of the model's table row."""
        return self.name, self.summary, self.size, self.needs


_HEADS = ("name", "what it is", "download", "needs")


class Catalogue(tuple[str, ...]):  # noqa: SLOT001 - a tuple with slots cannot hold more
    """The names of models: a tuple that prints as a table of descriptions and requirements."""

    entries: tuple[ModelEntry, ...]
    note: str  # text below the table

    def __new__(cls, entries: Iterable[ModelEntry], note: str = "") -> Self:
        """Make the tuple of the entries' names, in their order."""
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
