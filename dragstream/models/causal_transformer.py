"""The network of a causal Wan: patch and condition embedding, blocks and head.

Parameters have the names of diffusers' `WanTransformer3DModel`, so that its weights can be loaded,
and those of released files through diffusers' converter (`checkpoints`).
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dragstream.models.base import LowPassFilter
from dragstream.models.causal_attention import BlockCall, RotaryEmbedding, SelfAttentionCall
from dragstream.models.causal_block import Block, LayerNorm
from dragstream.models.causal_config import CausalWanConfig, FrameRanges
from dragstream.models.causal_context import CausalContext, low_passed
from dragstream.models.causal_gradient import KeyValue, try_out
from dragstream.models.causal_offload import OffloadConfig, offloaded_copy, pin

_TIMESTEPS = 1000.0
"""Timestep per noise level in Wan's flow matching: timestep = sigma * 1000."""

_LONGEST_PERIOD = 10_000.0


@contextlib.contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Disable gradients of parameters, but not of inputs."""
    trainable = [weight for weight in module.parameters() if weight.requires_grad]
    try:
        for weight in trainable:
            weight.requires_grad = False
        yield
    finally:
        for weight in trainable:
            weight.requires_grad = True


class _Waves(nn.Module):
    """Sinusoidal embedding of timesteps (n,): (n, channels), cosines first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._half = channels // 2

    def forward(self, timesteps: Tensor) -> Tensor:
        steps = torch.arange(self._half, dtype=torch.float32, device=timesteps.device)
        angles = timesteps[:, None] * torch.exp(-math.log(_LONGEST_PERIOD) * steps / self._half)
        return torch.cat([angles.cos(), angles.sin()], dim=-1)


