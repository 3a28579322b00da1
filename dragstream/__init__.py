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

import lazy_loader

__version__ = "0.2.0.dev0"

_find, _, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = ["__version__", *_names]  # noqa: PLE0604 - the stub's names are strings


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
    return _find(name)


def __dir__() -> list[str]:
    return [*__all__]
