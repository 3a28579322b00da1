"""Validation of a causal Wan's inputs, before any computation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from dragstream.drags.checks import check_finite, check_int, check_sequence
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_context import CausalContext


def check_clips(
    config: CausalWanConfig,
    latents: Tensor,
    *,
    sigmas: Tensor,
    text: Tensor,
    frames: Tensor,
    mask: Tensor,
) -> None:
    """Raise a ValueError unless the arguments of `CausalWan.forward_blocks` are consistent."""
    check_latents(config, latents)
    batch, count = latents.shape[:2]
    for name, shape, allowed in (
        ("sigmas", sigmas.shape, [(batch, count)]),
        ("frames", frames.shape, [(count,), (batch, count)]),
        ("mask", mask.shape, [(count, count)]),
    ):
        if tuple(shape) not in allowed:
            choices = " or ".join(map(str, allowed))
            raise ValueError(f"{name} must have shape {choices}, got {tuple(shape)}")
    check_text(config, text, batch)
    if mask.dtype != torch.bool or not bool(mask.any(-1).all()):
        raise ValueError("mask must be boolean and let every frame see at least one frame")


def check_latents(config: CausalWanConfig, latents: Tensor) -> None:
    """Raise a ValueError unless latents fit the model."""
    if not isinstance(latents, Tensor):
        raise TypeError(f"latents must be a tensor, got {type(latents).__name__}")
    channels, (rows, columns) = config.latent_channels, config.patch
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


def check_text(config: CausalWanConfig, text: Tensor, batch: int) -> None:
    """Raise a ValueError unless text embeddings fit the model."""
    if not isinstance(text, Tensor):
        raise TypeError(f"text must be a tensor of embeddings, got {type(text).__name__}")
    if text.ndim != 3 or text.shape[1] < 1 or text.shape[::2] != (batch, config.text_dim):
        raise ValueError(
            f"text must have shape ({batch}, tokens, {config.text_dim}), got {tuple(text.shape)}"
        )
    if not text.is_floating_point() or not (text.is_meta or torch.isfinite(text).all()):
        raise ValueError(f"text must be finite floating point numbers, got {text.dtype}")


def check_block(
    config: CausalWanConfig, latents: Tensor, sigma: float, context: CausalContext
) -> float:
    """Check a noisy block against the model and its context; return its sigma."""
    check_context(config, context)
    check_latents(config, latents)
    if latents.shape[0] != 1:
        raise ValueError(f"latents must hold one video, (1, ...), got {tuple(latents.shape)}")
    # Reading a boolean from a device waits for all its work. Drag iterations skip the check: their
    # losses would not be finite either.
    if not (latents.requires_grad or latents.is_meta) and not torch.isfinite(latents).all():
        raise ValueError("latents must be finite, they hold NaN or infinity")
    level = check_finite(sigma, "sigma")
    if not 0 <= level <= 1:
        raise ValueError(f"sigma must lie in [0, 1], got {level}")
    new, room = latents.shape[1], config.room(context.frames)
    if room is not None and new > room:
        raise ValueError(f"at most {room} latent frames fit into the window, got {new}")
    size = (latents.shape[3] // config.patch[0], latents.shape[4] // config.patch[1])
    context.check(size, context.visible_ranges(config, new))
    return level


def check_context(config: CausalWanConfig, context: CausalContext) -> None:
    """Raise a TypeError or ValueError unless the context belongs to such a model."""
    if not isinstance(context, CausalContext):
        raise TypeError(f"context must come from new_context, got {type(context).__name__}")
    heads = context.text_kv[0][0].shape[2:]
    if len(context.text_kv) != config.num_layers or heads != (config.num_heads, config.head_dim):
        raise ValueError(
            f"the context belongs to a model of {len(context.text_kv)} layers and "
            f"{heads[0]} x {heads[1]} channels, not to this one of {config.num_layers} layers "
            f"and {config.num_heads} x {config.head_dim}"
        )


def check_layers(
    config: CausalWanConfig, layers: Sequence[int], *, needed: bool
) -> tuple[int, ...]:
    """Return the tapped layers in rising order, at least one if `needed`, or raise."""
    top = config.num_layers - 1
    if not needed and isinstance(layers, tuple | list) and not layers:
        return ()
    chosen = check_sequence(layers, "layers", f"layers 0..{top}")
    for layer in chosen:
        if check_int(layer, "a layer", least=0) > top:
            raise ValueError(f"layers must lie in 0..{top}, got {layer!r}")
    return tuple(sorted({int(layer) for layer in chosen}))


def check_low_pass(low_pass: object) -> None:
    """Raise a TypeError unless a filter is None, or callable and hashable."""
    if low_pass is not None and not (callable(low_pass) and isinstance(low_pass, Hashable)):
        raise TypeError(f"low_pass must be callable and hashable, got {low_pass!r}")
