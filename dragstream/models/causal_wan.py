"""diffusers' Wan transformer made causal: blocks of latent frames, one after another."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, Self

import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel, WanTransformerBlock
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from dragstream.models.causal_attention import (
    CachedCall,
    CrossAttention,
    MaskedCall,
    Rotation,
    SelfAttention,
    SelfAttentionCall,
    TappedCall,
    Visibility,
    project_key_value,
)
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_context import (
    CausalContext,
    CommittedBlock,
    LowPass,
    low_passed,
)
from dragstream.models.causal_economy import Economy, pin, visiting
from dragstream.models.causal_gradient import KeyValue, try_out
from dragstream.models.causal_inputs import (
    check_block,
    check_clips,
    check_context,
    check_layers,
    check_low_pass,
    check_text,
)
from dragstream.models.checkpoints import check_fit, load_strictly, read_diffusers, read_released

P = ParamSpec("P")

_TIMESTEPS = 1000.0
"""Flow matching as Wan counts it: timestep = sigma * 1000."""


class _Block(NamedTuple):
    """A block of latents on its way through the layers."""

    sigma: float
    hidden: Tensor
    size: tuple[int, int]
    time: Tensor
    modulation: Tensor
    turns: Tensor
    spans: tuple[tuple[int, int], ...]


def _attention_input(block: WanTransformerBlock, hidden: Tensor, modulation: Tensor) -> Tensor:
    """What diffusers' block hands to its self-attention."""
    shift, scale = (block.scale_shift_table + modulation.float())[:, :2].chunk(2, dim=1)
    normed: Tensor = block.norm1(hidden.float()) * (1 + scale) + shift
    return normed.type_as(hidden)


def _looks(calls: Mapping[int, TappedCall], block: _Block, count: int) -> list[dict[int, Tensor]]:
    """The looks that were taken, as maps: for each low-pass, by layer."""
    rows, columns = block.size
    return [
        {layer: call.taps[index].unflatten(1, (-1, rows, columns)) for layer, call in calls.items()}
        for index in range(count)
    ]


def _without_autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    if not torch.amp.is_autocast_available(device.type):
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)


@contextlib.contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """Record no gradients for parameters, only for inputs."""
    trainable = [weight for weight in module.parameters() if weight.requires_grad]
    try:
        for weight in trainable:
            weight.requires_grad = False
        yield
    finally:
        for weight in trainable:
            weight.requires_grad = True


