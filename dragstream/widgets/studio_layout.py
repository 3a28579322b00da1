"""The layout of the studio: boxes that its style sheet places, and parts that fold away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ipywidgets

_GRID = "display: grid; grid-template-columns: minmax(0, 1fr); gap: 8px; align-content: start"


def grid(**places: Iterable[ipywidgets.Widget]) -> ipywidgets.Box:
    """Widgets in boxes with the class names ``dragstream-<place>``."""
    boxes = []
    for name, children in places.items():
        box = ipywidgets.Box(children=[*children])
        box.add_class(f"dragstream-{name}")
        boxes.append(box)
    made = ipywidgets.Box(children=boxes)
    made.add_class("dragstream-grid")
    return made


def fold(child: ipywidgets.Widget, title: str, *, is_open: bool) -> ipywidgets.Accordion:
    """A part with a title that folds it away."""
    made = ipywidgets.Accordion(
        children=[child], titles=[title], selected_index=0 if is_open else None
    )
    made.add_class("dragstream-fold")
    return made


def close_all(box: ipywidgets.Box) -> None:
    """Close all widgets in a box, also in nested boxes, but not the box itself."""
    for child in box.children:
        if isinstance(child, ipywidgets.Box):
            close_all(child)
        child.close()


def marimo_layout(
    bar: Any, stage: Sequence[Any], side: Sequence[Any], folded: Mapping[str, Any]
) -> Any:
    """Anywidgets as one `marimo.Html`, since marimo shows no boxes of ipywidgets.

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
