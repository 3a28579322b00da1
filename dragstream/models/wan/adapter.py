"""Low-rank adapters (LoRA): read from peft's format, and merged into the weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from dragstream.models.checkpoints import diffusers_name
from dragstream.models.state_dicts import State
from dragstream.models.weight_files import find_files, read_tree

_WRAPPED = "generator_lora"
_FACTOR = re.compile(r"(?:base_model\.model\.)?(?:model\.)?(.+)\.lora_([AB])(?:\.\w+)?\.weight")

Adapter = dict[str, tuple[Tensor, Tensor]]
"""Factors A (rank, in) and B (out, rank), by the Diffusers name of the weight they modify."""


def read_adapter(path: str | Path) -> Adapter:
    """Read an adapter: a pickled dict of factors, maybe under `generator_lora`.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: The file is damaged or of another kind.
    """
    content = read_tree(find_files(path))
    factors = content.get(_WRAPPED, content)
    if not isinstance(factors, Mapping) or not factors:
        raise ValueError(f"{Path(path).name} holds no adapter")
    found: dict[str, dict[str, Tensor]] = {}
    for name, value in factors.items():
        match = _FACTOR.fullmatch(str(name))
        if match is None or not isinstance(value, Tensor) or value.ndim != 2:
            raise ValueError(f"{Path(path).name} holds {name!r}, which is no factor of an adapter")
        found.setdefault(diffusers_name(f"{match[1]}.weight"), {})[match[2]] = value
    halves = [name for name, pair in found.items() if len(pair) != 2]
    if halves:
        raise ValueError(f"{Path(path).name} lacks one of two factors of {', '.join(halves[:5])}")
    return {name: (pair["A"], pair["B"]) for name, pair in found.items()}


def merged(state: Mapping[str, Tensor], adapter: Adapter, alpha: float | None = None) -> State:
    """Merge an adapter: W + alpha / rank * B A for each weight, dtypes unchanged.

    Args:
        state: Weights by the names of Diffusers.
        adapter: The result of `read_adapter`.
        alpha: The adapter's scale; None means alpha = rank.

    Raises:
        ValueError: The adapter does not fit the weights.
    """
    result = dict(state)
    for name, (down, up) in adapter.items():
        rank = down.shape[0]
        weight = state.get(name)
        if weight is None or up.shape[1] != rank or weight.shape != (up.shape[0], down.shape[1]):
            shape = None if weight is None else tuple(weight.shape)
            raise ValueError(
                f"the adapter changes {name} by {tuple(up.shape)} x {tuple(down.shape)}, "
                f"where the checkpoint has {shape or 'nothing'}"
            )
        scale = 1.0 if alpha is None else alpha / rank
        change = up.float() @ down.float()
        result[name] = (weight.float() + scale * change).to(weight.dtype)
    return result
