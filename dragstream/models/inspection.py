"""Describes a file of weights without loading it: `inspect`."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from dragstream.drags.files import expanded
from dragstream.models.checkpoints import diffusers_name, listed
from dragstream.models.state_dicts import FoundState, find_states
from dragstream.models.wan.adapter import find_adapter
from dragstream.models.wan.release import Release
from dragstream.models.wan.releases import RELEASES, read_note
from dragstream.models.wan.room import gigabytes
from dragstream.models.wan.sizes import SIZES
from dragstream.models.weight_files import WeightFiles, find_files, read_tree

_FOREIGN = {
    "img_emb.": "image conditioning (I2V)",
    "k_img": "image conditioning (I2V)",
    "add_k_proj": "image conditioning (I2V)",
    "vace_": "VACE layers",
    "control_adapter": "a camera adapter",
}
"""Parts of names of Wan models that cannot be driven, and what they are for."""


@dataclass(frozen=True)
class TransformerWeights:
    """A transformer's state dict in a file.

    Attributes:
        key: Where it is in the file; empty for a bare one. `ds.load(..., key=)` chooses it.
        layout: "original" or "diffusers", the naming of its weights.
        averaged: Whether these are exponentially averaged weights (EMA), by the key.
        num_layers: Transformer blocks.
        channels: Channels of a token.
        ffn_dim: Channels inside the feed-forward networks.
        latent_channels: Channels of the latents that the patch embedding takes.
        parameters: Number of weights.
        dtypes: Dtypes of the weights, without `torch.`.
        unexpected: Names that a text-to-video Wan does not have.
        foreign: What some of those are for.
    """

    key: str
    layout: str
    averaged: bool
    num_layers: int
    channels: int
    ffn_dim: int
    latent_channels: int
    parameters: int
    dtypes: tuple[str, ...]
    unexpected: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    def __str__(self) -> str:
        sizes = f"{self.num_layers} layers, {self.channels} channels, ffn {self.ffn_dim}"
        text = f"{self.layout} Wan names, {sizes}, {self.latent_channels} latent channels"
        text += f", {_counted(self.parameters)} weights in {', '.join(self.dtypes)}"
        text += ", averaged (EMA)" if self.averaged else ""
        odd = ", ".join(self.foreign) or listed(self.unexpected)
        return text + (f"; not of a text-to-video Wan: {odd}" if odd else "")


@dataclass(frozen=True)
class AdapterWeights:
    """A low-rank adapter (LoRA) in a file.

    Attributes:
        ranks: The ranks of its changes.
        changes: Number of weights that it changes.
    """

    ranks: tuple[int, ...]
    changes: int

    def __str__(self) -> str:
        return f"rank {', '.join(map(str, self.ranks))}, changes {self.changes} weights"


@dataclass(frozen=True, repr=False)
class Inspection:
    """The description of a file of weights; it prints as a table.

    Attributes:
        path: The file or folder.
        kind: "safetensors", "sharded safetensors" or "pickle".
        files: Number of files.
        size: Size on the disk in bytes.
        transformers: The state dicts of transformers.
        adapter: The low-rank adapter, if it is one.
        entries: Names of what else the file holds at its top.
        releases: Names of the releases with transformers of the same sizes, the likely one first.
    """

    path: Path
    kind: str
    files: int
    size: int
    transformers: tuple[TransformerWeights, ...] = ()
    adapter: AdapterWeights | None = None
    entries: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()

    def _rows(self) -> Iterator[tuple[str, str]]:
        count = f" in {self.files} files" if self.files > 1 else ""
        yield "file", f"{self.path.name}: {self.kind}, {gigabytes(self.size)}{count}"
        for found in self.transformers:
            yield f"transformer {found.key!r}" if found.key else "transformer", str(found)
        if self.adapter is not None:
            yield "adapter (LoRA)", str(self.adapter)
        if self.transformers:
            yield "releases of these sizes", ", ".join(self.releases) or "none"
        if self.entries:
            yield "other entries", listed(self.entries)
        if not self.transformers and self.adapter is None:
            yield "transformer", "none: no weights of a Wan transformer, and no adapter"

    def summary(self) -> str:
        """Return the table in one line, for error messages."""
        return "; ".join(f"{name}: {value}" for name, value in self._rows())

    def __repr__(self) -> str:
        rows = list(self._rows())
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)

    def _repr_html_(self) -> str:
        style = ' style="text-align: left"'
        rows = "".join(
            f"<tr><th{style}>{html.escape(name)}</th><td{style}>{html.escape(value)}</td></tr>"
            for name, value in self._rows()
        )
        return f"<table><tbody>{rows}</tbody></table>"


def inspect(path: str | Path) -> Inspection:
    """Describe a file of weights: its layout, sizes, dtypes, adapter, and the releases it fits.

    No weights are read: safetensors have headers, and pickles are read without their tensors' data.
    Nothing else than tensors and plain values is unpickled.

    Args:
        path: A file, an index of shards, or a folder with weights (or with `transformer`).

    Raises:
        FileNotFoundError: It does not exist, or shards are missing; the message names them.
        ValueError: A file is damaged, or a pickle with code.
    """
    path = expanded(path)
    inner = path / "transformer"
    files = find_files(inner if inner.is_dir() else path)
    tree = read_tree(files, data=False)
    states = find_states(tree)
    found = tuple(_transformer(state) for state in states)
    adapter = None if found else _adapter(tree)
    return Inspection(
        path=path,
        kind=files.kind,
        files=len(files.paths),
        size=files.size,
        transformers=found,
        adapter=adapter,
        entries=() if adapter else _entries(tree, states),
        releases=_releases(found, files),
    )


def described(path: str | Path) -> str:
    """Return what a file holds, in one line; empty if it cannot be read."""
    try:
        return inspect(path).summary()
    except (ValueError, OSError):
        return ""


def _transformer(state: FoundState) -> TransformerWeights:
    original = state.layout == "original"
    shapes = {
        diffusers_name(name) if original else name: weight.shape
        for name, weight in state.weights.items()
        if name.startswith(("patch_embedding.", "blocks.0."))
    }
    patch = shapes.get("patch_embedding.weight", (0, 0))
    inner = shapes.get("blocks.0.ffn.net.0.proj.weight", (0, 0))
    names = (*state.weights, *state.rest)
    foreign = {what for name in names for part, what in _FOREIGN.items() if part in name}
    return TransformerWeights(
        key=state.key,
        layout=state.layout,
        averaged=state.averaged,
        num_layers=state.layers,
        channels=patch[0] or inner[1],
        ffn_dim=inner[0],
        latent_channels=patch[1],
        parameters=sum(weight.numel() for weight in state.weights.values()),
        dtypes=tuple(sorted({_dtype(weight) for weight in state.weights.values()})),
        unexpected=state.rest,
        foreign=tuple(sorted(foreign)),
    )


def _counted(number: int) -> str:
    return f"{number / 1e9:.3g} billion" if number >= 1e8 else f"{number / 1e6:.3g} million"


def _dtype(weight: Tensor) -> str:
    return str(weight.dtype).removeprefix("torch.")


def _adapter(tree: Mapping[str, Any]) -> AdapterWeights | None:
    try:
        factors = find_adapter(tree)
    except ValueError:
        return None
    ranks = sorted({pair.rank for pair in factors.values()})
    return AdapterWeights(tuple(ranks), len(factors))


def _entries(tree: Mapping[str, Any], states: list[FoundState]) -> tuple[str, ...]:
    """Return the top names of a tree that lead to no state dict."""
    if any(not state.key for state in states):
        return ()
    keys = {state.key.partition(".")[0] for state in states}
    return tuple(str(name) for name in tree if str(name).partition(".")[0] not in keys)


def _releases(found: tuple[TransformerWeights, ...], files: WeightFiles) -> tuple[str, ...]:
    names = []
    for release in RELEASES.values():
        sizes = SIZES[release.base].transformer
        wanted = (
            sizes["num_layers"],
            sizes["num_heads"] * sizes["head_dim"],
            sizes["ffn_dim"],
            sizes["latent_channels"],
        )
        if any(
            wanted == (it.num_layers, it.channels, it.ffn_dim, it.latent_channels)
            and not it.foreign
            for it in found
        ):
            names.append(release.name)
    place = files.paths[0].as_posix()
    return tuple(sorted(names, key=lambda name: not place.endswith(f"/{RELEASES[name].file}")))


def find_release(name: object) -> tuple[Release, Path | None]:
    """Resolve a name, a folder or a `Release` to the release, and to the folder if it is one."""
    if isinstance(name, Release):
        return name, None
    if not isinstance(name, str | Path):
        raise TypeError(
            f"a model's name must be a string, a path, a Release or a plan, got {name!r}"
        )
    if str(name) in RELEASES:
        return RELEASES[str(name)], None
    folder = expanded(name, "name")
    if not folder.is_dir():
        raise ValueError(f"{str(name)!r} is no folder and no released model: {', '.join(RELEASES)}")
    return _release_in(folder), folder


def _release_in(folder: Path) -> Release:
    noted = read_note(folder)
    if noted is not None:
        return noted
    for release in RELEASES.values():
        if release.file is not None and (folder / release.file).is_file():
            return release
    if (folder / "transformer" / "config.json").is_file():
        return next(release for release in RELEASES.values() if release.file is None)
    files = [release.file for release in RELEASES.values() if release.file is not None]
    found = described(folder)
    raise ValueError(
        f"{folder} holds no model that is known: no dragstream.json, no transformer/config.json "
        f"in the Diffusers layout, none of {', '.join(files)}{found and f' ({found})'}"
    )
