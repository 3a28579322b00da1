"""Small controls in one style: ipywidgets with names, tooltips and the same classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets

__all__ = ["choice", "close_all", "row", "slider", "switch"]


def row(*parts: ipywidgets.Widget, classes: Sequence[str] = ()) -> ipywidgets.Box:
    """Parts beside each other, in as many lines as they need."""
    box = ipywidgets.Box(children=parts)
    for name in ("dragstream-row", *classes):
        box.add_class(name)
    return box


def slider(
    name: str, low: float, high: float, tip: str, step: float | None = None
) -> ipywidgets.Widget:
    """A slider over whole numbers, or over steps of `step`."""
    shared: dict[str, Any] = {"description": name, "min": low, "max": high, "tooltip": tip}
    made = (
        ipywidgets.IntSlider(**shared)
        if step is None
        else ipywidgets.FloatSlider(**shared, step=step, readout_format=".2f")
    )
    made.add_class("dragstream-slider")
    return made


def choice(name: str, options: Sequence[tuple[str, Any]], tip: str) -> ipywidgets.Widget:
    """One of several, from a list that opens."""
    made = ipywidgets.Dropdown(description=name, options=options, tooltip=tip)
    made.add_class("dragstream-choice")
    return made


def switch(name: str, tip: str) -> ipywidgets.Widget:
    """On or off."""
    made = ipywidgets.Checkbox(description=name, indent=False, tooltip=tip)
    made.add_class("dragstream-switch")
    return made


def close_all(box: ipywidgets.Box) -> None:
    """Close what is inside a box, boxes and all, but not the box itself."""
    for child in box.children:
        if isinstance(child, ipywidgets.Box):
            close_all(child)
        child.close()
