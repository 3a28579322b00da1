"""The attention of a causal Wan: its projections, and the ways in which a layer attends.

Cross-attention receives the text's keys and values, computed once for a context. Self-attention
receives a *call*: `MaskedCall` (training: every frame at once, under a frame-to-frame mask),
`CachedCall` (one new block before the keys and values of committed ones) or `TappedCall` (the same,
and the attention's output kept as a feature). The layers themselves hold no state.

Keys, values and queries are (batch, tokens, heads, head_dim) throughout; tokens run over frames,
then rows, then columns.

Layers may be compiled (`causal_compile`). Attention itself then stays as it is: its kernels are
fused already, and what it looks back on has another length for each of the first blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dragstream.models.causal_gradient import META, KeyValue, attend_twice, joined, kernel_for
from dragstream.models.causal_rope import rotate

Function = TypeVar("Function", bound=Callable[..., Any])


def _uncompiled(function: Function) -> Function:
    """A function that compiled layers call as it is."""
    found: Function = torch.compiler.disable(function)
    return found


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention of heads; the output is (batch, tokens, channels)."""
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    if query.is_meta and mask is None:  # shapes as a fused kernel has them, which keeps no scores
        out = META.forward(query, key, value)[0]
    else:
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return out.transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """The projections of an attention layer, by diffusers' parameter names.

    Args:
        channels: Channels of a token.
        heads: Attention heads.
        eps: Added to variances in the norms of queries and keys.
    """

    def __init__(self, channels: int, heads: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])
        self.norm_q = nn.RMSNorm(channels, eps)
        self.norm_k = nn.RMSNorm(channels, eps)

    def query(self, hidden: Tensor, turns: Tensor | None = None) -> Tensor:
        """Normalised and (given `turns`) rotated queries of `hidden` (batch, tokens, channels)."""
        return self._positioned(self.norm_q, self.to_q(hidden), turns)

    def key_value(self, hidden: Tensor, turns: Tensor | None = None) -> KeyValue:
        """Normalised and (given `turns`) rotated keys, and values, of `hidden`."""
        key, value = self.to_k(hidden), self.to_v(hidden)
        return self._positioned(self.norm_k, key, turns), value.unflatten(-1, (self.heads, -1))

    def output(self, attended: Tensor) -> Tensor:
        """The output projection of (batch, tokens, channels)."""
        return self.to_out[0](attended)  # type: ignore[no-any-return]

    def _positioned(self, norm: nn.RMSNorm, x: Tensor, turns: Tensor | None) -> Tensor:
        # Under autocast the projections are narrower than the weights of the norm; the fused
        # kernel wants both alike.
        normed = norm(x.type_as(norm.weight)).unflatten(-1, (self.heads, -1))
        return (normed if turns is None else rotate(normed, turns)).type_as(x)


class Visibility:
    """Which frames each frame may attend to, arranged for fast attention.

    A mask that all samples share is turned into runs of frames that see the same frames: each run
    attends to exactly what it sees, without a mask and without computing what a mask would throw
    away. Otherwise a token mask is built once for all layers.

    Args:
        mask: Booleans, (frames, frames) or (batch, frames, frames); row i tells what frame i sees.
        tokens: Tokens of a frame.
    """

    def __init__(self, mask: Tensor, tokens: int) -> None:
        self.tokens = tokens
        self.runs: list[tuple[slice, slice | Tensor]] | None = None
        self.mask: Tensor | None = None
        if mask.ndim == 3 and bool((mask == mask[:1]).all()):
            mask = mask[0]
        if mask.ndim == 2:
            self.runs = self._runs(mask)
        else:
            per_token = mask.repeat_interleave(tokens, -1).repeat_interleave(tokens, -2)
            self.mask = per_token.unsqueeze(1)

    def _runs(self, mask: Tensor) -> list[tuple[slice, slice | Tensor]]:
        rows = mask.tolist()
        starts = [i for i in range(len(rows)) if i == 0 or rows[i] != rows[i - 1]]
        runs = []
        for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
            seen = [frame for frame, visible in enumerate(rows[start]) if visible]
            runs.append((self._slice(start, stop), self._selection(seen, mask.device)))
        return runs

    def _slice(self, start: int, stop: int) -> slice:
        return slice(start * self.tokens, stop * self.tokens)

    def _selection(self, seen: list[int], device: torch.device) -> slice | Tensor:
        if seen[-1] - seen[0] + 1 == len(seen):
            return self._slice(seen[0], seen[-1] + 1)
        frames = torch.tensor(seen, device=device)[:, None] * self.tokens
        return (frames + torch.arange(self.tokens, device=device)).flatten()

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention in which each frame sees what it may."""
        if self.runs is None:
            return attend(query, key, value, self.mask)
        parts = [attend(query[:, q], key[:, kv], value[:, kv]) for q, kv in self.runs]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class SelfAttentionCall(Protocol):
    """What a pass asks of one layer's self-attention."""

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """The attention's output before the output projection, shaped like `hidden`."""
        ...


