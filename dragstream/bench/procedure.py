"""The released procedure, written down as it reads, to measure against.

It does what a direct implementation does, and nothing that the package has thought about: each
iteration clones the whole cache, runs all layers, attends twice where features are tapped, and
differentiates through the joined past; references are read by whole passes, each with the filter of
its own; and a block is decoded together with the one before it. It stands on the same network and
the same kernels, so that what differs is the procedure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dragstream.models.causal_attention import Attention, attend
from dragstream.models.causal_gradient import joined

if TYPE_CHECKING:
    from dragstream.models.causal_context import CausalContext
    from dragstream.models.causal_wan import CausalWan

Filter = Callable[[Tensor], Tensor]
"""Low-passes maps (1, frames, rows, columns, channels)."""

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of the past in sight at each layer, (1, tokens, heads, head_dim)."""


@dataclass(eq=False)
class _Call:
    """One layer's self-attention: to the cache and to the block; a tap attends once more."""

    turns: Tensor
    past: tuple[Tensor, Tensor]
    tapped: bool = False
    low_pass: Filter | None = None
    size: tuple[int, int] = (1, 1)
    tap: Tensor = field(init=False)

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """The output before its projection."""
        current = attn.key_value(hidden, self.turns)
        query = attn.query(hidden, self.turns)
        keys, values = (torch.cat(pair, dim=1) for pair in zip(self.past, current, strict=True))
        if self.tapped:
            seen = keys.detach(), values.detach()
            if self.low_pass is not None:
                seen = self._filtered(seen[0]), self._filtered(seen[1])
            self.tap = attend(query, *seen)
        return attend(query, keys, values)

    def _filtered(self, x: Tensor) -> Tensor:
        maps = x.flatten(2).unflatten(1, (-1, *self.size))
        return self.low_pass(maps).reshape(x.shape) if self.low_pass is not None else x


class ReleasedProcedure:
    """One block after a full window, as the release makes and drags it.

    Args:
        wan: The network.
        context: What it remembers of the blocks before.
        layers: The tapped layers.
        sigmas: Noise level of each denoising step.
        denoising_step: Where iterations are made.
        learning_rate: Of AdamW.
    """

    def __init__(
        self,
        wan: CausalWan,
        context: CausalContext,
        *,
        layers: Sequence[int],
        sigmas: Sequence[float],
        denoising_step: int,
        learning_rate: float,
    ) -> None:
        self.wan = wan
        self.context = context
        self.layers = tuple(layers)
        self.sigmas = tuple(sigmas)
        self.denoising_step = denoising_step
        self.learning_rate = learning_rate
        spans = context.spans(wan.config, wan.config.frames_per_block)
        count = wan.config.num_layers
        self.cache: Cache = [joined(context.past(layer, spans)) for layer in range(count)]

    def forward(
        self, latents: Tensor, sigma: float, cache: Cache, low_pass: Filter | None = None
    ) -> tuple[Tensor, Tensor]:
        """All layers: x0, and the tapped features side by side."""
        network, device = self.wan.transformer, latents.device
        hidden, size = network.tokens(latents)
        level = torch.full((1,), sigma, dtype=torch.float32, device=device)
        time, modulation = network.time(level)
        frames = torch.arange(latents.shape[1], device=device) + self.context.frames
        turns = torch.view_as_real(network.rope(frames[None], *size))
        taps = []
        for layer, block in enumerate(network.blocks):
            call = _Call(turns, cache[layer], layer in self.layers, low_pass, size)
            hidden = block(hidden, self.context.words[layer], modulation, call)
            if call.tapped:
                taps.append(call.tap)
        flow = network.flow(hidden, time, latents)
        x0 = latents.float() - sigma * flow.float()
        return x0, torch.cat(taps, dim=-1)

    @torch.no_grad()
    def reference(self, latents: Tensor, low_pass: Filter | None) -> Tensor:
        """Features to pull towards, under one filter: a pass of its own."""
        return self.forward(latents, self._level, self.cache, low_pass)[1]

    def iteration(self, latents: Tensor, reference: Tensor, keep: Tensor) -> Tensor:
        """One step of AdamW: features like the reference's, predictions kept where `keep` is 1."""
        cache = [(key.clone(), value.clone()) for key, value in self.cache]
        point = latents.detach().clone().requires_grad_()
        optimizer = torch.optim.AdamW([point], lr=self.learning_rate)
        x0, features = self.forward(point, self._level, cache)
        loss = torch.nn.functional.mse_loss(features.float(), reference.float())
        loss = loss + (x0 * keep).square().mean()
        (point.grad,) = torch.autograd.grad(loss, point)
        torch.nn.utils.clip_grad_norm_([point], 1.0)
        optimizer.step()
        return point.detach()

    def block(self, noise: Tensor, filters: Sequence[Filter | None], keep: Tensor) -> Tensor:
        """A whole block: all steps, an iteration for each of `filters`, the context pass; x0."""
        latents = noise
        known: dict[Filter | None, Tensor] = {}
        for step, sigma in enumerate(self.sigmas):
            if step > 0:
                latents = (1 - sigma) * latents + sigma * noise
            if step == self.denoising_step:
                for low_pass in filters:
                    if low_pass not in known:
                        known[low_pass] = self.reference(latents, low_pass)
                    latents = self.iteration(latents, known[low_pass], keep)
            with torch.no_grad():
                latents = self.forward(latents, sigma, self.cache)[0]
        with torch.no_grad():
            self.forward(latents, 0.0, self.cache)
        return latents

    @property
    def _level(self) -> float:
        return self.sigmas[self.denoising_step]


def decode_again(vae: Any, previous: Tensor, latents: Tensor) -> Any:
    """Pixels of a block, decoded together with the block before it and from nothing."""
    frames, _ = vae.decode(torch.cat([previous, latents], dim=1), None)
    return frames
