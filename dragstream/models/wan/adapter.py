"""Low-rank adapters (LoRA): read from the usual layouts, and merged into the weights.

Factors are named `lora_A` and `lora_B`, or `lora_down` and `lora_up`, with an optional `alpha` for
each pair; their weights by the names of the original Wan or of diffusers, with any prefix, or with
underscores for dots (`lora_unet_blocks_0_self_attn_q`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dragstream.drags.reading import located
from dragstream.models.checkpoints import diffusers_name, listed, released_name
from dragstream.models.state_dicts import State, mappings, root_name
from dragstream.models.weight_files import find_files, read_tree

_FACTOR = re.compile(
    r"(?P<stem>.+?)\.lora[._](?P<half>A|B|down|up)(?:\.(?!weight)\w+)?(?:\.weight)?"
)
_HALVES = {"A": "down", "B": "up", "down": "down", "up": "up"}
_ALPHA = ".alpha"
_FLAT = "lora_unet_"


@dataclass(frozen=True, eq=False)
class Factors:
    """The change of one weight: alpha / rank * up @ down."""

    down: Tensor  # (rank, in)
    up: Tensor  # (out, rank)
    alpha: float | None = None  # the scale; None means the rank

    @property
    def rank(self) -> int:
        """The rank of the change."""
        return int(self.down.shape[0])


Adapter = dict[str, Factors]
"""Factors by the name, in the file, of the weight that they change."""


@dataclass(frozen=True)
class AdapterFile:
    """An adapter to merge."""

    path: Path  # its file, or a folder with one
    strength: float = 1.0  # factor of its changes


def read_adapter(path: str | Path) -> Adapter:
    """Read an adapter from safetensors or a pickle, maybe under a key."""
    files = find_files(path)
    with located(f"{files.shown.name} holds no adapter", ValueError):
        return find_adapter(read_tree(files))


def find_adapter(tree: Mapping[str, Any]) -> Adapter:
    """Find the adapter in what a file holds."""
    found = [(path, mapping) for path, mapping in mappings(tree) if _has_factors(mapping)]
    named = [(path, mapping) for path, mapping in found if path and "generator" in path[-1]]
    if len(named or found) != 1:
        keys = [".".join(path) for path, _ in found]
        raise ValueError(f"{len(found)} mappings of factors, {listed(keys or tree) or 'nothing'}")
    return _paired((named or found)[0][1])


def _has_factors(mapping: Mapping[str, Any]) -> bool:
    return any(_FACTOR.fullmatch(str(name)) for name in mapping)


def _paired(mapping: Mapping[str, Any]) -> Adapter:
    halves: dict[str, dict[str, Tensor]] = {}
    alphas: dict[str, float] = {}
    for name, value in mapping.items():
        match = _FACTOR.fullmatch(str(name))
        if match is not None and isinstance(value, Tensor) and value.ndim == 2:
            halves.setdefault(match["stem"], {})[_HALVES[match["half"]]] = value
        elif str(name).endswith(_ALPHA) and _is_number(value):
            alphas[str(name).removesuffix(_ALPHA)] = 1.0 if _is_meta(value) else float(value)
        else:
            raise ValueError(f"{name!r} is no factor of an adapter")
    single = [name for name, pair in halves.items() if len(pair) != 2]
    if single:
        raise ValueError(f"it lacks one of two factors of {listed(single)}")
    bent = [name for name, pair in halves.items() if len(pair["down"]) != pair["up"].shape[1]]
    if bent:
        raise ValueError(f"the two factors of {listed(bent)} have different ranks")
    return {name: Factors(**pair, alpha=alphas.get(name)) for name, pair in halves.items()}


def _is_number(value: object) -> bool:
    if isinstance(value, Tensor):
        return value.numel() == 1
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_meta(value: object) -> bool:
    return isinstance(value, Tensor) and value.is_meta


def merge(state: Mapping[str, Tensor], adapter: Adapter, strength: float = 1.0) -> State:
    """Merge an adapter: W + strength * alpha / rank * B A for each weight, dtypes unchanged.

    Float8 weights become bfloat16, which holds changes that float8 would round away.
    """
    places = _places(state, adapter)
    missing = [name for name in adapter if places[name] not in state]
    if missing:
        ranks = sorted({factors.rank for factors in adapter.values()})
        raise ValueError(
            f"the adapter (rank {listed(ranks)}) changes {len(adapter)} weights, of which the "
            f"checkpoint lacks {len(missing)}: {listed(missing)}"
        )
    wrong = [
        f"{places[name]} by {tuple(factors.up.shape)} x {tuple(factors.down.shape)}, where the "
        f"checkpoint has {tuple(state[places[name]].shape)}"
        for name, factors in adapter.items()
        if state[places[name]].shape != (len(factors.up), factors.down.shape[1])
    ]
    if wrong:
        raise ValueError(f"the adapter changes {listed(wrong)}")
    result = dict(state)
    for name, factors in adapter.items():
        result[places[name]] = _changed(result[places[name]], factors, strength)
    return result


def _changed(weight: Tensor, factors: Factors, strength: float) -> Tensor:
    scale = 1.0 if factors.alpha is None else factors.alpha / factors.rank
    change = factors.up.float() @ factors.down.float()
    dtype = weight.dtype if weight.dtype.itemsize > 1 else torch.bfloat16
    return (weight.float() + strength * scale * change).to(dtype)


def _places(state: Mapping[str, Tensor], adapter: Iterable[str]) -> dict[str, str]:
    """Return the weight's name in the state for each name in the adapter's file."""
    stems = {name: root_name(name) for name in adapter}
    if any(name.startswith(_FLAT) for name in adapter):
        names = [*state, *(released_name(name).removeprefix("model.") for name in state)]
        flat = {name.removesuffix(".weight").replace(".", "_"): name for name in names}
        stems |= {
            name: flat.get(name.removeprefix(_FLAT), name).removesuffix(".weight")
            for name in adapter
            if name.startswith(_FLAT)
        }
    diffusers = any(".attn1." in stem for stem in stems.values())
    return {
        name: f"{stem}.weight" if diffusers else diffusers_name(f"{stem}.weight")
        for name, stem in stems.items()
    }
