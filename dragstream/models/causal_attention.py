"""The attention of a causal Wan: rotary positions, processors, and what a pass asks of a layer.

diffusers' Wan blocks hand two of their arguments unread to their attention: the rotary embedding
to self-attention and the encoder's hidden states to cross-attention. So a pass through the model
sends what it wants of a layer along these two ways, and the processors here hold no state:

- cross-attention receives the text's keys and values, computed once for a context;
- self-attention receives a *call*: `MaskedCall` (training: every frame at once, under a
  frame-to-frame mask), `CachedCall` (one new block before the keys and values of committed ones)
  or `TappedCall` (the same, and the attention's output kept as a feature).

Keys, values and queries are (batch, tokens, heads, head_dim) throughout; tokens run over frames,
then rows, then columns.

Layers may be compiled (`causal_compile`). Attention itself then stays as it is: its kernels are
fused already, and what it looks back on has another length for each of the first blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dragstream.models.causal_gradient import META, KeyValue, attend_twice, joined, kernel_for

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_wan import WanAttention


Function = TypeVar("Function", bound=Callable[..., Any])

_TURNS_KEPT = 4
"""Blocks whose rotations are at hand: the newest and those that drags refer to."""


def _uncompiled(function: Function) -> Function:
    """A function that compiled layers call as it is."""
    found: Function = torch.compiler.disable(function)
    return found


class Rotation(nn.Module):
    """Rotary positions of video tokens, for any frame index.

    About a third of a head's channel pairs turns with the frame, a third with the row and a third
    with the column, split as in Wan: h = w = 2 * (head_dim // 6), t the rest. Angles are computed
    in float64 when needed instead of read from a table, so that a stream may run for as long as it
    likes.

    Args:
        head_dim: Channels of an attention head; even.
        theta: Base of the frequencies.
    """

    def __init__(self, head_dim: int, theta: float = 10_000.0) -> None:
        super().__init__()
        across = 2 * (head_dim // 6)
        self.split = (head_dim - 2 * across, across, across)
        self.theta = theta
        self._recent: dict[tuple[int, int, int, int, torch.device], Tensor] = {}

    def of_block(
        self, start: int, count: int, rows: int, columns: int, device: torch.device
    ) -> Tensor:
        """What `forward` gives for the frames from `start` on, (1, tokens, 1, head_dim / 2).

        All passes over a block want the same: it is made once, and sent to the device once.
        """
        key = (start, count, rows, columns, device)
        known = self._recent.get(key)
        if known is None:
            with torch.inference_mode(mode=False), torch.no_grad():
                frames = torch.arange(start, start + count, device="cpu")
                known = self(frames[None], rows, columns).to(device)
            # Another thread may do the same: dictionaries change in one step, and nothing is lost.
            self._recent = dict([*self._recent.items(), (key, known)][-_TURNS_KEPT:])
        return known

    def forward(self, frames: Tensor, rows: int, columns: int) -> Tensor:
        """Unit complex numbers that turn the channel pairs of each token.

        Args:
            frames: Absolute frame indices, (batch, frames), integers.
            rows: Rows of tokens.
            columns: Columns of tokens.

        Returns:
            (batch, frames * rows * columns, 1, head_dim / 2), complex64, on the device of `frames`.
        """
        batch, count = frames.shape
        device = frames.device
        size = (batch, count, rows, columns, -1)
        turns = (
            self._turns(frames, 0)[:, :, None, None].expand(size),
            self._turns(torch.arange(rows, device=device), 1)[None, None, :, None].expand(size),
            self._turns(torch.arange(columns, device=device), 2)[None, None, None].expand(size),
        )
        return torch.cat(turns, dim=-1).flatten(1, 3).unsqueeze(2)

    def _turns(self, positions: Tensor, axis: int) -> Tensor:
        width = self.split[axis]
        # MPS knows no float64; these few numbers may as well come from the CPU.
        pairs = torch.arange(0, width, 2, dtype=torch.float64, device="cpu")
        angles = positions.cpu()[..., None] * self.theta ** (-pairs / max(width, 1))
        turns = torch.polar(torch.ones_like(angles), angles)
        return turns.to(torch.complex64).to(positions.device)


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Turn the channel pairs of `x` (batch, tokens, heads, head_dim), in float32 or better.

    Args:
        x: Queries or keys.
        turns: What `Rotation` gives, as real numbers: (batch, tokens, 1, head_dim / 2, 2).
    """
    pairs = x.float().unflatten(-1, (-1, 2))
    if torch.compiler.is_compiling():  # only real numbers are fused
        (real, imaginary), (cosine, sine) = pairs.unbind(-1), turns.unbind(-1)
        parts = real * cosine - imaginary * sine, real * sine + imaginary * cosine
        turned = torch.stack(parts, dim=-1)
    else:
        turned = torch.view_as_real(torch.view_as_complex(pairs) * torch.view_as_complex(turns))
    return turned.flatten(-2).type_as(x)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention of heads; the output is (batch, tokens, channels)."""
    query, key, value = (part.transpose(1, 2) for part in (query, key, value))
    if query.is_meta and mask is None:  # shapes as a fused kernel has them, which keeps no scores
        out = META.forward(query, key, value)[0]
    else:
        out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return out.transpose(1, 2).flatten(2)


def _normed(norm: nn.Module, x: Tensor) -> Tensor:
    # Under autocast the projections are narrower than the weights of the norm; the fused kernel
    # wants both alike.
    weight = norm.weight
    return norm(x.type_as(weight) if isinstance(weight, Tensor) else x)  # type: ignore[no-any-return]


def project_query(attn: WanAttention, hidden: Tensor, turns: Tensor | None = None) -> Tensor:
    """Normalised and (given `turns`) rotated queries of `hidden` (batch, tokens, channels)."""
    query = attn.to_q(hidden)
    normed = _normed(attn.norm_q, query).unflatten(-1, (attn.heads, -1))
    return (normed if turns is None else rotate(normed, turns)).type_as(query)


def project_key_value(attn: WanAttention, hidden: Tensor, turns: Tensor | None = None) -> KeyValue:
    """Normalised and (given `turns`) rotated keys, and values, of `hidden`."""
    key, value = attn.to_k(hidden), attn.to_v(hidden)
    normed = _normed(attn.norm_k, key).unflatten(-1, (attn.heads, -1))
    rotated = normed if turns is None else rotate(normed, turns)
    return rotated.type_as(key), value.unflatten(-1, (attn.heads, -1))


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

    def attend(self, attn: WanAttention, hidden: Tensor) -> Tensor:
        """The attention's output before the output projection, shaped like `hidden`."""
        ...


@dataclass(frozen=True, eq=False)
class MaskedCall:
    """Every frame at once: `hidden` is (batch * frames, tokens of a frame, channels)."""

    turns: Tensor
    batch: int
    visibility: Visibility

    def attend(self, attn: WanAttention, hidden: Tensor) -> Tensor:
        """See `SelfAttentionCall`."""
        clips = hidden.reshape(self.batch, -1, hidden.shape[-1])
        query = project_query(attn, clips, self.turns)
        key, value = project_key_value(attn, clips, self.turns)
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

    def attend(self, attn: WanAttention, hidden: Tensor) -> Tensor:
        """See `SelfAttentionCall`."""
        # Joining past and present copies both, a few percent of the attention's cost at most.
        # Keeping the joined past between passes would double the memory of the cache, or make
        # contexts share memory that a pass of another one overwrites.
        self.current = project_key_value(attn, hidden, self.turns)
        return self._attend(project_query(attn, hidden, self.turns))

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

    def attend(self, attn: WanAttention, hidden: Tensor) -> Tensor:
        """See `SelfAttentionCall`."""
        query = project_query(attn, hidden, self.turns)
        return self._attend(query, project_key_value(attn, hidden, self.turns))

    @_uncompiled
    def _attend(self, query: Tensor, current: KeyValue) -> Tensor:
        out, same = attend_after(query, self.past, current)
        self.taps = self._look(query, current, same)
        return out

    def look(self, attn: WanAttention, hidden: Tensor) -> None:
        """Only take the looks: all that is wanted of the last tapped layer."""
        query = project_query(attn, hidden, self.turns)
        with torch.no_grad():  # constants to every look
            current = project_key_value(attn, hidden, self.turns)
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


class SelfAttention:
    """Processor of `attn1`: the call arrives in the place of the rotary embedding."""

    def __call__(
        self,
        attn: WanAttention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,  # noqa: ARG002 - diffusers' signature
        attention_mask: Tensor | None = None,  # noqa: ARG002
        rotary_emb: Any = None,
    ) -> Tensor:
        """Attend as the call in the place of `rotary_emb` asks, then project."""
        call: SelfAttentionCall = rotary_emb
        return attn.to_out[0](call.attend(attn, hidden_states))  # type: ignore[no-any-return]


class CrossAttention:
    """Processor of `attn2`: the text's keys and values arrive in the place of its hidden states."""

    def __call__(
        self,
        attn: WanAttention,
        hidden_states: Tensor,
        encoder_hidden_states: Any = None,
        attention_mask: Tensor | None = None,  # noqa: ARG002 - diffusers' signature
        rotary_emb: Any = None,  # noqa: ARG002
    ) -> Tensor:
        """Attend to the keys and values in the place of `encoder_hidden_states`."""
        key, value = encoder_hidden_states
        clips = hidden_states.reshape(key.shape[0], -1, hidden_states.shape[-1])
        query = project_query(attn, clips)
        # Words are constants, except in training.
        out = attend(query, key, value) if key.requires_grad else look_at(query, ((key, value),))
        out = out.reshape(hidden_states.shape)
        return attn.to_out[0](out)  # type: ignore[no-any-return]
