"""The context policies of the released models: rolling, restarting and recomputed KV caches.

Each converts clean blocks to contexts of a `CausalWan`, and is selected by the fields of a
`Release`:

- `Rolling`: an unlimited rolling window (Self-Forcing, Causal Forcing);
- `Restarting`: an append-only cache that restarts from a few overlapping frames when it is full
  (CausVid);
- `Recaching`: a rolling window whose keys and values are recomputed under a new prompt (LongLive).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from dragstream.models.causal_context import CausalContext
from dragstream.models.causal_wan import CausalWan


@dataclass(frozen=True, eq=False)
class RolloutContext:
    """A context with the clean latents to recompute it from.

    Attributes:
        inner: The transformer's context.
        frames: Latent frames committed so far.
        latents: Clean blocks (1, F, C, h, w), oldest first.
    """

    inner: CausalContext
    frames: int = 0
    latents: tuple[Tensor, ...] = ()

    @property
    def text(self) -> Tensor:
        """The current text embeddings."""
        return self.inner.text


AnyContext = CausalContext | RolloutContext


def inner_context(context: AnyContext) -> CausalContext:
    """Return the transformer's context of a context.

    Raises:
        TypeError: Not a context of such a model.
    """
    inner = context.inner if isinstance(context, RolloutContext) else context
    if not isinstance(inner, CausalContext):
        raise TypeError(f"context must come from new_context, got {type(context).__name__}")
    return inner


class ContextPolicy(Protocol):
    """A policy that makes contexts."""

    def begin(self, text: Tensor) -> AnyContext:
        """Return a context without blocks."""
        ...

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """Return the context with another text."""
        ...

    def extended(self, context: AnyContext, latents: Tensor) -> AnyContext:
        """Return the context extended by a clean block."""
        ...


@dataclass(frozen=True, eq=False)
class Rolling:
    """The transformer's own rolling window and sink."""

    wan: CausalWan

    def begin(self, text: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        return self.wan.new_context(text)

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        return self.wan.with_text(inner_context(context), text)

    def extended(self, context: AnyContext, latents: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        return self.wan.commit(latents, inner_context(context))


@dataclass(frozen=True, eq=False)
class Restarting:
    """An append-only cache of `limit` frames that restarts from the last `overlap` of them.

    This is CausVid's method for long videos. The first latent frame after a restart is the video
    frame at that place, encoded by itself, since the first latent frame of a video encodes a single
    frame; the others are copied.

    Attributes:
        wan: The transformer.
        limit: Latent frames of a rollout, those of its start included.
        overlap: Latent frames at the start of a rollout.
        again: A function from the latents (1, F, C, h, w) of a rollout to the single latent frame
            (1, 1, C, h, w) of its last video frame.
    """

    wan: CausalWan
    limit: int
    overlap: int
    again: Callable[[Tensor], Tensor]

    def begin(self, text: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        return RolloutContext(self.wan.new_context(text))

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        rolled = _rollout(context)
        return replace(rolled, inner=self.wan.with_text(rolled.inner, text))

    def extended(self, context: AnyContext, latents: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        rolled = _rollout(context)
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
        inner = self.wan.new_context(text)
        for block in start.split(self.wan.config.frames_per_block, dim=1):
            inner = self.wan.commit(block, inner)
        return RolloutContext(inner, latents=(start,))


@dataclass(frozen=True, eq=False)
class Recaching:
    """A rolling window; a new prompt recomputes keys and values of the last `window` frames.

    Keys and values of the sink are not recomputed (LongLive's global sink).

    Attributes:
        wan: The transformer, with a window.
    """

    wan: CausalWan

    def begin(self, text: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        return RolloutContext(self.wan.new_context(text))

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        rolled = _rollout(context)
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
        """See `ContextPolicy`."""
        rolled = _rollout(context)
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


def _rollout(context: AnyContext) -> RolloutContext:
    if not isinstance(context, RolloutContext):
        raise TypeError(f"context must come from new_context, got {type(context).__name__}")
    return context