def _remembered(method: Callable[P, CausalContext]) -> Callable[P, CausalContext]:
    """Run a method that makes a context: its tensors outlive the call and must fit any later one.

    Hence no gradients, and no inference mode even if the caller is in it: its tensors could not
    take part in a gradient for the latents afterwards.
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
    x0 = wan.denoise(latents, sigma, context)          # as often as there are steps
    context = wan.commit(x0, context)                  # then on to the next block
    features = wan.features(latents, sigma, context, layers=(12, 13))
    ```

    Contexts are values: `commit` returns a new one that shares the keys and values of the earlier
    blocks, and the old one stays usable. Nothing else writes keys and values, so a pass that is
    interrupted leaves no trace.

    Args:
        config: Sizes, see `CausalWanConfig.of`. Weights are random.
    """

    def __init__(self, config: Mapping[str, Any] | CausalWanConfig) -> None:
        super().__init__()
        self.config = CausalWanConfig.of(config)
        self.transformer = WanTransformer3DModel(**self.config.diffusers())
        self.transformer.rope = Rotation(self.config.head_dim)
        for block in self.transformer.blocks:
            block.attn1.set_processor(SelfAttention())
            block.attn2.set_processor(CrossAttention())
        self.economy = Economy()

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | CausalWanConfig) -> CausalWan:
        """A model with fresh random weights, ready to be trained."""
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
        """A model with given weights, frozen and in evaluation mode.

        Args:
            state: Weights by diffusers' names, as `model.transformer.state_dict()` has them.
            config: Sizes, see `CausalWanConfig.of`.
            dtype: Of the weights in memory.
            origins: Names of the weights in the file that they came from, for messages.

        Raises:
            ValueError: Weights are missing, unexpected or of other shapes, naming them; or the
                config is no good.
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
    ) -> CausalWan:
        """Read a released checkpoint (Self-Forcing, CausVid and their kin).

        Args:
            path: A `.pt` file with the weights under `generator_ema` or `generator`.
            config: Sizes, see `CausalWanConfig.of`.
            dtype: Of the weights in memory.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is damaged or foreign, or does not fit the config.
        """
        config = CausalWanConfig.of(config)
        state, origins = read_released(path)
        return cls.from_state(state, config, dtype=dtype, origins=origins)

    @classmethod
    def from_diffusers(
        cls,
        folder: str | Path,
        *,
        window: int | None = None,
        sink: int = 0,
        frames_per_block: int = 1,
        dtype: torch.dtype = torch.float32,
    ) -> CausalWan:
        """Read a transformer folder in the Diffusers layout (config.json and safetensors).

        Args:
            folder: The folder.
            window: See `CausalWanConfig`, as for the next two.
            sink: First latent frames that stay in sight.
            frames_per_block: Latent frames of the smallest block.
            dtype: Of the weights in memory.

        Raises:
            FileNotFoundError: The folder lacks its config or weights.
            ValueError: A file is damaged or foreign, or weights do not fit the config.
        """
        sizes, state = read_diffusers(folder)
        sizes |= {"window": window, "sink": sink, "frames_per_block": frames_per_block}
        return cls.from_state(state, sizes, dtype=dtype)

    def place(self, device: torch.device | str, economy: Economy | None = None) -> Self:
        """Move the weights to a device, as sparingly as asked; instead of `to`.

        Args:
            device: Where latents and contexts will be.
            economy: How to save memory there; None changes nothing about it.

        Raises:
            TypeError: An economy of another kind.
            ValueError: More swapped layers than there are.
        """
        economy = self.economy if economy is None else economy
        if not isinstance(economy, Economy):
            raise TypeError(f"economy must be an Economy, got {economy!r}")
        staying = self.config.num_layers - economy.swapped_layers
        if staying < 0:
            raise ValueError(
                f"swapped_layers must be at most the {self.config.num_layers} layers of the "
                f"model, got {economy.swapped_layers}"
            )
        model, device = self.transformer, torch.device(device)
        for name, part in model.named_children():
            if name != "blocks":
                part.to(device)
        model.scale_shift_table.data = model.scale_shift_table.data.to(device)
        for layer, block in enumerate(model.blocks):
            block.to(device if layer < staying else "cpu")
            if layer >= staying and device.type == "cuda":
                pin(block)
        self.economy = economy
        return self

    def fingerprint(self) -> str:
        """A digest of config and weights (hexadecimal)."""
        digest = hashlib.sha256(repr(self.config).encode())
        for name, weight in sorted(self.transformer.state_dict().items()):
            digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
            digest.update(weight.cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

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
        check_clips(self.config, latents, sigmas=sigmas, text=text, frames=frames, mask=mask)
        batch, count = latents.shape[:2]
        hidden, (rows, columns) = self._tokens(latents)
        # Frames travel as batch items through everything but the attention, so that each has its
        # own modulation without one per token.
        hidden = hidden.reshape(batch * count, rows * columns, -1)
        time, modulation = self._time(sigmas.flatten())
        rope: Rotation = self.transformer.rope
        turns = torch.view_as_real(
            rope(frames.reshape(-1, count).to(latents.device), rows, columns)
        )
        call = MaskedCall(turns, batch, Visibility(mask.to(latents.device), rows * columns))
        words = self._words(text)
        for block in self.transformer.blocks:
            hidden = block(hidden, project_key_value(block.attn2, words), modulation, call)
        return self._flow(hidden, time, latents)

    forward = forward_blocks

    # ------------------------------------------------------------------ block after block

    @_remembered
    def new_context(self, text: Tensor) -> CausalContext:
        """The context of a stream that has no blocks yet.

        Args:
            text: Text embeddings, (1, tokens, text_dim).

        Raises:
            ValueError: A text of another shape, or with values that are not finite.
        """
        words = self._text_cache(text)
        return CausalContext(0, text.detach().clone(), words)

    @_remembered
    def with_text(self, context: CausalContext, text: Tensor) -> CausalContext:
        """The same past under another text, from the next block on.

        Raises:
            TypeError: `context` is not a context of this class.
            ValueError: As in `new_context`.
        """
        check_context(self.config, context)
        words = self._text_cache(text)
        return dataclasses.replace(context, text=text.detach().clone(), words=words)

    def narrowed(self, context: CausalContext, window: int) -> CausalContext:
        """The same past seen through a shorter window: nothing can be committed after it.

        Args:
            context: What was committed before.
            window: Latent frames that a block is shown, its own among them; the sink stays.

        Raises:
            TypeError: `context` is not a context of this class, or `window` is no integer.
            ValueError: A window without room for the sink and a block.
        """
        check_context(self.config, context)
        self.config.narrowed(window)
        return dataclasses.replace(context, window=window)

    @torch.no_grad()
    def denoise(self, latents: Tensor, sigma: float, context: CausalContext) -> Tensor:
        """Predict the clean latents of the next block; reads the context, changes nothing.

        Args:
            latents: Noisy latents of the block, (1, frames, channels, height, width).
            sigma: Noise level in [0, 1].
            context: What was committed before.

        Returns:
            x0, shaped and typed like `latents`.

        Raises:
            TypeError: `context` is not a context of this class.
            ValueError: Latents of a shape that does not fit the model or the context, with values
                that are not finite, or a noise level out of range.
        """
        return self.predict(latents, sigma, context)

    def predict(self, latents: Tensor, sigma: float, context: CausalContext) -> Tensor:
        """As `denoise`, differentiable in `latents`.

        Raises:
            TypeError, ValueError: As in `denoise`.
        """
        with _frozen(self):
            return self._clean(latents, self._start(latents, sigma, context), context, {})

    @_remembered
    def commit(self, latents: Tensor, context: CausalContext) -> CausalContext:
        """Remember a clean block: the context pass, at noise level 0.

        Args:
            latents: Clean latents of the block, (1, frames, channels, height, width).
            context: What was committed before; it stays as it is and usable.

        Returns:
            A context that shares the keys and values of the earlier blocks, without those that no
            later block will see.

        Raises:
            TypeError, ValueError: As in `denoise`.
        """
        if context.window is not None:
            raise ValueError("nothing can be committed after a narrowed context, only seen")
        block = self._start(latents, 0.0, context)
        last = self.config.num_layers - 1
        calls = {
            layer: CachedCall(block.turns, context.past(layer, block.spans))
            for layer in range(last)
        }
        hidden = self._up_to(last, block, context, calls)
        # Of the last layer nothing but the keys and values is wanted.
        module = self._layer(last, hidden.device)
        normed = _attention_input(module, hidden, block.modulation)
        top = project_key_value(module.attn1, normed, block.turns)
        layers = (*(call.current for call in calls.values()), top)
        committed = CommittedBlock(context.frames, latents.shape[1], block.size, layers)
        later = self.config.spans(committed.stop, self.config.frames_per_block, context.since)
        return context.extended(committed, later)

    def features(
        self,
        latents: Tensor,
        sigma: float,
        context: CausalContext,
        layers: Sequence[int],
        low_pass: LowPass | None = None,
    ) -> dict[int, Tensor]:
        """Self-attention outputs before the output projection, differentiable in `latents`.

        Keys and values of the tapped layers are constants to the gradient, which flows through
        the queries (Section 4.2.1); layers above the last tapped one are not computed.

        Args:
            latents: Noisy latents of the block, (1, frames, channels, height, width).
            sigma: Noise level in [0, 1].
            context: What was committed before.
            layers: Tapped layers, counted from 0.
            low_pass: Filters rotated keys, and values, of the tapped layers (Eq. 7): maps
                (1, frames, rows, columns, channels) to the same shape along axes 2 and 3. It is
                hashable: what it makes of committed blocks is kept under it.

        Returns:
            {layer: (1, frames, token rows, token columns, channels)}.

        Raises:
            TypeError, ValueError: As in `denoise`; also for layers that the model lacks, for no
                layers at all, and for a filter that changes shapes.
        """
        return self.filtered_features(latents, sigma, context, layers, (low_pass,))[0]

    def filtered_features(
        self,
        latents: Tensor,
        sigma: float,
        context: CausalContext,
        layers: Sequence[int],
        low_passes: Sequence[LowPass | None],
    ) -> list[dict[int, Tensor]]:
        """What `features` gives under each of several filters, in one pass through the layers.

        Raises:
            TypeError, ValueError: As in `features`.
        """
        tapped = check_layers(self.config, layers)
        with _frozen(self):
            block = self._start(latents, sigma, context)
            calls = self._taps(block, context, tapped, low_passes)
            hidden = self._up_to(tapped[-1], block, context, calls)
            module = self._layer(tapped[-1], hidden.device)
            normed = _attention_input(module, hidden, block.modulation)
            calls[tapped[-1]].look(module.attn1, normed)
        return _looks(calls, block, len(low_passes))

    def observe(
        self,
        latents: Tensor,
        sigma: float,
        context: CausalContext,
        layers: Sequence[int],
        low_passes: Sequence[LowPass | None],
    ) -> tuple[list[dict[int, Tensor]], Tensor]:
        """What `filtered_features` and `predict` give, in one pass through all layers.

        Raises:
            TypeError, ValueError: As in `features`.
        """
        tapped = check_layers(self.config, layers)
        with _frozen(self):
            block = self._start(latents, sigma, context)
            calls = self._taps(block, context, tapped, low_passes)
            clean = self._clean(latents, block, context, calls)
        return _looks(calls, block, len(low_passes)), clean

    # ------------------------------------------------------------------ pieces of a pass

    def _start(self, latents: Tensor, sigma: float, context: CausalContext) -> _Block:
        sigma = check_block(self.config, latents, sigma, context)
        hidden, size = self._tokens(latents)
        device = latents.device
        # Made on the device: sending numbers there would wait for it.
        time, modulation = self._time(torch.full((1,), sigma, dtype=torch.float32, device=device))
        rope: Rotation = self.transformer.rope
        turns = torch.view_as_real(rope.of_block(context.frames, latents.shape[1], *size, device))
        spans = context.spans(self.config, latents.shape[1])
        return _Block(sigma, hidden, size, time, modulation, turns, spans)

    def _taps(
        self,
        block: _Block,
        context: CausalContext,
        layers: Sequence[int],
        low_passes: Sequence[LowPass | None],
    ) -> dict[int, TappedCall]:
        """What the tapped layers are asked for: a look under each low-pass."""
        for low_pass in low_passes:
            if low_pass is not None:
                check_low_pass(low_pass)
        filters = [
            None if low is None else functools.partial(low_passed, low, size=block.size)
            for low in low_passes
        ]
        keep = self.economy.keep_filtered
        return {
            layer: TappedCall(
                block.turns,
                context.past(layer, block.spans),
                [
                    functools.partial(context.past, layer, block.spans, low, keep=keep)
                    for low in low_passes
                ],
                filters,
            )
            for layer in layers
        }

    def _clean(
        self,
        latents: Tensor,
        block: _Block,
        context: CausalContext,
        calls: Mapping[int, SelfAttentionCall],
    ) -> Tensor:
        """x0 by a pass through all layers, some of which are asked for more."""
        hidden = self._up_to(self.config.num_layers, block, context, calls)
        flow = self._flow(hidden, block.time, latents)
        return (latents.float() - block.sigma * flow.float()).to(latents.dtype)

    def _up_to(
        self,
        depth: int,
        block: _Block,
        context: CausalContext,
        calls: Mapping[int, SelfAttentionCall],
    ) -> Tensor:
        """What the first `depth` layers make of a block; those that `calls` lacks just attend."""
        hidden = block.hidden
        for layer in range(depth):
            call = calls.get(layer) or CachedCall(block.turns, context.past(layer, block.spans))
            hidden = self._through(layer, hidden, context, block.modulation, call)
        return hidden

    def _layer(self, layer: int, device: torch.device) -> WanTransformerBlock:
        """A layer, its weights on the device."""
        block: WanTransformerBlock = self.transformer.blocks[layer]
        swapped = layer >= self.config.num_layers - self.economy.swapped_layers
        return visiting(block, device) if swapped else block

    def _through(
        self,
        layer: int,
        hidden: Tensor,
        context: CausalContext,
        modulation: Tensor,
        call: SelfAttentionCall,
    ) -> Tensor:
        """What a layer makes of tokens."""

        def run(hidden: Tensor) -> Tensor:
            module = self._layer(layer, hidden.device)
            out: Tensor = module(hidden, context.words[layer], modulation, call)
            return out

        if not (self.economy.checkpointing and torch.is_grad_enabled() and hidden.requires_grad):
            return run(hidden)

        try_out(hidden.device)

        def run_again(hidden: Tensor) -> Tensor:
            with _frozen(self):  # also on the way back, when the caller has left it
                return run(hidden)

        again: Tensor = checkpoint(run_again, hidden, use_reentrant=False, preserve_rng_state=False)
        return again

    def _text_cache(self, text: Tensor) -> tuple[KeyValue, ...]:
        check_text(self.config, text, 1)
        words = self._words(text)
        return tuple(
            project_key_value(self._layer(layer, words.device).attn2, words)
            for layer in range(self.config.num_layers)
        )

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
        with _without_autocast(sigmas.device):
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
