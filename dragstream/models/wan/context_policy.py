"""The context policies of the released models: four ways to keep the past visible.

Each converts clean blocks to contexts of a `CausalWan`, and is selected by the fields of a
`Release`: `Rolling` (Self-Forcing, Causal Forcing), `Averaging` (Reward Forcing), `Restarting`
(CausVid; Krea Realtime before every block), `Recaching` (LongLive).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from dragstream.models.causal_attention import apply_rotary_emb
from dragstream.models.causal_context import CausalContext, CommittedBlock
from dragstream.models.causal_gradient import KeyValue, joined
from dragstream.models.causal_wan import CausalWan


@dataclass(frozen=True, eq=False)
class RolloutContext:
    """A context with the clean latents to recompute it from."""

    inner: CausalContext  # the transformer's context
    frames: int = 0  # latent frames committed so far
    latents: tuple[Tensor, ...] = ()  # clean blocks (1, F, C, h, w), oldest first

    @property
    def text(self) -> Tensor:
        """The current text embeddings."""
        return self.inner.text


AnyContext = CausalContext | RolloutContext
Kind = TypeVar("Kind")


def known(context: object, kind: type[Kind]) -> Kind:
    """Return a context after a check that it is of a kind."""
    if not isinstance(context, kind):
        raise TypeError(f"context must come from new_context, got {type(context).__name__}")
    return context


def inner_context(context: AnyContext) -> CausalContext:
    """Return the transformer's context of a context."""
    return context.inner if isinstance(context, RolloutContext) else known(context, CausalContext)


@dataclass(frozen=True, eq=False)
class Rolling:
    """The transformer's own rolling window and sink; the base of the other policies."""

    wan: CausalWan

    def begin(self, text: Tensor) -> AnyContext:
        """Return a context without blocks."""
        return self.wan.new_context(text)

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """Return the context with another text."""
        return self.wan.with_text(inner_context(context), text)

    def extended(self, context: AnyContext, latents: Tensor) -> AnyContext:
        """Return the context extended by a clean block."""
        return self.wan.commit(latents, inner_context(context))


class Rollouts(Rolling):
    """A policy whose contexts are rollouts."""

    def begin(self, text: Tensor) -> AnyContext:
        """See `Rolling`."""
        return RolloutContext(self.wan.new_context(text))

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """See `Rolling`."""
        rolled = rollout_of(context)
        return replace(rolled, inner=self.wan.with_text(rolled.inner, text))


@dataclass(frozen=True, eq=False)
class Averaged(RolloutContext):
    """The context of a running-mean sink."""

    # the mean of keys and values at each layer in float32, keys rotated as those of the stream's
    # first frames; empty until a block has left the window
    sink: tuple[KeyValue, ...] = ()


@dataclass(frozen=True, eq=False)
class Averaging(Rollouts):
    """A rolling window whose sink is a running mean (Reward Forcing).

    When a block leaves the window, sink = decay * sink + (1 - decay) * block, for keys before their
    rotation and for values. The sink lies directly before the window, as if its frames were those
    just evicted: its keys are rotated for that place.
    """

    decay: float  # the weight of the old sink

    def extended(self, context: AnyContext, latents: Tensor) -> AnyContext:
        """See `Rolling`."""
        rolled = rollout_of(context)
        inner = self.wan.commit(latents, rolled.inner)
        sink = rolled.sink if isinstance(rolled, Averaged) else ()
        kept = {block.start for block in inner.blocks}
        evicted = [block for block in rolled.inner.blocks if block.start not in kept]
        if evicted:
            # Without inference mode: later gradients for latents need ordinary tensors.
            with torch.inference_mode(mode=False), torch.no_grad():
                inner, sink = self._averaged(rolled, inner, evicted, sink)
        return Averaged(inner, rolled.frames + latents.shape[1], sink=sink)

    def _averaged(
        self,
        rolled: RolloutContext,
        inner: CausalContext,
        evicted: list[CommittedBlock],
        sink: tuple[KeyValue, ...],
    ) -> tuple[CausalContext, tuple[KeyValue, ...]]:
        """Return the context with the sink that has taken in evicted blocks, and that sink."""
        for block in evicted:
            sink = self._mixed(sink or _plain(rolled.inner.blocks[0]), block)
        layers = self.wan.stored([self._placed(pair, evicted[-1].start) for pair in sink])
        moved = replace(inner.blocks[0], layers=layers, _filtered={})
        return replace(inner, blocks=(moved, *inner.blocks[1:])), sink

    def _mixed(self, sink: tuple[KeyValue, ...], block: CommittedBlock) -> tuple[KeyValue, ...]:
        """Return the mean with a block, whose keys are rotated back to the first frames."""
        mixed = []
        for (key, value), (new_key, new_value) in zip(sink, _plain(block), strict=True):
            moved = self._moved(new_key.float(), -block.start)
            mixed.append((self._mean(key, moved), self._mean(value, new_value)))
        return tuple(mixed)

    def _mean(self, old: Tensor, new: Tensor) -> Tensor:
        return self.decay * old.float() + (1 - self.decay) * new.float()

    def _placed(self, pair: KeyValue, start: int) -> KeyValue:
        """Return keys and values of the sink at a frame, in the transformer's dtype."""
        dtype = self.wan.transformer.dtype
        return self._moved(pair[0], start).to(dtype), pair[1].to(dtype)

    def _moved(self, key: Tensor, frames: int) -> Tensor:
        """Return rotated keys moved by a number of frames."""
        rotary_emb = self.wan.transformer.rope(torch.tensor([[frames]]), 1, 1)
        return apply_rotary_emb(key, torch.view_as_real(rotary_emb).to(key.device))


