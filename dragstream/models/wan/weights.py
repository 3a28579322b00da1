"""The transformer's weights: found, validated, converted once, and merged with an adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import (
    State,
    check_fit,
    read_diffusers,
    read_released,
    read_sizes,
)
from dragstream.models.wan.adapter import merged, read_adapter
from dragstream.models.wan.cache import converted
from dragstream.models.wan.releases import Release
from dragstream.models.wan.room import need_memory
from dragstream.models.wan.sources import Source, signature

TRANSFORMER = "transformer"
"""The transformer's folder in the Diffusers layout."""


@dataclass(frozen=True)
class Files:
    """Sources of the parts of a model.

    Attributes:
        base: Source of sizes, VAE, text encoder, tokenizer and scheduler.
        weights: Source of the transformer's weights and its adapter.
        checkpoint: The file of the weights in place of the release's; None for the release's.
        lora: The file of the adapter in place of the release's; None for the release's.
        preview: The file of a small decoder; None for none.
        cache: The folder for converted weights and encoded prompts; None disables the cache.
    """

    base: Source
    weights: Source
    checkpoint: Path | None = None
    lora: Path | None = None
    preview: Path | None = None
    cache: Path | None = None


def read_transformer(release: Release, files: Files, dtype: torch.dtype) -> CausalWan:
    """Read the transformer to the CPU, from a released file or a folder, with its adapter merged.

    Args:
        release: The model.
        files: Sources of its weights and sizes.
        dtype: Dtype of the weights in memory.

    Raises:
        ValueError: A file that is damaged or of another model; the message names it.
        FileNotFoundError: A missing file.
        MemoryError: Too little main memory.
    """
    given = files.checkpoint
    if given is not None and given.is_dir() and (given / TRANSFORMER).is_dir():
        given = given / TRANSFORMER
    if given is None and release.file is None:
        given = files.weights.folder(TRANSFORMER)
    if given is not None and given.is_dir():
        sizes, state = read_diffusers(given)
        config = CausalWanConfig.of(sizes | release.causal)
        _need_ram(config, dtype)
        wan: CausalWan = _named(given, CausalWan.from_state, state, config, dtype=dtype)
        return wan
    config = CausalWanConfig.of(
        read_sizes(files.base.file(f"{TRANSFORMER}/config.json")) | release.causal
    )
    path = given or files.weights.file(release.file or "")
    lora = files.lora or (None if release.lora is None else files.weights.file(release.lora))
    parts = [path] if lora is None else [path, lora]
    key = signature(parts)[:32] + ("" if release.lora_alpha is None else f"-{release.lora_alpha:g}")

    def read() -> State:
        return _read(path, lora, release.lora_alpha, config)

    _need_ram(config, dtype)
    state = converted(key, read, dtype, files.cache)
    return CausalWan.from_state(state, config, dtype=dtype)


def _read(path: Path, lora: Path | None, alpha: float | None, config: CausalWanConfig) -> State:
    state, origins = read_released(path)
    with torch.device("meta"):
        wanted = CausalWan(config)
    _named(path, check_fit, wanted.transformer, state, origins)
    return state if lora is None else _named(lora, merged, state, read_adapter(lora), alpha)


def _named(path: Path, call: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a reader of a file; a ValueError then names the file."""
    try:
        return call(*args, **kwargs)
    except (ValueError, SafetensorError) as error:
        raise ValueError(f"{path}: {error}") from error


def _need_ram(config: CausalWanConfig, dtype: torch.dtype) -> None:
    """Check that the transformer fits into main memory, where all weights are loaded first."""
    with torch.device("meta"):
        count = sum(weight.numel() for weight in CausalWan(config).parameters())
    need_memory(
        count * dtype.itemsize,
        torch.device("cpu"),
        "the transformer",
        "close other programs, or load it with dtype='bfloat16'",
    )
