"""The Markdown table of the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MISSING = "–"
_THOUSANDTHS = {"s": "ms", "GB": "MB"}


def table(about: Mapping[str, Any], outcomes: Mapping[str, Any]) -> str:
    """One table of all parts, a line above it that says what was measured on what."""
    lines = [
        "; ".join(f"{name}: {value}" for name, value in about.items()),
        "",
        "| | | | | |",
        "|---|--:|--:|--:|---|",
    ]
    for outcome in outcomes.values():
        heads = (f"*{column}*" if column else "" for column in outcome["columns"])
        lines.append(_line(f"**{outcome['title']}**", *heads, ""))
        lines += [_line(*_cells(row)) for row in outcome["rows"]]
        if outcome["ended"]:
            lines.append(_line("", "", "", "", f"ended early: {outcome['ended']}"))
    if len({outcome["code"] for outcome in outcomes.values()}) > 1:
        names = (f"{name} {outcome['code']}" for name, outcome in outcomes.items())
        lines += ["", f"Parts were measured with different code: {', '.join(names)}."]
    return "\n".join(lines) + "\n"


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["name"]
    for name in ("own", "beside"):
        yield _spread(row[name], row["unit"])
    yield _spread(row["ratio"], "")
    yield row["note"]


def _spread(found: Mapping[str, float] | None, unit: str) -> str:
    """The middle, and the least and greatest in brackets where they differ from it."""
    if found is None:
        return _MISSING
    values = [found[name] for name in ("median", "least", "most")]
    if unit in _THOUSANDTHS and found["most"] < 1:
        values, unit = [1000 * value for value in values], _THOUSANDTHS[unit]
    middle, least, most = (_number(value) for value in values)
    text = f"{middle} {unit}".rstrip()
    return text if least == most else f"{text} ({least} to {most})"


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    digits = 2 if abs(value) >= 1 else 3
    return f"{value:.{digits if abs(value) < 10 else 1}f}"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
