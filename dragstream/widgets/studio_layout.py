"""The layout of the studio: boxes that its style sheet places, and parts that fold away."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets


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
    """Close what is inside a box, boxes and all, but not the box itself."""
    for child in box.children:
        if isinstance(child, ipywidgets.Box):
            close_all(child)
        child.close()
