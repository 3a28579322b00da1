"""A safe reader of pickles of numpy arrays: it refuses every other name, and runs no code."""

from __future__ import annotations

import pickle
from typing import IO, Any

import numpy as np

_MULTIARRAY = ("numpy.core.multiarray", "numpy._core.multiarray")
"""Modules under which numpy pickles its arrays' constructor, before version 2 and since."""


def _admitted() -> dict[tuple[str, str], Any]:
    """The only names that such a pickle needs, and their objects."""
    # numpy's own constructor of arrays, found without touching its private modules
    reconstruct = np.empty(0).__reduce__()[0]
    return {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        **{(module, "_reconstruct"): reconstruct for module in _MULTIARRAY},
    }


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles arrays, numbers, strings, lists, tuples and dictionaries; imports nothing."""

    def find_class(self, module: str, name: str) -> Any:
        admitted = _admitted()
        if (module, name) not in admitted:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, but only numpy arrays are admitted"
            )
        return admitted[module, name]


def load_arrays(file: IO[bytes], name: str) -> dict[str, Any]:
    """A pickled dictionary, nested or not, whose leaves are numeric arrays."""
    try:
        loaded = _ArrayUnpickler(file).load()
    except Exception as error:  # a damaged pickle may raise almost anything
        raise ValueError(f"{name} is no pickle of numpy arrays: {error}") from error
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
