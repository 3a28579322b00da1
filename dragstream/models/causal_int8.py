"""Keys and values in INT8, with a scale for each token and head: `Int8Values`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_MOST = 127


@dataclass(frozen=True, eq=False)
class Int8Values:
    """Keys or values in INT8; indexing the first three axes indexes values and scales."""

    values: Tensor  # INT8, (1, tokens, heads, head_dim)
    scale: Tensor  # (1, tokens, heads, 1), in the dtype that `expanded` returns

    @classmethod
    def of(cls, x: Tensor) -> Int8Values:
        """Round keys or values (1, tokens, heads, head_dim); infinity and NaN stay not finite."""
        scale = x.abs().amax(dim=-1, keepdim=True) / _MOST
        scale = torch.where(scale == 0, 1, scale)
        values = (x / scale).round().clamp(-_MOST, _MOST).nan_to_num(0.0).to(torch.int8)
        return cls(values, scale)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype that `expanded` returns."""
        return self.scale.dtype

    @property
    def nbytes(self) -> int:
        """The stored bytes."""
        return self.values.nbytes + self.scale.nbytes

    def __getitem__(self, index: Any) -> Int8Values:
        return Int8Values(self.values[index], self.scale[index])

    def expanded(self) -> Tensor:
        """Return the values as floating point numbers."""
        return self.values * self.scale


def expanded(x: Tensor | Int8Values) -> Tensor:
    """Return keys or values as floating point numbers."""
    return x.expanded() if isinstance(x, Int8Values) else x
