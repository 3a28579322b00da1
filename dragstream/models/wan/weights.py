"""The transformer's weights: found, validated, converted once, and merged with an adapter."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from dragstream.drags.reading import located
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import (
    check_fit,
    is_diffusers,
    read_diffusers,
    read_released,
    read_sizes,
)
from dragstream.models.inspection import described
from dragstream.models.state_dicts import State
from dragstream.models.wan.adapter import AdapterFile, merge, read_adapter
from dragstream.models.wan.cache import converted
from dragstream.models.wan.release import Release
from dragstream.models.wan.room import need_memory
from dragstream.models.wan.sources import Source, signature
from dragstream.models.weight_files import find_files

TRANSFORMER = "transformer"
"""The transformer's folder in the Diffusers layout."""


@dataclass(frozen=True)
class Files:
    """Sources of the parts of a model."""

    base: Source  # source of sizes, VAE, text encoder, tokenizer and scheduler
    weights: Source  # source of the transformer's weights and its adapter
    checkpoint: Path | None = None  # the file or folder of the weights in place of the release's
    key: str | None = None  # the key of the state dict in the file, if it has several
    lora: tuple[AdapterFile, ...] | None = None  # adapters in place of the release's
    preview: Path | None = None  # the file of a small decoder; None for none
    cache: Path | None = None  # the folder for converted weights and encoded prompts


def read_transformer(release: Release, files: Files, dtype: torch.dtype) -> CausalWan:
    """Read the transformer to the CPU, from a released file or a folder, its adapter merged."""
    given = files.checkpoint
    if given is not None and given.is_dir() and (given / TRANSFORMER).is_dir():
        given = given / TRANSFORMER
    if given is None and release.file is None:
        given = files.weights.folder(TRANSFORMER)
    if given is not None and is_diffusers(given):
        sizes, state = read_diffusers(given)
        config = CausalWanConfig.of(sizes | release.causal)
        _need_ram(config, dtype)
        state = _merged(state, files.lora or ())
        with located(str(given), ValueError, SafetensorError):
            return CausalWan.from_state(state, config, dtype=dtype)
    config = CausalWanConfig.of(
        read_sizes(files.base.file(f"{TRANSFORMER}/config.json")) | release.causal
    )
    path = given or files.weights.file(release.file or "")
    adapters = files.lora
    if adapters is None:
        adapters = () if release.lora is None else (AdapterFile(files.weights.file(release.lora)),)

    def read() -> State:
        with torch.device("meta"):
            wanted = CausalWan(config)
        try:
            state, origins = read_released(path, ema=release.ema, key=files.key)
            check_fit(wanted.transformer, state, origins)
        except ValueError as error:
            found = described(path)
            raise ValueError(f"{path}: {error}{found and f' ({found})'}") from error
        return _merged(state, adapters)

    _need_ram(config, dtype)
    state = converted(_digest(path, adapters, release, files.key), read, dtype, files.cache)
    return CausalWan.from_state(state, config, dtype=dtype)


def _digest(
    path: Path, adapters: tuple[AdapterFile, ...], release: Release, key: str | None
) -> str:
    """Compute the name of the cached copy: it changes with the files and with what is read."""
    parts = [path, *(adapter.path for adapter in adapters)]
    files = [file for part in parts for file in find_files(part).paths]
    choices = (release.ema, key, [adapter.strength for adapter in adapters])
    return hashlib.sha256(f"{signature(files)} {choices}".encode()).hexdigest()[:32]


def _merged(state: State, adapters: tuple[AdapterFile, ...]) -> State:
    for adapter in adapters:
        factors = read_adapter(adapter.path)
        with located(str(adapter.path), ValueError):
            state = merge(state, factors, adapter.strength)
    return state


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
