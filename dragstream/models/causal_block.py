"""A transformer block of Wan: self-attention, cross-attention and a feed-forward network.

Parameters have diffusers' names, so that weights of `WanTransformerBlock` can be loaded. Norms,
modulations and residual sums are computed in float32; projections in the weights' dtype. On a CPU
kernels for bfloat16 do so within, without float32 tensors.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dragstream.models.causal_attention import Attention, SelfAttentionCall, cross_attend
from dragstream.models.causal_gradient import KeyValue
from dragstream.models.defaults import bfloat16_on_cpu


class LayerNorm(nn.LayerNorm):
    """Layer normalisation in float32, for any dtype of input and weights."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised `x` in float32 (on a CPU bfloat16 as it is), of the same shape."""
        if bfloat16_on_cpu(x.device, x.dtype):
            return super().forward(x)
        affine = self.elementwise_affine
        weight, bias = (self.weight.float(), self.bias.float()) if affine else (None, None)
        return F.layer_norm(x.float(), self.normalized_shape, weight, bias, self.eps)

    def modulated(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """Return normalised `x`, scaled by 1 + `scale` and shifted, in the dtype of `x`."""
        if bfloat16_on_cpu(x.device, x.dtype) and x.shape[0] == 1:
            weight, bias = (1 + scale).flatten(), shift.flatten()
            return F.layer_norm(x, self.normalized_shape, weight, bias, self.eps)
        normed: Tensor = self(x)
        return (normed * (1 + scale) + shift).type_as(x)


def _gated(hidden: Tensor, update: Tensor, gate: Tensor) -> Tensor:
    """Return `hidden` plus a gated update, in its dtype."""
    if bfloat16_on_cpu(hidden.device, hidden.dtype):
        return torch.addcmul(hidden, update, gate.to(hidden.dtype))
    return (hidden.float() + update.float() * gate).type_as(hidden)


class _Gelu(nn.Module):
    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, inner)

    def forward(self, hidden: Tensor) -> Tensor:
        # The exact function is four times as fast as its approximation for bfloat16 on a CPU, and
        # lies within 0.0005 of it.
        exact = bfloat16_on_cpu(hidden.device, hidden.dtype)
        return F.gelu(self.proj(hidden), approximate="none" if exact else "tanh")


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        # Index 1 is dropout in diffusers; the identity keeps the indices in weight names.
        self.net = nn.Sequential(_Gelu(channels, inner), nn.Identity(), nn.Linear(inner, channels))

    def forward(self, hidden: Tensor) -> Tensor:
        """Apply the network to (batch, tokens, channels); the same shape."""
        out: Tensor = self.net(hidden)
        return out


class Block(nn.Module):
    """A transformer block whose self-attention mode is an argument."""

    def __init__(self, channels: int, ffn_dim: int, heads: int, eps: float) -> None:
        super().__init__()
        self.norm1 = LayerNorm(channels, eps, elementwise_affine=False)
        self.attn1 = Attention(channels, heads, eps)
        self.attn2 = Attention(channels, heads, eps)
        self.norm2 = LayerNorm(channels, eps)
        self.ffn = FeedForward(channels, ffn_dim)
        self.norm3 = LayerNorm(channels, eps, elementwise_affine=False)
        self.scale_shift_table = nn.Parameter(torch.randn(1, 6, channels) / channels**0.5)

    def forward(
        self, hidden: Tensor, text_kv: KeyValue, modulation: Tensor, call: SelfAttentionCall
    ) -> Tensor:
        """Return tokens (batch, tokens, channels) after it; `modulation` (batch, 6, channels)."""
        shift, scale, gate, ffn_shift, ffn_scale, ffn_gate = self._modulation(modulation)
        attended = self.attn1.output(
            call.attend(self.attn1, self.norm1.modulated(hidden, shift, scale))
        )
        hidden = _gated(hidden, attended, gate)
        hidden = hidden + cross_attend(self.attn2, self.norm2(hidden).type_as(hidden), text_kv)
        out: Tensor = self.ffn(self.norm3.modulated(hidden, ffn_shift, ffn_scale))
        return _gated(hidden, out, ffn_gate)

    def attention_input(self, hidden: Tensor, modulation: Tensor) -> Tensor:
        """Return the input of self-attention, as computed in `forward`."""
        shift, scale, *_ = self._modulation(modulation)
        return self.norm1.modulated(hidden, shift, scale)

    def _modulation(self, modulation: Tensor) -> tuple[Tensor, ...]:
        return (self.scale_shift_table + modulation.float()).chunk(6, dim=1)
