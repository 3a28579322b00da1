"""Widgets for Jupyter, imported when they are first used.

```python
from dragstream.widgets import DragCanvas

canvas = DragCanvas(stream)  # paint a region, pull it
canvas.drags
```
"""

import lazy_loader

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

_LAB = {"anywidget", "ipycanvas", "ipywidgets", "matplotlib", "traitlets"}


def __getattr__(name: str) -> object:
    try:
        return _find(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _LAB:
            raise
        raise ImportError(
            f'{name} needs {error.name}, which is not installed: pip install "dragstream[widgets]"'
        ) from error
