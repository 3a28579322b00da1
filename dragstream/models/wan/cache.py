"""The disk cache in the user's cache folder: converted weights, encoded prompts."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from dragstream.drags.extras import needed
from dragstream.drags.files import expanded, replacing
from dragstream.models.state_dicts import State
from dragstream.models.wan.room import free_disk, gigabytes

_log = logging.getLogger(__name__)

VARIABLE = "DRAGSTREAM_CACHE"
"""The environment variable that overrides the cache folder."""


def cache_folder() -> Path:
    """Return the cache folder: `$DRAGSTREAM_CACHE`, or the user's cache folder for this package."""
    named = os.environ.get(VARIABLE)
    if named:
        return expanded(named, VARIABLE)
    what, instead = "the cache folder needs platformdirs", f", or set {VARIABLE}"
    platformdirs = needed("platformdirs", what, "wan", instead)
    return Path(platformdirs.user_cache_dir("dragstream", appauthor=False))


def read_tensors(path: Path) -> State | None:
    """Memory-map the tensors of a safetensors file; None if it is missing or damaged."""
    try:
        return dict(load_file(path))
    except (FileNotFoundError, SafetensorError, OSError):
        return None


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to a file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        save_file({name: value.contiguous() for name, value in tensors.items()}, partial)


def converted(
    key: str, read: Callable[[], State], dtype: torch.dtype, folder: Path | None
) -> State:
    """Return weights converted to a dtype, from a cached copy or from their source.

    The copy is optional: without disk space or write permission the weights are read from their
    source each time.
    """
    name = f"{key}-{str(dtype).removeprefix('torch.')}.safetensors"
    path = None if folder is None else folder / "weights" / name
    if path is not None:
        kept = read_tensors(path)
        if kept is not None:
            return kept
    state = {
        name: weight.to(dtype) if weight.is_floating_point() else weight
        for name, weight in read().items()
    }
    if path is not None:
        _keep(path, state)
    return state


def _keep(path: Path, state: State) -> None:
    size = sum(weight.nbytes for weight in state.values())
    free = free_disk(path.parent)
    if free < 2 * size:  # keep the same amount free: never fill the user's disk
        _log.info("no copy of the weights (%s): %s free", gigabytes(size), gigabytes(free))
        return
    try:
        write_tensors(path, state)
    except (OSError, SafetensorError) as error:
        _log.info("no copy of the weights: %s", error)
