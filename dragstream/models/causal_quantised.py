"""Weights in 8 bits (`quantise_layers`, by torchao), keys and values in INT8 (`Int8Values`).

Each matrix of the transformer blocks is stored as INT8 or as FP8 (e4m3), with a scale for each of
its rows, and expanded for each product. Embeddings, modulations, norms, biases and the head, a few
percent of the weights, keep their dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from dragstream.drags.extras import needed

KINDS = ("fp8", "int8")
"""Names of the kinds of weights."""


def quantise_layers(layers: nn.Module, kind: str) -> None:
    """Convert the matrices of layers to 8 bits, in place; they can't be trained then."""
    quantise, config = _torchao(kind)
    quantise(layers.requires_grad_(False), config)  # noqa: FBT003 - torch's signature
    linear = [name for name, part in layers.named_modules() if isinstance(part, nn.Linear)]
    for name in linear:
        layers.set_submodule(name, QuantisedLinear(layers.get_submodule(name)))


def check_kind(kind: str) -> None:
    """Check that weights of a kind can be made here."""
    _torchao(kind)


def _torchao(kind: str) -> tuple[Callable[[nn.Module, Any], None], Any]:
    """Return torchao's function that quantises a module, and its config of a kind."""
    if kind not in KINDS:
        raise ValueError(f"weights must be None or one of {', '.join(KINDS)}, got {kind!r}")
    torchao = needed("torchao.quantization", f"weights={kind!r} needs torchao", "quant")
    names = {"fp8": "Float8WeightOnlyConfig", "int8": "Int8WeightOnlyConfig"}
    return torchao.quantize_, getattr(torchao, names[kind])()


class _Product(torch.autograd.Function):
    """`F.linear` whose backward pass expands the weight again.

    Autograd would keep each expanded weight for the backward pass: all layers at full size.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.weight = weight
        return F.linear(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return gradient @ ctx.weight.dequantize(gradient.dtype), None, None


class QuantisedLinear(nn.Module):
    """A linear layer with a quantised, constant weight; gradients are for its input only."""

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.register_parameter("weight", linear.weight)  # type: ignore[arg-type]
        self.register_parameter("bias", linear.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to (..., channels)."""
        out: Tensor = _Product.apply(x, self.weight, self.bias)
        return out


def mapped(tensor: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply a function to a tensor, to each stored part of a quantised one."""
    whole: Any = tensor
    if not is_traceable_wrapper_subclass(whole):
        return function(tensor)
    names, context = whole.__tensor_flatten__()
    inner = {name: mapped(getattr(whole, name), function) for name in names}
    found: Tensor = whole.__tensor_unflatten__(inner, context, tensor.size(), tensor.stride())
    return found


def stored_parts(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return plain tensors as they are, and quantised ones as their stored parts."""
    parts: list[Tensor] = []

    def keep(part: Tensor) -> Tensor:
        parts.append(part)
        return part

    for tensor in tensors:
        mapped(tensor, keep)
    return parts


def update_digest(digest: Any, weights: Mapping[str, Tensor]) -> None:
    """Add names, dtypes, shapes and values of weights to a digest of hashlib."""
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        for part in stored_parts([weight]):
            digest.update(part.cpu().contiguous().flatten().view(torch.uint8).numpy())


@dataclass(frozen=True, eq=False)
class Int8Values:
    """Keys or values in INT8; indexing the first three axes indexes values and scales."""

    values: Tensor  # INT8, (1, tokens, heads, head_dim)
    scale: Tensor  # (1, tokens, heads, 1), in the dtype that `expanded` returns

    @classmethod
    def of(cls, x: Tensor) -> Int8Values:
        """Round keys or values (1, tokens, heads, head_dim); infinity and NaN stay not finite."""
        scale = x.abs().amax(dim=-1, keepdim=True) / 127
        scale = torch.where(scale == 0, 1, scale)
        values = (x / scale).round().clamp(-127, 127).nan_to_num(0.0).to(torch.int8)
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
