"""Reports as pages: Markdown and HTML in which all text is text."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")
"""Characters that Markdown would read as markup."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]+")
"""Line breaks, and what no page can hold."""

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.87rem; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid #8886; text-align: right; }
th { vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
td { white-space: nowrap; font-variant-numeric: tabular-nums; }
img { max-width: 100%; background: white; border-radius: 4px; }
"""


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; the first column is text, the others are numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A PNG with a file name and an alternative text."""

    name: str
    png: bytes
    words: str


@dataclass(frozen=True)
class Section:
    """Part of a report."""

    title: str
    parts: Sequence[str | Table | Picture]


@dataclass(frozen=True)
class Report:
    """A title and sections."""

    title: str
    sections: Sequence[Section]


def to_markdown(report: Report, plots: str) -> str:
    """A report as Markdown whose pictures lie in the folder `plots`."""
    lines = [f"# {escaped(report.title)}"]
    for section in report.sections:
        lines += ["", f"## {escaped(section.title)}"]
        for part in section.parts:
            lines.append("")
            if isinstance(part, str):
                lines.append(escaped(part))
            elif isinstance(part, Table):
                rows = (map(escaped, row) for row in part.rows)
                lines += table_lines([escaped(cell) for cell in part.head], rows)
            else:
                lines.append(f"![{escaped(part.words)}]({plots}/{part.name}.png)")
    return "\n".join(lines) + "\n"


def table_lines(head: Sequence[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A Markdown table in lines; the first column is text, the others are numbers."""
    rule = "|---" + "|--:" * (len(head) - 1) + "|"
    return [_line(head), rule, *map(_line, rows)]


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def escaped(text: str) -> str:
    """A text on one line of Markdown, none of which is markup."""
    return _MARKUP.sub(r"\\\1", _CONTROL.sub(" ", text))


def to_html(report: Report) -> str:
    """A report as one HTML page with its pictures inside."""
    body = [f"<h1>{_text(report.title)}</h1>"]
    for section in report.sections:
        body += [f"<h2>{_text(section.title)}</h2>", *map(_html, section.parts)]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_text(report.title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join([*body, "</body></html>\n"])
    )


def _text(text: str) -> str:
    """A text that cannot become markup."""
    return html.escape(_CONTROL.sub(" ", text))


def _html(part: str | Table | Picture) -> str:
    if isinstance(part, str):
        return f"<p>{_text(part)}</p>"
    if isinstance(part, Picture):
        data = base64.b64encode(part.png).decode("ascii")
        return f'<p><img src="data:image/png;base64,{data}" alt="{_text(part.words)}"></p>'
    head = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in part.head)
    rows = ("".join(f"<td>{_text(cell)}</td>" for cell in row) for row in part.rows)
    lines = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<div><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
