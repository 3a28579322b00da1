"""Widgets for Jupyter, imported when they are first used.

```python
from dragstream.widgets import DragCanvas

canvas = DragCanvas(stream)  # paint a region, pull it
canvas.drags
```
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragstream.widgets.drag_canvas import DragCanvas
    from dragstream.widgets.drift_plot import DriftPlot
    from dragstream.widgets.entries import Entry
    from dragstream.widgets.feature_view import FeatureView
    from dragstream.widgets.studio import Studio
    from dragstream.widgets.timeline import Timeline

__all__ = ["DragCanvas", "DriftPlot", "Entry", "FeatureView", "Studio", "Timeline"]

_HOMES = {
    "DragCanvas": "dragstream.widgets.drag_canvas",
    "DriftPlot": "dragstream.widgets.drift_plot",
    "Entry": "dragstream.widgets.entries",
    "FeatureView": "dragstream.widgets.feature_view",
    "Studio": "dragstream.widgets.studio",
    "Timeline": "dragstream.widgets.timeline",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(_HOMES[name])
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in {
            "anywidget",
            "ipycanvas",
            "ipywidgets",
            "matplotlib",
            "traitlets",
        }:
            raise
        raise ImportError(
            f'{name} needs {error.name}, which is not installed: pip install "dragstream[lab]"'
        ) from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return __all__