class _TwoLayers(nn.Module):
    def __init__(self, channels: int, out: int, activation: nn.Module) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(channels, out)
        self.act = activation
        self.linear_2 = nn.Linear(out, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear_2(self.act(self.linear_1(x)))  # type: ignore[no-any-return]


class _ConditionEmbedder(nn.Module):
    """Embeddings of noise levels and of the text."""

    def __init__(self, config: CausalWanConfig) -> None:
        super().__init__()
        channels = config.channels
        self.timesteps_proj = _Waves(config.freq_dim)
        self.time_embedder = _TwoLayers(config.freq_dim, channels, nn.SiLU())
        self.act_fn = nn.SiLU()
        self.time_proj = nn.Linear(channels, 6 * channels)
        self.text_embedder = _TwoLayers(config.text_dim, channels, nn.GELU(approximate="tanh"))


class CausalTransformer(nn.Module):
    """Wan's transformer in steps: latents to tokens, one layer, tokens to latents."""

    def __init__(self, config: CausalWanConfig) -> None:
        super().__init__()
        self.config = config
        self.offload = OffloadConfig()
        channels, patch = config.channels, (1, *config.patch)
        self.rope = RotaryEmbedding(config.head_dim)
        self.patch_embedding = nn.Conv3d(config.latent_channels, channels, patch, stride=patch)
        self.condition_embedder = _ConditionEmbedder(config)
        self.blocks = nn.ModuleList(
            Block(channels, config.ffn_dim, config.num_heads, config.eps)
            for _ in range(config.num_layers)
        )
        self.norm_out = LayerNorm(channels, config.eps, elementwise_affine=False)
        self.proj_out = nn.Linear(channels, config.latent_channels * math.prod(patch))
        self.scale_shift_table = nn.Parameter(torch.randn(1, 2, channels) / channels**0.5)

    @property
    def device(self) -> torch.device:
        """The device of latents and contexts."""
        return self.scale_shift_table.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return self.scale_shift_table.dtype

    def place(self, device: torch.device, offload: OffloadConfig) -> None:
        """Move the weights to a device, except for offloaded layers, which stay on the CPU."""
        staying = self.config.num_layers - offload.swapped_layers
        if staying < 0:
            raise ValueError(
                f"swapped_layers must be at most the {self.config.num_layers} layers of the "
                f"model, got {offload.swapped_layers}"
            )
        for name, part in self.named_children():
            if name != "blocks":
                part.to(device)
        self.scale_shift_table.data = self.scale_shift_table.data.to(device)
        for index, block in enumerate(self.blocks):
            block.to(device if index < staying else "cpu")
            if index >= staying and device.type == "cuda":
                pin(block)
        self.offload = offload

    # ------------------------------------------------------------------ into the layers

    def tokens(self, latents: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Embed latents: (batch, frames * rows * columns, channels), and (rows, columns)."""
        maps = self.patch_embedding(latents.transpose(1, 2).to(self.dtype))
        tokens = maps.flatten(2).transpose(1, 2).contiguous()
        # Under autocast the residual stream keeps the width of the weights.
        return tokens.to(self.dtype), (maps.shape[-2], maps.shape[-1])

    def time(self, sigmas: Tensor) -> tuple[Tensor, Tensor]:
        """Embed noise levels (n,): time embeddings (n, channels), modulations (n, 6, channels)."""
        embedder = self.condition_embedder
        kind = sigmas.device.type
        known = torch.amp.is_autocast_available(kind)
        with torch.autocast(kind, enabled=False) if known else contextlib.nullcontext():
            # Timesteps stay in float32: in bfloat16 937.5 would become 936.
            waves = embedder.timesteps_proj(sigmas.float() * _TIMESTEPS)
            time = embedder.time_embedder(waves.to(self.dtype))
            modulation = embedder.time_proj(embedder.act_fn(time))
        return time, modulation.unflatten(-1, (6, -1))

    def text(self, text: Tensor) -> Tensor:
        """Project text embeddings (batch, tokens, text_dim) for the blocks, (..., channels)."""
        return self.condition_embedder.text_embedder(text.to(self.dtype))  # type: ignore[no-any-return]

    # ------------------------------------------------------------------ through them

    def layer(self, index: int, device: torch.device) -> Block:
        """Return a layer with its weights on the device."""
        block: Block = self.blocks[index]  # type: ignore[assignment]
        swapped = index >= self.config.num_layers - self.offload.swapped_layers
        return offloaded_copy(block, device) if swapped else block

    def through(
        self,
        index: int,
        hidden: Tensor,
        text_kv: KeyValue,
        modulation: Tensor,
        call: SelfAttentionCall,
    ) -> Tensor:
        """Return the tokens after a layer, with gradient checkpointing if enabled."""

        def run(hidden: Tensor) -> Tensor:
            out: Tensor = self.layer(index, hidden.device)(hidden, text_kv, modulation, call)
            return out

        if not (self.offload.checkpointing and torch.is_grad_enabled() and hidden.requires_grad):
            return run(hidden)

        try_out(hidden.device, self.dtype)

        def run_again(hidden: Tensor) -> Tensor:
            with frozen(self):  # also in the backward pass, after the caller's context has ended
                return run(hidden)

        again: Tensor = checkpoint(run_again, hidden, use_reentrant=False, preserve_rng_state=False)
        return again

    # ------------------------------------------------------------------ out of them

    def flow(self, hidden: Tensor, time: Tensor, like: Tensor) -> Tensor:
        """Apply head and unpatching: `hidden` (n, tokens, channels), `time` (n, channels)."""
        shift, scale = (self.scale_shift_table + time.unsqueeze(1).float()).chunk(2, dim=1)
        normed = self.norm_out.modulated(hidden, shift, scale).to(self.dtype)
        batch, frames, channels, height, width = like.shape
        rows, columns = self.config.patch
        patches = self.proj_out(normed).reshape(
            batch, frames, height // rows, width // columns, rows, columns, channels
        )
        flow: Tensor = patches.permute(0, 1, 6, 2, 4, 3, 5).reshape(like.shape)
        return flow.to(like.dtype)


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
    ) -> dict[int, BlockCall]:
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
            layer: BlockCall(
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
            call = calls.get(layer) or BlockCall(
                self.rotary_emb, self.context.kv_cache(layer, self.visible_ranges)
            )
            text_kv = self.context.text_kv[layer]
            hidden = self.transformer.through(layer, hidden, text_kv, self.modulation, call)
        return hidden

    def take_taps(self, calls: Mapping[int, BlockCall]) -> None:
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
            layer: BlockCall(self.rotary_emb, self.context.kv_cache(layer, self.visible_ranges))
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

    def maps(self, calls: Mapping[int, BlockCall], filters: int) -> list[dict[int, Tensor]]:
        """Return the taps as maps by layer, for each of the filters."""
        return [
            {
                layer: call.taps[index].unflatten(1, (-1, *self.size))
                for layer, call in calls.items()
            }
            for index in range(filters)
        ]
