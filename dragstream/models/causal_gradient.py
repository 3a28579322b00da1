"""Attention with a custom backward pass: taps get query gradients only.

In an iteration of a drag the keys and values of the past are constants, and so are, for a tap
(Section 4.2.1), those of the block itself. Autograd would compute their gradients too, store the
concatenated past of every layer, and attend twice. Here it exists for one call only, and output and
tap share one attention; their gradients differ:

- queries get both gradients, from the past and from the block itself;
- keys and values of the block get the network's gradient;
- keys and values of the past get none.

The softmax over parts of a sequence needs only the normaliser, so the gradient can be computed part
by part: for each, `P = exp(Q K' / sqrt(d) - normaliser)`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from dragstream.models.causal_quantised import Int8Values, expanded
from dragstream.models.defaults import bfloat16_on_cpu
from dragstream.models.matrix_attention import MatrixKernel

KeyValue = tuple[Tensor, Tensor]
"""Keys and values, each (batch, tokens, heads, head_dim)."""

StoredKeyValue = tuple[Tensor | Int8Values, Tensor | Int8Values]
"""Keys and values of committed blocks: plain, or in INT8, which each use expands."""

_aten = torch.ops.aten
_PLAIN = (0.0, False)
"""No dropout, no causal mask."""

_NARROW = (torch.float16, torch.bfloat16)

_ROWS = 128
"""Queries per chunk of explicit attention on a CPU, so that a chunk fits its caches."""


class Kernel(Protocol):
    """A fused attention with its normaliser; tensors are (batch, heads, tokens, head_dim)."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output, and the log of the softmax's denominator (batch, heads, tokens)."""

    def gradients(
        self, gradient: Tensor, query: Tensor, pair: KeyValue, out: Tensor, normaliser: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return gradients of queries, keys and values, for a part of the keys attended to."""

    def query_gradient(
        self, gradient: Tensor, query: Tensor, pair: KeyValue, out: Tensor, normaliser: Tensor
    ) -> Tensor:
        """Return the gradient of the queries only."""
        return self.gradients(gradient, query, pair, out, normaliser)[0]


class _CpuKernel(Kernel):
    """torch's flash attention for CPUs."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        out, normaliser = _aten._scaled_dot_product_flash_attention_for_cpu(query, key, value)  # noqa: SLF001
        return out, normaliser

    def gradients(
        self, gradient: Tensor, query: Tensor, pair: KeyValue, out: Tensor, normaliser: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        backward = _aten._scaled_dot_product_flash_attention_for_cpu_backward  # noqa: SLF001
        found: tuple[Tensor, Tensor, Tensor] = backward(
            gradient, query, *pair, out, normaliser, *_PLAIN
        )
        return found

    def query_gradient(
        self, gradient: Tensor, query: Tensor, pair: KeyValue, out: Tensor, normaliser: Tensor
    ) -> Tensor:
        if query.dtype not in (torch.float32, torch.float64):
            return super().query_gradient(gradient, query, pair, out, normaliser)
        # Three matrix products instead of the five of the whole gradient.
        key, value = pair
        scaled, scale = query / math.sqrt(query.shape[-1]), 1 / math.sqrt(query.shape[-1])
        delta = (gradient * out).sum(dim=-1, keepdim=True)
        found = torch.empty_like(query)
        for start in range(0, query.shape[2], _ROWS):
            rows = slice(start, start + _ROWS)
            weights = scaled[:, :, rows] @ key.transpose(-1, -2)
            weights.sub_(normaliser[:, :, rows, None]).exp_()
            changes = gradient[:, :, rows] @ value.transpose(-1, -2)
            changes.sub_(delta[:, :, rows]).mul_(weights)
            found[:, :, rows] = (changes @ key).mul_(scale)
        return found


class _CudaKernel(Kernel):
    """Flash attention on CUDA devices; on the meta device, shapes only."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        found = _aten._scaled_dot_product_flash_attention(query, key, value)  # noqa: SLF001
        return found[0], found[1]

    def gradients(
        self, gradient: Tensor, query: Tensor, pair: KeyValue, out: Tensor, normaliser: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        # Without dropout the random state is not read.
        nothing = torch.empty(2, dtype=torch.uint64, device=query.device)
        sizes = None, None, query.shape[2], pair[0].shape[2]
        backward = _aten._scaled_dot_product_flash_attention_backward  # noqa: SLF001
        found: tuple[Tensor, Tensor, Tensor] = backward(
            gradient, query, *pair, out, normaliser, *sizes, *_PLAIN, nothing, nothing
        )
        return found


META: Kernel = _CudaKernel()
"""The kernel for the meta device, with the allocations of a CUDA device."""
_KERNELS: dict[str, Kernel] = {"cpu": _CpuKernel(), "cuda": _CudaKernel(), "meta": META}
_MATRICES: Kernel = MatrixKernel()


def kernel_for(query: Tensor, pieces: Sequence[StoredKeyValue]) -> Kernel | None:
    """Return the kernel for tensors (batch, tokens, heads, head_dim); None if there is none."""
    kind = query.device.type
    if kind not in _KERNELS:
        return None
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return None
    if any(part.dtype != query.dtype for pair in pieces for part in pair):
        return None
    if kind == "cuda" and (query.dtype not in _NARROW or query.shape[-1] % 8 != 0):
        return None
    matches = _matches_autograd(query.device, query.dtype)
    return _kernel(query.device, query.dtype) if matches else None


def _kernel(device: torch.device, dtype: torch.dtype) -> Kernel:
    return _MATRICES if bfloat16_on_cpu(device, dtype) else _KERNELS[device.type]


def try_out(device: torch.device, dtype: torch.dtype) -> None:
    """Check early if a device has a kernel: a checkpoint would count the trial's tensors."""
    if device.type in _KERNELS:
        _matches_autograd(device, dtype)


@functools.cache
def _matches_autograd(device: torch.device, dtype: torch.dtype) -> bool:
    """Check that a device's kernel gives the gradient that autograd gives.

    The kernel is not part of torch's public interface; where it differs in a version or on a
    device, the public attention is used.
    """
    if device.type == "meta":
        return True
    waves = torch.linspace(0, 40, 3 * 16 * 2 * 8, dtype=torch.float32, device=device)
    waves = waves.sin().reshape(3, 1, 16, 2, 8)
    with torch.inference_mode(mode=False), torch.enable_grad():
        query, key, value = (part.to(dtype).detach().requires_grad_() for part in waves)
        try:
            out, _ = attend_with_tap(
                _kernel(device, dtype), query, [(key.detach(), value.detach())], (key, value)
            )
            found = torch.autograd.grad(out.float().square().sum(), (query, key, value))
        except (AttributeError, NotImplementedError, RuntimeError, TypeError):
            return False
        keys, values = torch.cat([key.detach(), key], 1), torch.cat([value.detach(), value], 1)
        out = F.scaled_dot_product_attention(query.transpose(1, 2), *_heads_first((keys, values)))
        wanted = torch.autograd.grad(out.float().square().sum(), (query, key, value))
    pairs = zip(found, wanted, strict=True)
    return all(torch.allclose(a.float(), b.float(), rtol=0.05, atol=0.05) for a, b in pairs)


def joined(pieces: Sequence[StoredKeyValue]) -> KeyValue:
    """Concatenate keys and values of blocks, as floating point numbers, head by head in memory."""
    plain = [(expanded(key), expanded(value)) for key, value in pieces]
    if len(plain) == 1:
        return plain[0]
    keys, values = (
        torch.cat([part.transpose(1, 2) for part in parts], dim=2).transpose(1, 2)
        for parts in zip(*plain, strict=True)
    )
    return keys, values


def attend_with_tap(
    kernel: Kernel, query: Tensor, kv_cache: Sequence[StoredKeyValue], current: KeyValue
) -> tuple[Tensor, Tensor]:
    """Compute attention to the constant past and to the block itself, and a tap of equal values.

    Queries, keys and values are (batch, tokens, heads, head_dim), output and tap (batch, tokens,
    channels). The block's keys and values are constants to the tap, and get no gradient if
    detached.
    """
    found: tuple[Tensor, Tensor] = _Attention.apply(query, *current, kernel, tuple(kv_cache))
    return found[0].flatten(2), found[1].flatten(2)


def _heads_first(pair: KeyValue) -> KeyValue:
    return pair[0].transpose(1, 2), pair[1].transpose(1, 2)


def _sum(*parts: Tensor | None) -> Tensor | None:
    known = [part for part in parts if part is not None]
    return None if not known else known[0] if len(known) == 1 else known[0] + known[1]


class _Attention(torch.autograd.Function):
    """`attend_with_tap`, on tensors (batch, tokens, heads, head_dim)."""

    @staticmethod
    def forward(  # noqa: PLR0917 - torch hands them over one by one
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        kernel: Kernel,
        kv_cache: tuple[StoredKeyValue, ...],
    ) -> tuple[Tensor, Tensor]:
        pair = _heads_first(joined((*kv_cache, (key, value))))
        out, normaliser = kernel.forward(query.transpose(1, 2), *pair)
        ctx.kernel, ctx.kv_cache = kernel, kv_cache
        ctx.save_for_backward(query, key, value, out, normaliser)
        ctx.set_materialize_grads(False)
        seen = out.transpose(1, 2)
        return seen, seen.view_as(seen)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_output: Tensor | None, to_tap: Tensor | None) -> tuple[Any, ...]:
        query, key, value, out, normaliser = ctx.saved_tensors
        query = query.transpose(1, 2)
        network, tap = (
            None if g is None else g.contiguous().transpose(1, 2) for g in (to_output, to_tap)
        )
        own: tuple[Tensor | None, Tensor | None] = (None, None)
        found: Tensor | None = None
        if network is not None and (ctx.needs_input_grad[1] or ctx.needs_input_grad[2]):
            current = _heads_first((key, value))
            gradients = ctx.kernel.gradients(network, query, current, out, normaliser)
            found, own = gradients[0], (gradients[1].transpose(1, 2), gradients[2].transpose(1, 2))
            # The remaining parts are constants to the network and to the tap, and the tap of the
            # block.
            parts = [(_sum(network, tap), ctx.kv_cache), (tap, ((key, value),))]
        else:
            parts = [(_sum(network, tap), (*ctx.kv_cache, (key, value)))]
        for gradient, pieces in parts:
            if gradient is not None and pieces:
                pair = _heads_first(joined(pieces))
                more = ctx.kernel.query_gradient(gradient, query, pair, out, normaliser)
                found = _sum(found, more)
        return (None if found is None else found.transpose(1, 2)), *own, None, None
