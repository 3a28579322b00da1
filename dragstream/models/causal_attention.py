"""Attention of a causal Wan: rotary embeddings, projections, the modes of self-attention.

Cross-attention receives the text's keys and values, computed once for a context. Self-attention
receives a *call*: `MaskedCall` (training: every frame at once, under a frame-to-frame mask) or
`BlockCall` (one new block before the keys and values of committed ones, maybe with the attention's
output kept as features). The layers themselves hold no state.

Keys, values and queries are (batch, tokens, heads, head_dim) throughout; tokens run over frames,
then rows, then columns.

Layers may be compiled (`causal_compile`). Attention itself then stays as it is: its kernels are
fused already, and the length of the past differs for each of the first blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dragstream.models.attention_backends import Backend, by_default
from dragstream.models.causal_gradient import (
    META,
    KeyValue,
    StoredKeyValue,
    attend_with_tap,
    joined,
    kernel_for,
)

Function = TypeVar("Function", bound=Callable[..., Any])

_THETA = 10_000.0
"""Base of the frequencies."""

_CACHED_BLOCKS = 4
"""Blocks whose rotary embeddings are cached: the newest and those that drags refer to."""


class RotaryEmbedding(nn.Module):
    """Rotary position embedding (RoPE) of video tokens, for any frame index.

    About a third of a head's channel pairs encodes the frame, a third the row and a third the
    column, split as in Wan: h = w = 2 * (head_dim // 6), t the rest. Angles are computed in float64
    when needed instead of read from a table, so that the length of a stream has no bound.
    """

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        across = 2 * (head_dim // 6)
        self.split = (head_dim - 2 * across, across, across)
        self._recent: dict[tuple[int, int, int, int, torch.device], Tensor] = {}

    def of_block(
        self, start: int, count: int, rows: int, columns: int, device: torch.device
    ) -> Tensor:
        """Return `forward` for the frames from `start` on, (1, tokens, 1, head_dim / 2), cached.

        All passes over a block use the same rotations: they are computed and copied to the device
        once.
        """
        key = (start, count, rows, columns, device)
        known = self._recent.get(key)
        if known is None:
            with torch.inference_mode(mode=False), torch.no_grad():
                frames = torch.arange(start, start + count, device="cpu")
                known = self(frames[None], rows, columns).to(device)
            # Another thread may do the same: updates of a dictionary are atomic, so no entry is
            # lost.
            self._recent = dict([*self._recent.items(), (key, known)][-_CACHED_BLOCKS:])
        return known

    def forward(self, frames: Tensor, rows: int, columns: int) -> Tensor:
        """Return unit complex numbers (batch, tokens, 1, head_dim / 2) that rotate channel pairs.

        `frames` (batch, frames) are absolute indices; tokens run over frames, rows and columns.
        """
        batch, count = frames.shape
        device = frames.device
        size = (batch, count, rows, columns, -1)
        rotary_emb = (
            self._along_axis(frames, 0)[:, :, None, None].expand(size),
            self._along_axis(torch.arange(rows, device=device), 1)[None, None, :, None].expand(
                size
            ),
            self._along_axis(torch.arange(columns, device=device), 2)[None, None, None].expand(
                size
            ),
        )
        return torch.cat(rotary_emb, dim=-1).flatten(1, 3).unsqueeze(2)

    def _along_axis(self, positions: Tensor, axis: int) -> Tensor:
        width = self.split[axis]
        # MPS has no float64; these few numbers are computed on the CPU.
        pairs = torch.arange(0, width, 2, dtype=torch.float64, device="cpu")
        angles = positions.cpu()[..., None] * _THETA ** (-pairs / max(width, 1))
        rotary_emb = torch.polar(torch.ones_like(angles), angles)
        return rotary_emb.to(torch.complex64).to(positions.device)


def apply_rotary_emb(x: Tensor, rotary_emb: Tensor) -> Tensor:
    """Rotate the channel pairs of `x` (batch, tokens, heads, head_dim), in float32 or wider.

    `rotary_emb` is that of `RotaryEmbedding` as real numbers, (batch, tokens, 1, head_dim / 2, 2).
    """
    pairs = x.float().unflatten(-1, (-1, 2))
    if torch.compiler.is_compiling():  # only real numbers are fused
        (real, imaginary), (cosine, sine) = pairs.unbind(-1), rotary_emb.unbind(-1)
        parts = real * cosine - imaginary * sine, real * sine + imaginary * cosine
        turned = torch.stack(parts, dim=-1)
    else:
        turned = torch.view_as_real(
            torch.view_as_complex(pairs) * torch.view_as_complex(rotary_emb)
        )
    return turned.flatten(-2).type_as(x)


def _uncompiled(function: Function) -> Function:
    """Exclude a function from compilation when compiled layers call it."""
    found: Function = torch.compiler.disable(function)
    return found


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute scaled dot-product attention of heads; the output is (batch, tokens, channels)."""
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    if query.is_meta:  # shapes of a fused kernel, which stores no scores
        out = META.forward(query, key, value)[0]
    else:
        out = F.scaled_dot_product_attention(query, key, value)
    return out.transpose(1, 2).flatten(2)


def attend_without_gradient(
    query: Tensor, key: Tensor, value: Tensor, backend: Backend = by_default
) -> Tensor:
    """Compute `attend` by a back end, in a pass without gradients."""
    if query.is_meta:
        return attend(query, key, value)
    return backend(query, key, value).flatten(2)


class Attention(nn.Module):
    """The projections of an attention layer, with diffusers' parameter names."""

    def __init__(self, channels: int, heads: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.backend: Backend = by_default
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])
        self.norm_q = nn.RMSNorm(channels, eps)
        self.norm_k = nn.RMSNorm(channels, eps)

    def query(self, hidden: Tensor, rotary_emb: Tensor | None = None) -> Tensor:
        """Return normalised, optionally rotated queries of `hidden` (batch, tokens, channels)."""
        return self._positioned(self.norm_q, self.to_q(hidden), rotary_emb)

    def key_value(self, hidden: Tensor, rotary_emb: Tensor | None = None) -> KeyValue:
        """Return normalised, optionally rotated keys, and values, of `hidden`."""
        key, value = self.to_k(hidden), self.to_v(hidden)
        return self._positioned(self.norm_k, key, rotary_emb), value.unflatten(-1, (self.heads, -1))

    def output(self, attended: Tensor) -> Tensor:
        """Apply the output projection to (batch, tokens, channels)."""
        return self.to_out[0](attended)  # type: ignore[no-any-return]

    def _positioned(self, norm: nn.RMSNorm, x: Tensor, rotary_emb: Tensor | None) -> Tensor:
        # Under autocast the projections are narrower than the weights of the norm; the fused kernel
        # requires equal dtypes.
        normed = norm(x.type_as(norm.weight)).unflatten(-1, (self.heads, -1))
        return (normed if rotary_emb is None else apply_rotary_emb(normed, rotary_emb)).type_as(x)


