"""What generates: models by name, and the classes they are made of."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragstream.models import plugins
from dragstream.models.catalogue import Catalogue, Entry
from dragstream.models.wan.releases import RELEASES, Release

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

# Where the released models and those in folders are put together.
_WAN = "dragstream.models.wan.assembly"

_NOTE = """The released ones share a VAE and a text encoder (half a GB and 12 to 23 GB more, once).
ds.plan says how much memory they take."""

# Torch is imported only when one of these is asked for.
_HOMES = {
    "CausalWan": "dragstream.models.causal_wan",
    "CausalWanConfig": "dragstream.models.causal_config",
    "Context": "dragstream.models.base",
    "ModelSpec": "dragstream.models.base",
    "VideoModel": "dragstream.models.base",
}


def available() -> Catalogue:
    """The names that `load` knows, with what each model is, its download and what it needs.

    First the package's own, then the released ones, then those that other packages offer. It is a
    tuple of names that prints as a table.
    """
    own = Entry("playground", "a small world, in the package", "none", "any CPU")
    offered = (name for name in plugins.names() if name not in _MODELS and name not in RELEASES)
    return Catalogue(
        (
            own,
            *(_entry(release) for release in RELEASES.values()),
            *(Entry(name, "from another package") for name in offered),
        ),
        _NOTE,
    )


def _entry(release: Release) -> Entry:
    return Entry(
        release.name, release.summary, f"about {release.download_gb:g} GB", "a GPU, dragstream[wan]"
    )


def load(name: str | Path | Release, **options: Any) -> VideoModel:
    """Load a model by name, or from a folder.

    ```python
    model = ds.load("playground")
    model = ds.load("self-forcing", height=320, width=576, device="cuda")
    model = ds.load("/models/mine")
    ```

    Args:
        name: One of `available()`; "playground" comes with the package. Or a folder with a Wan
            model or with weights of the playground's training, or a `Release` of your own. A name
            that another package offers (see `dragstream.models.plugins`) runs that package's code.
        options: For Wan models, see `dragstream.models.wan.load`: where files are, which part works
            where, what is to differ from the release. Others take none.

    Raises:
        TypeError: `name` is no name, options that the model does not have, or another package's
            model is no `VideoModel`.
        ValueError: An unknown name, one that several packages offer, or weights that are damaged
            or of another model.
        FileNotFoundError: Weights that are not here and cannot be downloaded.
        MemoryError, OSError: Too little memory or disk; the message has sizes.
    """
    if not isinstance(name, str | Path | Release):
        raise TypeError(f"a model's name must be a string, a path or a Release, got {name!r}")
    if name in _MODELS or (name not in RELEASES and name in plugins.names()):
        if options:
            raise TypeError(f"{name!r} takes no options, got {', '.join(options)}")
        if name not in _MODELS:
            return plugins.load(str(name))
        model: VideoModel = importlib.import_module(_MODELS[str(name)]).load()
        return model
    playground = importlib.import_module(_MODELS["playground"])
    if not isinstance(name, Release) and playground.owns(folder := Path(name).expanduser()):
        if options:
            raise TypeError(f"the playground takes no options, got {', '.join(options)}")
        own: VideoModel = playground.load(folder)
        return own
    if isinstance(name, Release) or name in RELEASES or Path(name).expanduser().is_dir():
        loaded: VideoModel = importlib.import_module(_WAN).load(name, **options)
        return loaded
    raise ValueError(
        f"unknown model {str(name)!r}: neither a folder nor one of {', '.join(available())}"
    )


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
