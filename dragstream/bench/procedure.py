"""A direct implementation of the released procedure: the baseline of the speed benchmark.

It uses the same network and kernels without the package's optimisations. Features are recorded
under all low-passes in every pass: each tapped layer attends once more for each. Each iteration
clones the whole cache, runs all layers and differentiates through the joined past. A block is
decoded together with the one before it. References are recorded when the block before is generated.
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

Recorded = dict[Filter | None, Tensor]
"""Tapped features side by side (1, tokens, channels), under each filter."""

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of the visible past at each layer, (1, tokens, heads, head_dim)."""


@dataclass(eq=False)
class _Call:
    """One layer's self-attention; a tapped one attends once more under each filter."""

    rotary_emb: Tensor
    kv_cache: tuple[Tensor, Tensor]
    filters: Sequence[Filter | None]
    size: tuple[int, int]
    taps: list[Tensor] = field(default_factory=list)

    def attend(self, attn: Attention, hidden: Tensor) -> Tensor:
        """The output before its projection."""
        current = attn.key_value(hidden, self.rotary_emb)
        query = attn.query(hidden, self.rotary_emb)
        keys, values = (torch.cat(pair, dim=1) for pair in zip(self.kv_cache, current, strict=True))
        constants = keys.detach(), values.detach()
        for low_pass in self.filters:
            seen = [self._filtered(part, low_pass) for part in constants]
            self.taps.append(attend(query, *seen))
        return attend(query, keys, values)

    def _filtered(self, x: Tensor, low_pass: Filter | None) -> Tensor:
        if low_pass is None:
            return x
        return low_pass(x.flatten(2).unflatten(1, (-1, *self.size))).reshape(x.shape)


class ReleasedProcedure:
    """One block after a full window, generated and dragged as in the release."""

    def __init__(
        self,
        wan: CausalWan,
        context: CausalContext,
        *,
        layers: Sequence[int],
        sigmas: Sequence[float],
        denoising_step: int,
        learning_rate: float,
        filters: Sequence[Filter] = (),
    ) -> None:
        self.wan = wan
        self.context = context
        self.layers = tuple(layers)
        self.sigmas = tuple(sigmas)
        self.denoising_step = denoising_step
        self.learning_rate = learning_rate
        self.filters: tuple[Filter | None, ...] = (None, *filters)
        self.recorded: Recorded = {}
        ranges = context.visible_ranges(wan.config, wan.config.frames_per_block)
        count = wan.config.num_layers
        self.cache: Cache = [joined(context.kv_cache(layer, ranges)) for layer in range(count)]

    def record(self, latents: Tensor, sigma: float, cache: Cache) -> tuple[Tensor, Recorded]:
        """All layers: x0, and the tapped features under every filter."""
        network, device = self.wan.transformer, latents.device
        hidden, size = network.tokens(latents)
        level = torch.full((1,), sigma, dtype=torch.float32, device=device)
        time, modulation = network.time(level)
        frames = torch.arange(latents.shape[1], device=device) + self.context.frames
        rotary_emb = torch.view_as_real(network.rope(frames[None], *size))
        taps: list[list[Tensor]] = []
        for layer, block in enumerate(network.blocks):
            tapped = layer in self.layers
            call = _Call(rotary_emb, cache[layer], self.filters if tapped else (), size)
            hidden = block(hidden, self.context.text_kv[layer], modulation, call)
            taps += [call.taps] if tapped else []
        flow = network.flow(hidden, time, latents)
        x0 = latents.float() - sigma * flow.float()
        features = [torch.cat(layers, dim=-1) for layers in zip(*taps, strict=True)]
        return x0, dict(zip(self.filters, features, strict=True))

    @torch.no_grad()
    def generate(self, latents: Tensor, sigma: float) -> Tensor:
        """Predict x0 without gradients; taps at T' become the references of the next block."""
        x0, found = self.record(latents, sigma, self.cache)
        if sigma == self._level:
            self.recorded = found
        return x0

    def iteration(
        self, latents: Tensor, reference: Tensor, keep: Tensor, rest: Tensor | float = 0.0
    ) -> Tensor:
        """One step of AdamW, then rectification to the latents' own moments."""
        cache = [(key.clone(), value.clone()) for key, value in self.cache]
        point = latents.detach().clone().requires_grad_()
        optimizer = torch.optim.AdamW([point], lr=self.learning_rate)
        x0, recorded = self.record(point, self._level, cache)
        found, wanted = (self._maps(each, latents) for each in (recorded[None], reference))
        loss = torch.nn.functional.mse_loss(found, wanted)
        loss = loss + ((x0 - rest) * keep).square().mean()
        (point.grad,) = torch.autograd.grad(loss, point)
        torch.nn.utils.clip_grad_norm_([point], 1.0)
        optimizer.step()
        return rectified(point.detach(), latents)

    def block(self, noise: Tensor, filters: Sequence[Filter | None], keep: Tensor) -> Tensor:
        """Generate a block: all steps, an iteration for each of `filters`, the context pass."""
        latents = noise
        references = self.recorded
        for step, sigma in enumerate(self.sigmas):
            if step > 0:
                latents = (1 - sigma) * latents + sigma * noise
            if step == self.denoising_step and filters:
                with torch.no_grad():
                    rest = self.record(latents, sigma, self.cache)[0]
                for low_pass in filters:
                    latents = self.iteration(latents, references[low_pass], keep, rest)
            latents = self.generate(latents, sigma)
        with torch.no_grad():
            self.record(latents, 0.0, self.cache)
        return latents

    def _maps(self, features: Tensor, latents: Tensor) -> Tensor:
        """Features as maps (F, channels, rows, columns), two cells a token."""
        rows, columns = (
            size // patch
            for size, patch in zip(latents.shape[-2:], self.wan.config.patch, strict=True)
        )
        maps = features[0].unflatten(0, (-1, rows, columns)).movedim(-1, 1).float()
        return torch.nn.functional.interpolate(
            maps, scale_factor=2.0, mode="bilinear", align_corners=True
        )

    @property
    def _level(self) -> float:
        return self.sigmas[self.denoising_step]


def rectified(latents: Tensor, own: Tensor) -> Tensor:
    """Latents with each frame's and channel's mean and deviation as in `own`."""
    std, mean = torch.std_mean(latents, dim=(-2, -1), keepdim=True)
    own_std, own_mean = torch.std_mean(own, dim=(-2, -1), keepdim=True)
    return (latents - mean) / std * own_std + own_mean


def decode_again(vae: Any, previous: Tensor, latents: Tensor) -> Any:
    """Decode a block together with the block before it, without a decoder state."""
    frames, _ = vae.decode(torch.cat([previous, latents], dim=1), None)
    return frames