class Visibility:
    """A frame-to-frame attention mask (frames, frames), arranged for fast attention.

    It is kept as runs of frames that attend to the same frames: each run attends to those frames
    only, without a mask and without computing scores that a mask would discard.
    """

    def __init__(self, mask: Tensor, tokens: int) -> None:
        self.tokens = tokens
        self.runs: list[tuple[slice, slice | Tensor]] = []
        rows = mask.tolist()
        starts = [i for i in range(len(rows)) if i == 0 or rows[i] != rows[i - 1]]
        for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
            seen = [frame for frame, visible in enumerate(rows[start]) if visible]
            self.runs.append((self._slice(start, stop), self._selection(seen, mask.device)))

    def _slice(self, start: int, stop: int) -> slice:
        return slice(start * self.tokens, stop * self.tokens)

    def _selection(self, seen: list[int], device: torch.device) -> slice | Tensor:
        if seen[-1] - seen[0] + 1 == len(seen):
            return self._slice(seen[0], seen[-1] + 1)
        frames = torch.tensor(seen, device=device)[:, None] * self.tokens
        return (frames + torch.arange(self.tokens, device=device)).flatten()

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Compute attention in which each frame attends to its visible frames only."""
        parts = [attend(query[:, q], key[:, kv], value[:, kv]) for q, kv in self.runs]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class SelfAttentionCall(Protocol):
    """The self-attention mode of one layer in a pass."""

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """Return the attention's output before the output projection, shaped like `hidden`."""


@dataclass(frozen=True, eq=False)
class MaskedCall:
    """Self-attention over all frames; `hidden` is (batch * frames, tokens of a frame, channels)."""

    rotary_emb: Tensor
    batch: int
    visibility: Visibility

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """See `SelfAttentionCall`."""
        clips = hidden.reshape(self.batch, -1, hidden.shape[-1])
        query = attn.query(clips, self.rotary_emb)
        key, value = attn.key_value(clips, self.rotary_emb)
        return self.visibility.attend(query, key, value).reshape(hidden.shape)


