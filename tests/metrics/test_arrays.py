from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from functools import partial

import numpy as np
import pytest

from dragstream.metrics.weight_files import load_arrays


def loaded(value, protocol=4):
    return load_arrays(io.BytesIO(pickle.dumps(value, protocol)), "weights")


@pytest.mark.parametrize("protocol", [3, 4])
def test_arrays_come_back(protocol: int) -> None:
    stored = {"params": {"a/b": {"kernel": np.arange(6.0, dtype=np.float32).reshape(2, 3)}}}
    found = loaded(stored, protocol)
    np.testing.assert_array_equal(
        found["params"]["a/b"]["kernel"], stored["params"]["a/b"]["kernel"]
    )
    assert found["params"]["a/b"]["kernel"].dtype == np.float32


def test_arrays_pickled_before_numpy_2_come_back() -> None:
    data = pickle.dumps({"a": np.eye(2)}, 3).replace(
        b"numpy._core.multiarray", b"numpy.core.multiarray"
    )
    assert b"numpy.core.multiarray" in data
    np.testing.assert_array_equal(load_arrays(io.BytesIO(data), "old")["a"], np.eye(2))


class Runs:
    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ({"a": Runs()}, "builtins.print"),
        ({"a": partial(int)}, "functools.partial"),
        (OrderedDict(a=1), "collections.OrderedDict"),
        ({"a": np.float32(1.0)}, "scalar"),
        ({"a": np.array(["x", None], object)}, "numbers, got dtype object"),
        ({"a": [1, 2]}, "dictionaries of arrays, got list"),
        ({1: np.eye(2)}, "keyed by strings, got 1"),
        ([np.eye(2)], "dictionaries of arrays, got list"),
    ],
)
def test_anything_else_is_refused_unrun(value, asked: str, capsys) -> None:
    with pytest.raises(ValueError, match=asked):
        loaded(value)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps({"a": np.eye(2)})[:-9]])
def test_damaged_files_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="weights is no pickle of numpy arrays"):
        load_arrays(io.BytesIO(data), "weights")
