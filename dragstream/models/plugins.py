"""Models of other packages, found by their entry points.

A package offers a model under a name of its own through the entry point of a function that builds
it:

```toml
[project.entry-points."dragstream.models"]
echo = "dragstream_echo:load"
```

Once it is installed, `ds.load("echo")` calls that function, and `ds.models.available()` lists the
name. Listing imports nothing; only loading a model runs its package's code.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from dragstream.models.base import VideoModel

GROUP = "dragstream.models"
"""The entry point group."""


def names() -> tuple[str, ...]:
    """Return the names that installed packages offer, in alphabetical order."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def load(name: str) -> VideoModel:
    """Load the model that an installed package offers under a name.

    Raises:
        ValueError: No package offers it, or more than one does.
        TypeError: The returned object is not a `VideoModel`; the message names the missing members.
        ImportError: The package cannot be imported, or lacks the function of its entry point.
    """
    found = _single(name)
    try:
        make = found.load()
    except AttributeError as error:
        raise ImportError(f"{_origin(found)} announces {found.value}: {error}") from error
    if not callable(make):
        raise TypeError(f"{_origin(found)} must announce a function that makes it, got {make!r}")
    model = make()
    if not isinstance(model, VideoModel):
        wanted = sorted(member for member in vars(VideoModel) if not member.startswith("_"))
        missing = [member for member in wanted if not hasattr(model, member)]
        raise TypeError(
            f"{_origin(found)} must make a VideoModel, got {type(model).__name__}, "
            f"which lacks {', '.join(missing)}"
        )
    return model


def _single(name: str) -> EntryPoint:
    found = {(entry.value, _owner(entry)): entry for entry in entry_points(group=GROUP, name=name)}
    if not found:
        raise ValueError(f"no installed package offers a model {name!r}; offered: {names()}")
    if len(found) > 1:
        owners = ", ".join(sorted(owner for _, owner in found))
        raise ValueError(f"the model {name!r} is offered by more than one package: {owners}")
    return next(iter(found.values()))


def _owner(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.value


def _origin(entry: EntryPoint) -> str:
    return f"the model {entry.name!r} of {_owner(entry)!r}"
