"""Models by name: `available` and `load`."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dragstream.drags.files import expanded
from dragstream.models import playground, plugins
from dragstream.models.wan.release import Release
from dragstream.models.wan.releases import RELEASES

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel
    from dragstream.models.plan import Plan

_NOTE = """Those on one base share VAE and text encoder (0.5 to 3 GB and 12 to 23 GB more, once).
ds.plan says how much memory they take."""


class Catalogue(tuple[str, ...]):  # noqa: SLOT001 - a tuple with slots cannot hold more
    """The names of models: a tuple that prints as a table of descriptions and requirements.

    Args:
        rows: Name, description, size of the download and requirements of each model.
        note: Text below the table.
    """

    rows: tuple[tuple[str, str, str, str], ...]
    note: str

    def __new__(cls, rows: Iterable[tuple[str, str, str, str]], note: str = "") -> Self:
        """Make the tuple of the names, in their order."""
        listed = tuple(rows)
        catalogue = super().__new__(cls, (row[0] for row in listed))
        catalogue.rows, catalogue.note = listed, note
        return catalogue

    def _table(self) -> Any:
        import pandas as pd

        return pd.DataFrame(self.rows, columns=["name", "what it is", "download", "needs"])

    def __repr__(self) -> str:
        widths = [f"{{:{max(map(len, column))}}}".format for column in zip(*self.rows, strict=True)]
        table = self._table().to_string(index=False, justify="left", formatters=widths)
        return f"{table}\n{self.note}"

    def _repr_html_(self) -> str:
        table = self._table().to_html(index=False, border=0, justify="left")
        return f"{table}<p>{html.escape(self.note)}</p>"


def available() -> Catalogue:
    """Return the names that `load` accepts, with each model's description, download and needs.

    The package's own models come first, then the released ones, then those of other packages. It is
    a tuple of names that prints as a table.
    """
    offered = (name for name in plugins.names() if name not in (*playground.NAMES, *RELEASES))
    return Catalogue(
        (
            *((name, text, "none", "any CPU") for name, text in playground.NAMES.items()),
            *(
                (it.name, it.summary, f"about {it.download_gb:g} GB", "a GPU, dragstream[wan]")
                for it in RELEASES.values()
            ),
            *((name, "from another package", "", "") for name in offered),
        ),
        _NOTE,
    )


def load(name: str | Path | Release | Plan, **options: Any) -> VideoModel:
    """Load a model by name, or from a folder.

    ```python
    model = ds.load("playground")
    model = ds.load("playground-fast")  # quicker, not as good
    model = ds.load("self-forcing", height=320, width=576, device="cuda")
    model = ds.load("/models/mine")
    model = ds.load(ds.plan("self-forcing", undo=2))  # checks the free memory first
    ```

    Args:
        name: One of `available()`; a folder with a Wan model or weights of the playground's
            training; a `Release` of your own; or a plan. The name of another package's model (see
            `dragstream.models.plugins`) runs that package's code.
        options: For Wan models, see `dragstream.models.wan.load`. The playground takes `dtype`
            ("bfloat16" is faster where the processor has instructions for it) and `attention`.
            Models of other packages take none.

    Raises:
        TypeError: Another type of name, an option that the model lacks, or no `VideoModel`.
        ValueError: An unknown or ambiguous name, or weights that are damaged or of another model.
        FileNotFoundError: Weights are missing and cannot be downloaded.
        ImportError: A package of a part or of the attention is missing.
        MemoryError, OSError: Too little memory or disk; the message has sizes.
    """
    if isinstance(name, str | Path):
        if name == "playground":
            return playground.load(**options)
        if name == "playground-fast":
            return playground.load(fast=True, **options)
        if name not in RELEASES and name in plugins.names():
            if options:
                raise TypeError(f"{name!r} takes no options, got {', '.join(options)}")
            return plugins.load(str(name))
        folder = expanded(name, "name")
        if name not in RELEASES and playground.owns(folder):
            return playground.load(folder, **options)
        if name not in RELEASES and not folder.is_dir():
            raise ValueError(_unknown(name, folder))
    from dragstream.models.wan.assembly import load as load_wan

    return load_wan(name, **options)


def _unknown(name: str | Path, path: Path) -> str:
    known = ", ".join(available())
    if not path.is_file():
        return f"unknown model {str(name)!r}: neither a folder nor one of {known}"
    from dragstream.models.inspection import inspect

    found = inspect(path)
    likely = found.releases[0] if found.releases else "self-forcing"
    argument = "lora" if found.adapter else "checkpoint"
    return (
        f"{str(name)!r} is a file of weights, not a model ({found.summary()}); a release says how "
        f"they generate: ds.load({likely!r}, {argument}={str(path)!r}), or another of {known}"
    )
