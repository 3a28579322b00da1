"""Wan's transformer with causal attention over blocks of latent frames."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, Self, cast

import torch
from torch import Tensor, nn

from dragstream.drags.checks import check_kind
from dragstream.models.attention_backends import find_backend
from dragstream.models.base import LowPassFilter, Reading
from dragstream.models.causal_attention import Attention, MaskedCall, Visibility
from dragstream.models.causal_block import Block
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_context import CausalContext, CommittedBlock, in_int8
from dragstream.models.causal_gradient import KeyValue, StoredKeyValue
from dragstream.models.causal_inputs import (
    check_block,
    check_clips,
    check_context,
    check_layers,
    check_low_pass,
    check_text,
)
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.causal_quantised import update_digest
from dragstream.models.causal_transformer import BlockPass, CausalTransformer, frozen
from dragstream.models.checkpoints import check_fit, load_strictly, read_released

P = ParamSpec("P")


def _remembered(method: Callable[P, CausalContext]) -> Callable[P, CausalContext]:
    """Run a method that makes a context without gradients and outside inference mode.

    The tensors of a context outlive the call. Inference tensors could not take part in a later
    gradient for the latents.
    """

    @functools.wraps(method)
    def run(*args: P.args, **kwargs: P.kwargs) -> CausalContext:
        with torch.inference_mode(mode=False), torch.no_grad():
            return method(*args, **kwargs)

    return run


class CausalWan(nn.Module):
    """A Wan transformer that generates a video block by block.

    ```python
    wan = CausalWan.from_released("self_forcing_dmd.pt", config)
    context = wan.new_context(text)
    x0 = wan.denoise(latents, sigma, context)          # once per denoising step
    context = wan.commit(x0, context)                  # then on to the next block
    reading = wan.read(latents, sigma, context, layers=(12, 13), predict=True)
    ```

    Contexts are immutable: `commit` returns a new one that shares the keys and values of the
    earlier blocks, and the old one stays usable. Nothing else writes keys and values, so an
    interrupted pass has no effect.

    Args:
        config: Sizes, see `CausalWanConfig.of`. Weights are random.

    Attributes:
        int8_cache: If set, keys and values of committed blocks are stored in INT8.
    """

    def __init__(self, config: Mapping[str, Any] | CausalWanConfig) -> None:
        super().__init__()
        self.config = CausalWanConfig.of(config)
        self.int8_cache = False
        self.transformer = CausalTransformer(self.config)

    @property
    def offload(self) -> OffloadConfig:
        """The memory saving options, see `place`."""
        return self.transformer.offload

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | CausalWanConfig) -> CausalWan:
        """Make a model with fresh random weights, ready for training."""
        return cls(config).to(torch.float32)

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, Tensor],
        config: Mapping[str, Any] | CausalWanConfig,
        *,
        dtype: torch.dtype = torch.float32,
        origins: Mapping[str, str] | None = None,
    ) -> CausalWan:
        """Make a model with given weights, frozen and in evaluation mode.

        Args:
            state: Weights by diffusers' names, as `model.transformer.state_dict()` has them.
            config: Sizes, see `CausalWanConfig.of`.
            dtype: Dtype of the weights in memory.
            origins: Names of the weights in their file, for error messages.

        Raises:
            ValueError: An invalid config; missing or unexpected weights, which the message names.
        """
        with torch.device("meta"):
            model = cls(config).to(dtype)
        check_fit(model.transformer, state, origins)  # before anything is allocated
        model.to_empty(device="cpu")
        load_strictly(model.transformer, state, origins)
        return model.requires_grad_(False).eval()  # noqa: FBT003 - torch's signature

    @classmethod
    def from_released(
        cls,
        path: str | Path,
        config: Mapping[str, Any] | CausalWanConfig,
        *,
        dtype: torch.dtype = torch.float32,
        ema: bool | None = None,
        key: str | None = None,
    ) -> CausalWan:
        """Read a checkpoint of any layout that `read_released` knows.

        Args:
            path: A file, or a folder of shards.
            config: Sizes, see `CausalWanConfig.of`.
            dtype: Dtype of the weights in memory.
            ema: Whether to take the averaged weights, if the file has both.
            key: The key of the state dict, if the file has several.

        Raises:
            FileNotFoundError, ValueError: A missing, damaged or other file, or another config's.
        """
        config = CausalWanConfig.of(config)
        state, origins = read_released(path, ema=ema, key=key)
        return cls.from_state(state, config, dtype=dtype, origins=origins)

    def place(self, device: torch.device | str, offload: OffloadConfig | None = None) -> Self:
        """Move the weights to a device, with memory saving options; use it instead of `to`.

        `offload` None leaves the options unchanged; a ValueError refuses more swapped layers than
        the model has.
        """
        offload = self.offload if offload is None else offload
        self.transformer.place(torch.device(device), check_kind(offload, OffloadConfig, "offload"))
        return self

    def use_attention(self, name: str | None) -> Self:
        """Choose the attention of passes without gradients by name, see `find_backend`."""
        model = self.transformer
        backend = find_backend(
            name, device=model.device, dtype=model.dtype, head_dim=self.config.head_dim
        )
        for module in model.modules():
            if isinstance(module, Attention):
                module.backend = backend
        return self

    def fingerprint(self) -> str:
        """Return a digest of config and weights (hexadecimal)."""
        digest = hashlib.sha256(repr(self.config).encode())
        if self.int8_cache:
            digest.update(b"keys and values in INT8")
        update_digest(digest, self.transformer.state_dict())
        return digest.hexdigest()

    def forward_blocks(
        self, latents: Tensor, sigmas: Tensor, text: Tensor, frames: Tensor, mask: Tensor
    ) -> Tensor:
        """Compute the flow of whole clips in one differentiable pass without a cache, for training.

        Args:
            latents: Noisy latents, (batch, frames, channels, height, width).
            sigmas: Noise level of each frame in [0, 1], (batch, frames).
            text: Text embeddings, (batch, tokens, text_dim).
            frames: Absolute frame indices, (frames,) or (batch, frames).
            mask: Booleans, (frames, frames): row i marks the frames that frame i attends to.

        Returns:
            The flow, shaped and typed like `latents`; x0 = latents - sigma * flow.

        Raises:
            ValueError: Inconsistent shapes, or shapes that do not fit the model.
        """
        check_clips(self.config, latents, sigmas=sigmas, text=text, frames=frames, mask=mask)
        batch, count = latents.shape[:2]
        model = self.transformer
        hidden, (rows, columns) = model.tokens(latents)
        # Frames are batch items everywhere but in the attention, so that each has its own
        # modulation without one per token.
        hidden = hidden.reshape(batch * count, rows * columns, -1)
        time, modulation = model.time(sigmas.flatten())
        positions = frames.reshape(-1, count).to(latents.device)
        rotary_emb = torch.view_as_real(model.rope(positions, rows, columns))
        call = MaskedCall(rotary_emb, batch, Visibility(mask.to(latents.device), rows * columns))
        projected = model.text(text)
        blocks: list[Block] = list(model.blocks)  # type: ignore[arg-type]
        for block in blocks:
            hidden = block(hidden, block.attn2.key_value(projected), modulation, call)
        return model.flow(hidden, time, latents)

    forward = forward_blocks

    @_remembered
    def new_context(self, text: Tensor) -> CausalContext:
        """Return the context of a stream without blocks, of a finite text (1, tokens, text_dim)."""
        text_kv = self._text_cache(text)
        return CausalContext(0, text.detach().clone(), text_kv)

    @_remembered
    def with_text(self, context: CausalContext, text: Tensor) -> CausalContext:
        """Return the context with another text, in force from the next block on."""
        check_context(self.config, context)
        text_kv = self._text_cache(text)
        return dataclasses.replace(context, text=text.detach().clone(), text_kv=text_kv)

    def read(
        self,
        latents: Tensor,
        sigma: float,
        context: CausalContext,
        layers: Sequence[int] = (),
        filters: Sequence[LowPassFilter | None] = (None,),
        *,
        predict: bool = False,
        window: int | None = None,
    ) -> Reading:
        """See `VideoModel.read`."""
        tapped, filters = check_layers(self.config, layers, needed=not predict), tuple(filters)
        for low_pass in filters:
            check_low_pass(low_pass)
        with frozen(self) if torch.is_grad_enabled() else contextlib.nullcontext():
            block = self._start(latents, sigma, context, window)
            calls = block.taps(tapped, filters)
            x0 = block.x0(calls) if predict else None
            if x0 is None:
                block.take_taps(calls)
        return Reading(block.maps(calls, len(filters)), x0)

    @torch.no_grad()
    def denoise(self, latents: Tensor, sigma: float, context: CausalContext) -> Tensor:
        """Predict x0 without gradients, shaped and typed like the noisy `latents`."""
        return cast("Tensor", self.read(latents, sigma, context, predict=True).x0)

    @_remembered
    def commit(self, latents: Tensor, context: CausalContext) -> CausalContext:
        """Append a clean block to the KV cache: the context pass, at noise level 0.

        The new context shares the keys and values of the earlier blocks, without those that no
        later block attends to; the given one stays usable.
        """
        block = self._start(latents, 0.0, context)
        layers = self.stored(block.key_values())
        committed = CommittedBlock(context.frames, latents.shape[1], block.size, layers)
        later = self.config.visible_ranges(
            committed.stop, self.config.frames_per_block, context.since
        )
        return context.extended(committed, later)

    def stored(self, layers: Sequence[KeyValue]) -> tuple[StoredKeyValue, ...]:
        """Return keys and values of each layer as the cache stores them."""
        return tuple(in_int8(pair) if self.int8_cache else pair for pair in layers)

    def _start(
        self, latents: Tensor, sigma: float, context: CausalContext, window: int | None = None
    ) -> BlockPass:
        config = self.config if window is None else self.config.narrowed(window)
        sigma = check_block(config, latents, sigma, context)
        ranges = context.visible_ranges(config, latents.shape[1])
        return BlockPass(self.transformer, latents, sigma, context, ranges)

    def _text_cache(self, text: Tensor) -> tuple[KeyValue, ...]:
        check_text(self.config, text, 1)
        projected = self.transformer.text(text)
        return tuple(
            self.transformer.layer(layer, projected.device).attn2.key_value(projected)
            for layer in range(self.config.num_layers)
        )
