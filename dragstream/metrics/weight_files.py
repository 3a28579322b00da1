"""Safe reading of downloaded weights: state dicts, and pickles of numpy arrays."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from dragstream.drags.files import expanded
from dragstream.drags.reading import located
from dragstream.models.weight_files import check_unpacked, read_error

_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
"""Modules under which numpy pickles its arrays' constructor, before version 2 and since."""


def hub_file(*names: str) -> Path:
    """The first of these files that torch.hub's folder has, else the path of the first name."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    found = [folder / name for name in names if (folder / name).is_file()]
    return found[0] if found else folder / names[0]


def read_state(file: str | Path, network: str, source: str, name: str = "weights") -> Any:
    """The state dict in a file; only tensors are unpickled."""
    place = expanded(file, name)
    if not place.is_file():
        raise FileNotFoundError(f"there are no {network} weights {str(place)!r}: {source}")
    try:
        check_unpacked(place)
        state = torch.load(place, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files make torch and pickle raise many types
        reason = read_error(error)
        raise ValueError(f"{str(place)!r} holds no weights of {network}: {reason}") from error
    if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
        raise ValueError(f"{str(place)!r} holds no weights of {network}: they have no names")
    return state


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles arrays, numbers, strings, lists, tuples and dictionaries; imports nothing."""

    def find_class(self, module: str, name: str) -> Any:
        # numpy's own constructor of arrays, found without touching its private modules
        reconstruct = np.empty(0).__reduce__()[0]
        admitted: dict[tuple[str, str], Any] = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            **{(multiarray, "_reconstruct"): reconstruct for multiarray in _MULTIARRAY},
        }
        if (module, name) not in admitted:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, but only numpy arrays are admitted"
            )
        return admitted[module, name]


def load_arrays(file: IO[bytes], name: str) -> dict[str, Any]:
    """A pickled dictionary, nested or not, whose leaves are numeric arrays."""
    # a damaged pickle may raise almost anything
    with located(f"{name} is no pickle of numpy arrays", Exception):
        loaded = _ArrayUnpickler(file).load()
    _check(loaded, name)
    return dict(loaded)


def _check(value: object, name: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must hold dictionaries of arrays, got {type(value).__name__}")  # noqa: TRY004
    for key, part in value.items():
        if not isinstance(key, str):
            raise ValueError(f"{name} must be keyed by strings, got {key!r}")  # noqa: TRY004
        if isinstance(part, np.ndarray):
            if part.dtype.kind not in "fiub":
                raise ValueError(f"{name}/{key} must be numbers, got dtype {part.dtype}")
        else:
            _check(part, f"{name}/{key}")