def attend_after(
    query: Tensor,
    kv_cache: Sequence[StoredKeyValue],
    current: KeyValue,
    backend: Backend = by_default,
) -> tuple[Tensor, Tensor | None]:
    """Compute attention of a block to the constants of the past and to itself.

    A back end computes it where no gradient is needed. Returns the output, and a tap: the same
    values with a gradient for the queries only; None where it needs an attention of its own.
    """
    pieces = (*kv_cache, current)
    if not (torch.is_grad_enabled() and query.requires_grad):
        out = attend_without_gradient(query, *joined(pieces), backend)
        return out, out
    kernel = kernel_for(query, pieces)
    if kernel is None:
        return attend(query, *joined(pieces)), None
    return attend_with_tap(kernel, query, kv_cache, current)


@_uncompiled
def attend_to_constants(
    query: Tensor,
    kv_cache: Sequence[StoredKeyValue],
    current: KeyValue,
    backend: Backend = by_default,
) -> Tensor:
    """Compute attention to constant keys and values."""
    key, value = current
    constant = key.detach(), value.detach()
    return attend_after(query, kv_cache, constant, backend)[0]


@dataclass(eq=False)
class BlockCall:
    """Self-attention of one new block, (1, tokens, channels), to committed blocks and to itself.

    Taps are attention to constant, maybe filtered, keys: a feature is made from a tap, whose
    gradient flows through the query only. They are computed in addition to the network's own
    attention, which is unchanged; so one pass serves any number of filters.
    """

    rotary_emb: Tensor  # rotary embeddings of the block's tokens, see `apply_rotary_emb`
    # keys and values of the past frames that the block attends to
    kv_cache: Sequence[StoredKeyValue]
    # for each tap, a function that returns the past as its filter leaves it, called when needed
    filtered: Sequence[Callable[[], Sequence[StoredKeyValue]]] = ()
    # for each tap, the filter of the block's own keys or values; None for none
    low_passes: Sequence[Callable[[Tensor], Tensor] | None] = ()
    # once attention has run: the block's own keys and values, without taps; or the taps,
    # (1, tokens, channels) each
    current: KeyValue = field(init=False)
    taps: list[Tensor] = field(init=False)

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """See `SelfAttentionCall`."""
        # Concatenating past and present copies both, a few percent of the attention's cost at most.
        # Storing the concatenated past between passes would double the memory of the cache, or make
        # contexts share memory that a pass of another context overwrites.
        query = attn.query(hidden, self.rotary_emb)
        return self._attend(query, attn.key_value(hidden, self.rotary_emb), attn.backend)

    @_uncompiled
    def _attend(self, query: Tensor, current: KeyValue, backend: Backend) -> Tensor:
        # Compiled code must not look at `filtered`: each set of filters would be compiled anew.
        out, same = attend_after(query, self.kv_cache, current, backend)
        if self.filtered:
            self.taps = self._taps_of(query, current, backend, same)
        else:
            self.current = current
        return out

    def tap(self, attn: Attention, hidden: Tensor) -> None:
        """Compute the taps only, as for the last tapped layer."""
        query = attn.query(hidden, self.rotary_emb)
        with torch.no_grad():  # constants to every tap
            current = attn.key_value(hidden, self.rotary_emb)
        self.taps = self._taps_of(query, current, attn.backend)

    def _taps_of(
        self, query: Tensor, current: KeyValue, backend: Backend, same: Tensor | None = None
    ) -> list[Tensor]:
        key, value = (part.detach() for part in current)
        taps = []
        for kv_cache, low_pass in zip(self.filtered, self.low_passes, strict=True):
            if low_pass is None and same is not None:
                taps.append(same)  # without filter, a tap equals the network's own attention
                continue
            own = (key, value) if low_pass is None else (low_pass(key), low_pass(value))
            taps.append(attend_to_constants(query, kv_cache(), own, backend))
        return taps


def cross_attend(attn: Attention, hidden: Tensor, text_kv: KeyValue) -> Tensor:
    """Compute projected attention of tokens to the text's keys and values; shaped like `hidden`."""
    key, value = text_kv
    clips = hidden.reshape(key.shape[0], -1, hidden.shape[-1])
    query = attn.query(clips)
    # The text is constant, except in training.
    out = (
        attend(query, key, value)
        if key.requires_grad
        else attend_to_constants(query, (), text_kv, attn.backend)
    )
    return attn.output(out.reshape(hidden.shape))
