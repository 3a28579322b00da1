"""What generates: models by name, and the classes they are made of."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from dragstream.models import plugins

if TYPE_CHECKING:
    from dragstream.models.base import Context, ModelSpec, VideoModel
    from dragstream.models.causal_config import CausalWanConfig
    from dragstream.models.causal_wan import CausalWan

__all__ = [
    "CausalWan",
    "CausalWanConfig",
    "Context",
    "ModelSpec",
    "VideoModel",
    "available",
    "load",
]

# A model's name and the module whose `load()` makes it.
_MODELS = {"playground": "dragstream.models.playground"}

# Torch is imported only when one of these is asked for.
_HOMES = {
    "CausalWan": "dragstream.models.causal_wan",
    "CausalWanConfig": "dragstream.models.causal_config",
    "Context": "dragstream.models.base",
    "ModelSpec": "dragstream.models.base",
    "VideoModel": "dragstream.models.base",
}


def available() -> tuple[str, ...]:
    """The names that `load` knows: the package's own, then those that other packages offer."""
    return (*_MODELS, *(name for name in plugins.names() if name not in _MODELS))


def load(name: str) -> VideoModel:
    """Load a model by name.

    Args:
        name: One of `available()`; "playground" comes with the package. A name that another
            package offers (see `dragstream.models.plugins`) runs that package's code.

    Raises:
        TypeError: `name` is not a string, or another package's model is no `VideoModel`.
        ValueError: An unknown name, or one that several packages offer.
    """
    if not isinstance(name, str):
        raise TypeError(f"a model's name must be a string, got {name!r}")
    if name not in _MODELS and name in plugins.names():
        return plugins.load(name)
    if name not in _MODELS:
        raise ValueError(f"unknown model {name!r}; available: {', '.join(available())}")
    model: VideoModel = importlib.import_module(_MODELS[name]).load()
    return model


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
