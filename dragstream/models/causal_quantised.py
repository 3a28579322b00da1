"""Weights of a causal Wan in 8 bits, through torchao: `quantise_layers`.

Each matrix of the transformer blocks is stored as INT8 or as FP8 (e4m3), with a scale for each of
its rows, and expanded for each product. Embeddings, modulations, norms, biases and the head, a few
percent of the weights, keep their dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

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
    try:
        from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_
    except ImportError as error:
        raise ImportError(
            f'weights={kind!r} needs torchao: pip install "dragstream[quant]"'
        ) from error
    return quantize_, Float8WeightOnlyConfig() if kind == "fp8" else Int8WeightOnlyConfig()


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
