"""The studio's layout in marimo, which shows anywidgets but no boxes of ipywidgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["layout"]

_GRID = "display: grid; grid-template-columns: minmax(0, 1fr); gap: 8px; align-content: start"


def layout(bar: Any, stage: Sequence[Any], side: Sequence[Any], folded: Mapping[str, Any]) -> Any:
    """Anywidgets as one `marimo.Html`: the bar above, the stage to the left, the side to the right.

    The parts of `folded`, by title, follow in the side; they are in no page until they are opened.
    """
    import marimo as mo

    columns = {
        "1 1 100%": [bar],
        "1.75 1 560px": stage,
        "1 1 300px": [*side, mo.accordion(dict(folded), multiple=True)],
    }
    boxes = ""
    for flex, parts in columns.items():
        inside = "".join(mo.as_html(part).text for part in parts)
        boxes += f'<div style="{_GRID}; min-width: 0; flex: {flex}">{inside}</div>'
    return mo.Html(f'<div style="display: flex; flex-wrap: wrap; gap: 8px">{boxes}</div>')
