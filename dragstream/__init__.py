"""DragStream: drag anything in a video while a model is generating it.

```python
import dragstream as ds

stream = ds.Stream(ds.load("playground"), prompt="a red critter slides right past a blue box")
stream.run(3)
disc = ds.regions.disc(center=(64, 40), radius=14)
stream.animate([ds.Drag(disc, ds.Translation.by(24, 0))], blocks=2)
```

The names below are imported when they are first used, so `import dragstream` costs milliseconds
and touches neither torch nor a GPU.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragstream import metrics, models, plots
    from dragstream.drags import regions
    from dragstream.drags.motions import (
        Deformation,
        Drag,
        Memory,
        Path,
        Rotation,
        Scale,
        Translation,
    )
    from dragstream.method.frequency import LowPass
    from dragstream.method.settings import DragSettings
    from dragstream.models import load
    from dragstream.models.plan import plan
    from dragstream.stream.live import LiveStream
    from dragstream.stream.records import Block
    from dragstream.stream.stream import Stream

__version__ = "0.1.0"

__all__ = [
    "Block",
    "Deformation",
    "Drag",
    "DragSettings",
    "LiveStream",
    "LowPass",
    "Memory",
    "Path",
    "Rotation",
    "Scale",
    "Stream",
    "Translation",
    "__version__",
    "load",
    "metrics",
    "models",
    "plan",
    "plots",
    "regions",
]

# Where each public name lives: (module, attribute); no attribute means the module itself.
_HOMES: dict[str, tuple[str, str | None]] = {
    "Block": ("dragstream.stream.records", "Block"),
    "Deformation": ("dragstream.drags.motions", "Deformation"),
    "Drag": ("dragstream.drags.motions", "Drag"),
    "DragSettings": ("dragstream.method.settings", "DragSettings"),
    "LiveStream": ("dragstream.stream.live", "LiveStream"),
    "LowPass": ("dragstream.method.frequency", "LowPass"),
    "Memory": ("dragstream.drags.motions", "Memory"),
    "Path": ("dragstream.drags.motions", "Path"),
    "Rotation": ("dragstream.drags.motions", "Rotation"),
    "Scale": ("dragstream.drags.motions", "Scale"),
    "Stream": ("dragstream.stream.stream", "Stream"),
    "Translation": ("dragstream.drags.motions", "Translation"),
    "load": ("dragstream.models", "load"),
    "metrics": ("dragstream.metrics", None),
    "models": ("dragstream.models", None),
    "plan": ("dragstream.models.plan", "plan"),
    "plots": ("dragstream.plots", None),
    "regions": ("dragstream.drags.regions", None),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module 'dragstream' has no attribute {name!r}; it has {', '.join(__all__)}"
        raise AttributeError(message)
    module_name, attribute = _HOMES[name]
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
