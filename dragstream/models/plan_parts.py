"""The memory of a Wan, part by part, computed from its configs."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.defaults import read_dtype
from dragstream.models.dry_run import (
    PassInputs,
    TransformerMemory,
    VaeMemory,
    iteration_bytes,
    transformer_memory,
    vae_memory,
)
from dragstream.models.wan.device_map import DeviceMap
from dragstream.models.wan.release import Release
from dragstream.models.wan.sizes import Sizes

_FILTERS = 3
"""Number of low-pass filters among the default cutoffs of drags."""

_RUNTIME = 600 * 10**6
"""Approximate overhead of a CUDA context, its libraries and allocator fragmentation, in bytes."""

_HOME = "cpu"


class When(Enum):
    """The operation that needs a part of the memory."""

    TEXT = "a prompt"
    PLAIN = "denoising"
    DRAG = "dragging"
    DECODE = "decoding"


ALWAYS = frozenset(When)
BLOCKS = frozenset({When.PLAIN, When.DRAG, When.DECODE})


@dataclass(frozen=True)
class Part:
    """A part of the memory."""

    name: str
    device: str
    size: int  # size in bytes
    when: frozenset[When] = ALWAYS  # the operations that need it
    dragged: bool = False  # true if it is allocated only after the first drag

    @property
    def moment(self) -> str:
        """The time of use, as text."""
        if self.dragged and len(self.when) > 1:
            return "after a drag"
        if self.when >= BLOCKS:
            return "always"
        return ", ".join(sorted(moment.value for moment in self.when))


def memory_parts(release: Release, sizes: Sizes, where: DeviceMap) -> tuple[Part, ...]:
    """List all significant parts of the memory."""
    config, factor = sizes.causal(release.causal), spatial_factor(sizes)
    latent = (release.height // factor, release.width // factor)
    full = release.window or release.limit or release.frames_per_block
    inputs = PassInputs(
        config,
        latent,
        full - release.frames_per_block,  # the past of a new block once the window is full
        release.tokens,
        release.layers,
        read_dtype(where.dtype),
        where.weights,
        where.kv_cache == "int8",
    )
    vae = vae_memory(
        json.dumps(dict(sizes.vae), sort_keys=True),
        latent,
        frames=release.frames_per_block,
        dtype=read_dtype(where.vae_dtype),
    )
    memory = transformer_memory(inputs, _FILTERS)
    found = (
        *_weights(memory, config, where),
        *_caches(memory, where, windowed=release.window is not None),
        *_mean(release, inputs, where),
        *_vae(vae, where),
        *_working(memory, inputs, where),
        *_text_and_runtime(sizes, where),
    )
    return tuple(part for part in found if part.size > 0)


def _weights(
    memory: TransformerMemory, config: CausalWanConfig, where: DeviceMap
) -> Iterator[Part]:
    swapped = where.offload.swapped_layers
    staying = memory.rest + (config.num_layers - swapped) * memory.layer
    yield Part("transformer", str(where.device), staying)
    yield Part("swapped layers", _HOME, swapped * memory.layer)


def _caches(memory: TransformerMemory, where: DeviceMap, *, windowed: bool) -> Iterator[Part]:
    device = str(where.device)
    yield Part("keys and values in sight", device, memory.window, BLOCKS)
    if windowed and memory.window:
        name = f"the same of {where.undo} more for going back"
        yield Part(name, device, where.undo * memory.block, BLOCKS)
    yield Part("keys and values of the text", device, memory.text_kv, BLOCKS)
    filtered = memory.filtered if where.offload.keep_filtered else 0
    yield Part("the same in sight, low-passed", device, filtered, BLOCKS, dragged=True)


def _mean(release: Release, inputs: PassInputs, where: DeviceMap) -> Iterator[Part]:
    """The running mean of a sink, in float32 for this block and for each to go back to."""
    if release.sink_decay is None:
        return
    config, (height, width) = inputs.config, inputs.size
    tokens = release.sink * (height // config.patch[0]) * (width // config.patch[1])
    size = 2 * tokens * config.channels * config.num_layers * 4
    yield Part("mean of the sink", str(where.device), (1 + where.undo) * size, BLOCKS)


def _vae(vae: VaeMemory, where: DeviceMap) -> Iterator[Part]:
    device, held = str(where.vae_device), where.undo + 1
    resident = min(where.decoder_states, held)
    yield Part("VAE", device, vae.weights)
    yield Part("decoder's memory", device, resident * vae.state, BLOCKS)
    yield Part("decoder's memory at rest", _HOME, (held - resident) * vae.state, BLOCKS)
    decoding = vae.decode if resident else vae.visit
    yield Part("decoding a block", device, decoding, frozenset({When.DECODE}))


def _working(memory: TransformerMemory, inputs: PassInputs, where: DeviceMap) -> Iterator[Part]:
    device, offload = str(where.device), where.offload
    swapped_copy = min(offload.swapped_layers, 1) * memory.layer
    passes = max(memory.denoise, memory.commit) + swapped_copy
    yield Part("a denoising step", device, passes, frozenset({When.PLAIN}))
    iteration = iteration_bytes(inputs, checkpointing=offload.checkpointing)
    # Copies of offloaded layers stay for the backward pass, unless checkpointing copies them again.
    above = inputs.config.num_layers - inputs.depth
    copies = max(0, offload.swapped_layers - above) * memory.layer
    iteration += min(copies, 2 * memory.layer) if offload.checkpointing else copies
    drag = max(memory.maps + iteration, memory.reference + swapped_copy)
    yield Part("an iteration of a drag", device, drag, frozenset({When.DRAG}), dragged=True)


def _text_and_runtime(sizes: Sizes, where: DeviceMap) -> Iterator[Part]:
    text = sizes.text_weights() * read_dtype(where.text_dtype).itemsize
    moments = ALWAYS if where.keep_text else frozenset({When.TEXT})
    yield Part("text encoder", str(where.text_device), text, moments)
    if str(where.device).startswith("cuda"):
        yield Part("CUDA itself, about", str(where.device), _RUNTIME)


def spatial_factor(sizes: Sizes) -> int:
    """Return the number of pixels per latent along an axis."""
    known = sizes.vae.get("scale_factor_spatial")
    return _default_factor() if known is None else int(known)


@functools.cache
def _default_factor() -> int:
    """Return the number of pixels per latent of a VAE with diffusers' default config."""
    import inspect

    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    return int(inspect.signature(AutoencoderKLWan).parameters["scale_factor_spatial"].default)
