"""A pass of one block through the layers of a causal Wan: `BlockPass`."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dragstream.models.base import LowPassFilter
from dragstream.models.causal_attention import CachedCall, SelfAttentionCall, TappedCall
from dragstream.models.causal_config import FrameRanges
from dragstream.models.causal_context import CausalContext, low_passed
from dragstream.models.causal_gradient import KeyValue
from dragstream.models.causal_transformer import CausalTransformer


class BlockPass:
    """A block of latents (1, frames, channels, height, width) in a pass through the layers.

    It attends to the committed frames in `visible_ranges`, and to itself.
    """

    def __init__(
        self,
        transformer: CausalTransformer,
        latents: Tensor,
        sigma: float,
        context: CausalContext,
        visible_ranges: FrameRanges,
    ) -> None:
        self.transformer, self.context, self.visible_ranges = transformer, context, visible_ranges
        self.latents, self.sigma = latents, sigma
        self.hidden, self.size = transformer.tokens(latents)
        frames, device = latents.shape[1], latents.device
        # Created on the device: a copy to it would synchronise.
        level = torch.full((1,), sigma, dtype=torch.float32, device=device)
        self.time, self.modulation = transformer.time(level)
        rotary_emb = transformer.rope.of_block(context.frames, frames, *self.size, device)
        self.rotary_emb = torch.view_as_real(rotary_emb)

    def taps(
        self, layers: Sequence[int], filters: Sequence[LowPassFilter | None]
    ) -> dict[int, TappedCall]:
        """Make the calls that tap layers under each filter."""
        own = [
            None if low is None else functools.partial(low_passed, low, size=self.size)
            for low in filters
        ]
        kv_cache = functools.partial(
            self.context.kv_cache,
            ranges=self.visible_ranges,
            keep=self.transformer.offload.keep_filtered,
        )
        return {
            layer: TappedCall(
                self.rotary_emb,
                kv_cache(layer),
                [functools.partial(kv_cache, layer, low_pass=low) for low in filters],
                own,
            )
            for layer in layers
        }

    def up_to(self, depth: int, calls: Mapping[int, SelfAttentionCall]) -> Tensor:
        """Return the tokens after the first `depth` layers; layers without a call have no taps."""
        hidden = self.hidden
        for layer in range(depth):
            call = calls.get(layer) or CachedCall(
                self.rotary_emb, self.context.kv_cache(layer, self.visible_ranges)
            )
            text_kv = self.context.text_kv[layer]
            hidden = self.transformer.through(layer, hidden, text_kv, self.modulation, call)
        return hidden

    def take_taps(self, calls: Mapping[int, TappedCall]) -> None:
        """Run the layers up to the last tapped one, for the taps only."""
        top = max(calls)
        hidden = self.up_to(top, calls)
        block = self.transformer.layer(top, hidden.device)
        calls[top].tap(block.attn1, block.attention_input(hidden, self.modulation))

    def x0(self, calls: Mapping[int, SelfAttentionCall]) -> Tensor:
        """Predict the clean latents, by a pass through all layers."""
        hidden = self.up_to(self.transformer.config.num_layers, calls)
        flow = self.transformer.flow(hidden, self.time, self.latents)
        return (self.latents.float() - self.sigma * flow.float()).to(self.latents.dtype)

    def key_values(self) -> tuple[KeyValue, ...]:
        """Compute the block's own keys and values at every layer."""
        last = self.transformer.config.num_layers - 1
        calls = {
            layer: CachedCall(self.rotary_emb, self.context.kv_cache(layer, self.visible_ranges))
            for layer in range(last)
        }
        hidden = self.up_to(last, calls)
        # Nothing else is computed in the last layer.
        block = self.transformer.layer(last, hidden.device)
        normed = block.attention_input(hidden, self.modulation)
        return (
            *(call.current for call in calls.values()),
            block.attn1.key_value(normed, self.rotary_emb),
        )

    def maps(self, calls: Mapping[int, TappedCall], filters: int) -> list[dict[int, Tensor]]:
        """Return the taps as maps by layer, for each of the filters."""
        return [
            {
                layer: call.taps[index].unflatten(1, (-1, *self.size))
                for layer, call in calls.items()
            }
            for index in range(filters)
        ]