@dataclass(frozen=True, eq=False)
class MaskedCall:
    """Every frame at once: `hidden` is (batch * frames, tokens of a frame, channels)."""

    turns: Tensor
    batch: int
    visibility: Visibility

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """See `SelfAttentionCall`."""
        clips = hidden.reshape(self.batch, -1, hidden.shape[-1])
        query = attn.query(clips, self.turns)
        key, value = attn.key_value(clips, self.turns)
        return self.visibility.attend(query, key, value).reshape(hidden.shape)


def attend_after(
    query: Tensor, past: Sequence[KeyValue], current: KeyValue
) -> tuple[Tensor, Tensor | None]:
    """Attention of a block to the constants of the past and to itself.

    Returns:
        The output, and a look at the same: the values, with a gradient for the queries only. None
        where that takes an attention of its own.
    """
    pieces = (*past, current)
    if not (torch.is_grad_enabled() and query.requires_grad):
        out = attend(query, *joined(pieces))
        return out, out
    kernel = kernel_for(query, pieces)
    if kernel is None:
        return attend(query, *joined(pieces)), None
    return attend_twice(kernel, query, past, current)


@_uncompiled
def look_at(query: Tensor, pieces: Sequence[KeyValue]) -> Tensor:
    """Attention to constants only."""
    *past, (key, value) = pieces
    constant = key.detach(), value.detach()
    return attend_after(query, past, constant)[0]


@dataclass(eq=False)
class CachedCall:
    """One new block, (1, tokens, channels), attends to committed blocks and to itself.

    Attributes:
        turns: Rotations of the block's tokens, see `rotate`.
        past: Keys and values of what the block may see of the past.
        current: The block's own keys and values, once attention has run.
    """

    turns: Tensor
    past: Sequence[KeyValue]
    current: KeyValue = field(init=False)

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """See `SelfAttentionCall`."""
        # Joining past and present copies both, a few percent of the attention's cost at most.
        # Keeping the joined past between passes would double the memory of the cache, or make
        # contexts share memory that a pass of another one overwrites.
        self.current = attn.key_value(hidden, self.turns)
        return self._attend(attn.query(hidden, self.turns))

    @_uncompiled
    def _attend(self, query: Tensor) -> Tensor:
        return attend_after(query, self.past, self.current)[0]


@dataclass(eq=False)
class TappedCall:
    """A `CachedCall` that also looks at the block through constant, maybe filtered, keys.

    A look is what a feature is made of: its gradient flows through the query only. Looks are taken
    beside the attention that the network goes on with, which stays as it is; so one pass serves
    any number of filters.

    Attributes:
        turns: Rotations of the block's tokens, see `rotate`.
        past: Keys and values of what the block may see of the past.
        filtered: For each look, what gives the same as it sees it, when it is needed.
        low_passes: For each look, what filters keys or values of the block itself; None for none.
        taps: The looks, (1, tokens, channels) each, once they were taken.
    """

    turns: Tensor
    past: Sequence[KeyValue]
    filtered: Sequence[Callable[[], Sequence[KeyValue]]]
    low_passes: Sequence[Callable[[Tensor], Tensor] | None]
    taps: list[Tensor] = field(init=False)

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """See `SelfAttentionCall`."""
        query = attn.query(hidden, self.turns)
        return self._attend(query, attn.key_value(hidden, self.turns))

    @_uncompiled
    def _attend(self, query: Tensor, current: KeyValue) -> Tensor:
        out, same = attend_after(query, self.past, current)
        self.taps = self._look(query, current, same)
        return out

    def look(self, attn: Attention, hidden: Tensor) -> None:
        """Only take the looks: all that is wanted of the last tapped layer."""
        query = attn.query(hidden, self.turns)
        with torch.no_grad():  # constants to every look
            current = attn.key_value(hidden, self.turns)
        self.taps = self._look(query, current)

    def _look(self, query: Tensor, current: KeyValue, same: Tensor | None = None) -> list[Tensor]:
        key, value = (part.detach() for part in current)
        looks = []
        for past, low_pass in zip(self.filtered, self.low_passes, strict=True):
            if low_pass is not None:
                looks.append(look_at(query, (*past(), (low_pass(key), low_pass(value)))))
            else:
                # Without filter, a look shows what the network sees.
                looks.append(look_at(query, (*past(), (key, value))) if same is None else same)
        return looks


def cross_attend(attn: Attention, hidden: Tensor, text_kv: KeyValue) -> Tensor:
    """Attention of tokens to the text's keys and values, projected; shaped like `hidden`."""
    key, value = text_kv
    clips = hidden.reshape(key.shape[0], -1, hidden.shape[-1])
    query = attn.query(clips)
    # The text is constant, except in training.
    out = attend(query, key, value) if key.requires_grad else look_at(query, (text_kv,))
    return attn.output(out.reshape(hidden.shape))
