"""diffusers' Wan transformer made causal: blocks of latent frames, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor, nn

from dragstream.models.causal_attention import (
    CrossAttention,
    MaskedCall,
    Rotation,
    SelfAttention,
    Visibility,
    project_key_value,
)
from dragstream.models.causal_config import CausalWanConfig

_TIMESTEPS = 1000.0
"""Flow matching as Wan counts it: timestep = sigma * 1000."""


class CausalWan(nn.Module):
    """A Wan transformer that generates a video block by block."""

    def __init__(self, config: Mapping[str, Any] | CausalWanConfig) -> None:
        super().__init__()
        self.config = CausalWanConfig.of(config)
        self.transformer = WanTransformer3DModel(**self.config.diffusers())
        self.transformer.rope = Rotation(self.config.head_dim)
        for block in self.transformer.blocks:
            block.attn1.set_processor(SelfAttention())
            block.attn2.set_processor(CrossAttention())

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | CausalWanConfig) -> CausalWan:
        """A model with fresh random weights, ready to be trained."""
        return cls(config)

    # ------------------------------------------------------------------ the whole clip at once

    def forward_blocks(
        self,
        latents: Tensor,
        sigmas: Tensor,
        text: Tensor,
        frames: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """The flow of whole clips in one differentiable pass without a cache, for training.

        Args:
            latents: Noisy latents, (batch, frames, channels, height, width).
            sigmas: Noise level of each frame in [0, 1], (batch, frames).
            text: Text embeddings, (batch, tokens, text_dim).
            frames: Absolute frame indices, (frames,) or (batch, frames).
            mask: Booleans, (frames, frames) or (batch, frames, frames): row i tells which frames
                frame i attends to. One mask for all samples is faster than one for each.

        Returns:
            The flow, shaped and typed like `latents`; x0 = latents - sigma * flow.

        Raises:
            ValueError: Shapes that do not fit each other or the model.
        """
        batch, count = latents.shape[:2]
        self._check_clips(latents, sigmas, text, frames, mask)
        hidden, (rows, columns) = self._tokens(latents)
        # Frames travel as batch items through everything but the attention, so that each has its
        # own modulation without one per token.
        hidden = hidden.reshape(batch * count, rows * columns, -1)
        time, modulation = self._time(sigmas.flatten())
        turns = self.transformer.rope(frames.reshape(-1, count).to(latents.device), rows, columns)
        call = MaskedCall(turns, batch, Visibility(mask.to(latents.device), rows * columns))
        words = self._words(text)
        for block in self.transformer.blocks:
            hidden = block(hidden, project_key_value(block.attn2, words), modulation, call)
        return self._flow(hidden, time, latents)

    forward = forward_blocks

    def _check_clips(
        self, latents: Tensor, sigmas: Tensor, text: Tensor, frames: Tensor, mask: Tensor
    ) -> None:
        self._check_latents(latents)
        batch, count = latents.shape[:2]
        for name, shape, allowed in (
            ("sigmas", sigmas.shape, [(batch, count)]),
            ("frames", frames.shape, [(count,), (batch, count)]),
            ("mask", mask.shape, [(count, count), (batch, count, count)]),
        ):
            if tuple(shape) not in allowed:
                choices = " or ".join(map(str, allowed))
                raise ValueError(f"{name} must have shape {choices}, got {tuple(shape)}")
        self._check_text(text, batch)
        if mask.dtype != torch.bool or not bool(mask.any(-1).all()):
            raise ValueError("mask must be boolean and let every frame see at least one frame")

    def _check_latents(self, latents: Tensor) -> None:
        channels, (rows, columns) = self.config.latent_channels, self.config.patch
        fits = (
            latents.ndim == 5
            and min(latents.shape) > 0
            and latents.shape[2] == channels
            and latents.shape[3] % rows == 0
            and latents.shape[4] % columns == 0
        )
        if not fits:
            raise ValueError(
                f"latents must have shape (batch, frames, {channels}, height, width) with height a "
                f"multiple of {rows} and width of {columns}, got {tuple(latents.shape)}"
            )
        if not latents.is_floating_point():
            raise ValueError(f"latents must be floating point, got {latents.dtype}")

    def _check_text(self, text: Tensor, batch: int) -> None:
        if text.ndim != 3 or text.shape[1] < 1 or text.shape[::2] != (batch, self.config.text_dim):
            raise ValueError(
                f"text must have shape ({batch}, tokens, {self.config.text_dim}), "
                f"got {tuple(text.shape)}"
            )

    # ------------------------------------------------------------------ pieces of a pass

    @property
    def _dtype(self) -> torch.dtype:
        return self.transformer.scale_shift_table.dtype  # type: ignore[no-any-return]

    def _tokens(self, latents: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Embedded tokens (batch, frames * rows * columns, channels), and (rows, columns)."""
        maps = self.transformer.patch_embedding(latents.transpose(1, 2).to(self._dtype))
        tokens = maps.flatten(2).transpose(1, 2).contiguous()
        # Under autocast the residual stream keeps the width of the weights.
        return tokens.to(self._dtype), (maps.shape[-2], maps.shape[-1])

    def _time(self, sigmas: Tensor) -> tuple[Tensor, Tensor]:
        """Time embeddings (n, channels) and modulations (n, 6, channels) of noise levels (n,)."""
        embedder = self.transformer.condition_embedder
        with torch.autocast(sigmas.device.type, enabled=False):
            # Timesteps stay in float32: in bfloat16 937.5 would become 936.
            waves = embedder.timesteps_proj(sigmas.float() * _TIMESTEPS)
            time = embedder.time_embedder(waves.to(self._dtype))
            modulation = embedder.time_proj(embedder.act_fn(time))
        return time, modulation.unflatten(-1, (6, -1))

    def _words(self, text: Tensor) -> Tensor:
        embedder = self.transformer.condition_embedder.text_embedder
        return embedder(text.to(self._dtype))  # type: ignore[no-any-return]

    def _flow(self, hidden: Tensor, time: Tensor, like: Tensor) -> Tensor:
        """Head and unpatching: `hidden` (n, tokens, channels) under `time` (n, channels)."""
        model = self.transformer
        shift, scale = (model.scale_shift_table + time.unsqueeze(1).float()).chunk(2, dim=1)
        normed = (model.norm_out(hidden.float()) * (1 + scale) + shift).to(self._dtype)
        batch, frames, channels, height, width = like.shape
        rows, columns = self.config.patch
        patches = model.proj_out(normed).reshape(
            batch, frames, height // rows, width // columns, rows, columns, channels
        )
        flow: Tensor = patches.permute(0, 1, 6, 2, 4, 3, 5).reshape(like.shape)
        return flow.to(like.dtype)