@dataclass(frozen=True, eq=False)
class Restarting(Rollouts):
    """An append-only cache of `limit` frames that restarts from the last `overlap` of them.

    This is CausVid's method for long videos. The first latent frame after a restart is the video
    frame at that place, encoded by itself, since the first latent frame of a video encodes a single
    frame; the others are copied.
    """

    limit: int  # latent frames of a rollout, those of its start included
    overlap: int  # latent frames at the start of a rollout
    # a function from the latents (1, F, C, h, w) of a rollout to the single latent frame (1, 1,
    # C, h, w) of its last video frame
    again: Callable[[Tensor], Tensor]
    recached: bool = False  # if set, a new prompt recomputes keys and values of the rollout

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """See `Rolling`."""
        rolled = rollout_of(context)
        if self.recached and rolled.latents:
            return replace(rolled, inner=self._committed(torch.cat(rolled.latents, dim=1), text))
        return super().with_text(context, text)

    def extended(self, context: AnyContext, latents: Tensor) -> AnyContext:
        """See `Rolling`."""
        rolled = rollout_of(context)
        inner = self.wan.commit(latents, rolled.inner)
        rollout = (*rolled.latents, latents.detach().clone())
        frames = rolled.frames + latents.shape[1]
        if inner.frames + self.wan.config.frames_per_block <= self.limit:
            return RolloutContext(inner, frames, rollout)
        return replace(self._restarted(torch.cat(rollout, dim=1), rolled.text), frames=frames)

    def _restarted(self, rollout: Tensor, text: Tensor) -> RolloutContext:
        kept = self.overlap - 1
        first = self.again(rollout[:, : rollout.shape[1] - kept])
        start = torch.cat([first, rollout[:, rollout.shape[1] - kept :]], dim=1)
        return RolloutContext(self._committed(start, text), latents=(start,))

    def _committed(self, rollout: Tensor, text: Tensor) -> CausalContext:
        inner = self.wan.new_context(text)
        for block in rollout.split(self.wan.config.frames_per_block, dim=1):
            inner = self.wan.commit(block, inner)
        return inner


@dataclass(frozen=True, eq=False)
class Recaching(Rollouts):
    """A rolling window; a new prompt recomputes keys and values of the last `window` frames.

    Keys and values of the sink are not recomputed (LongLive's global sink).
    """

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """See `Rolling`."""
        rolled = rollout_of(context)
        fresh = self.wan.new_context(text)
        old, recent = rolled.inner, self._recent(rolled)
        start = rolled.frames - sum(block.shape[1] for block in recent)
        sinks = tuple(block for block in old.blocks if block.start < self.wan.config.sink)
        fresh = replace(fresh, frames=start, blocks=sinks, since=start)
        for block in recent:
            fresh = self.wan.commit(block, fresh)
        # Frames invisible to the first of them stay invisible.
        return replace(rolled, inner=fresh)

    def extended(self, context: AnyContext, latents: Tensor) -> AnyContext:
        """See `Rolling`."""
        rolled = rollout_of(context)
        inner = self.wan.commit(latents, rolled.inner)
        kept = (*rolled.latents, latents.detach().clone())
        window = self.wan.config.window
        while window is not None and sum(block.shape[1] for block in kept[1:]) >= window:
            kept = kept[1:]
        return RolloutContext(inner, rolled.frames + latents.shape[1], kept)

    def _recent(self, rolled: RolloutContext) -> tuple[Tensor, ...]:
        """Return the blocks to recompute: those kept that lie after the sink's."""
        start = rolled.frames - sum(block.shape[1] for block in rolled.latents)
        found = []
        for block in rolled.latents:
            if start >= self.wan.config.sink:
                found.append(block)
            start += block.shape[1]
        return tuple(found)


def _plain(block: CommittedBlock) -> tuple[KeyValue, ...]:
    """Return a block's keys and values at each layer as floating point numbers."""
    return tuple(joined([pair]) for pair in block.layers)


def rollout_of(context: AnyContext) -> RolloutContext:
    """Return the context after a check that it is one with clean latents."""
    return known(context, RolloutContext)
