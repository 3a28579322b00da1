"""Memory of a pass, measured by a dry run on the meta device: `Meter` and `measure_peak`.

On torch's meta device tensors have shapes but no values, so that a pass at full size takes a moment
and no memory; its allocations are counted while it runs. The dry run executes the real code, so the
count stays in step with it. Workspace of kernels and fragmentation of the allocator are not
counted.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_context import CausalContext, CommittedBlock
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.causal_quantised import Int8Values, quantise_layers, stored_parts
from dragstream.models.causal_wan import CausalWan

Result = TypeVar("Result")

_META = torch.device("meta")


class Meter(TorchDispatchMode):
    """A dispatch mode that counts the bytes of tensors allocated while it is active.

    Views and in-place results count once; tensors from before do not count.
    """

    def __init__(self) -> None:
        super().__init__()
        self.alive = 0
        self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run an operation, and count its allocations."""
        kwargs = kwargs or {}
        for tensor in _tensors((args, kwargs)):
            self._meet(tensor, 0)
        found = func(*args, **kwargs)
        for tensor in _tensors(found):
            self._meet(tensor, tensor.untyped_storage().nbytes())
        self.peak = max(self.peak, self.alive)
        return found

    def _meet(self, tensor: Tensor, size: int) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata  # noqa: SLF001 - its identity
        if key not in self._known:
            self._known.add(key)
            self.alive += size
            weakref.finalize(storage, self._leave, key, size)

    def _leave(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.alive -= size


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def measure_peak(call: Callable[[], Result]) -> tuple[Result, int]:
    """Run `call`; return its result and the peak of the bytes it allocated, the result included."""
    with Meter() as meter:
        return call(), meter.peak


def size_of(tensors: Sequence[Tensor | Int8Values]) -> int:
    """Return the total bytes of tensors, of quantised ones as stored."""
    coded = sum(part.nbytes for part in tensors if isinstance(part, Int8Values))
    plain = stored_parts(part for part in tensors if isinstance(part, Tensor))
    return coded + sum(part.nbytes for part in plain)


@dataclass(frozen=True)
class TransformerMemory:
    """Memory of a causal Wan on its device, in bytes, at one frame size."""

    layer: int  # the weights of one layer
    rest: int  # the weights of everything else
    block: int  # keys and values of a committed block
    window: int  # keys and values of all past frames that a block may attend to
    text_kv: int  # keys and values of the text
    filtered: int  # low-passed keys and values of the past, where they are cached
    maps: int  # reference features of the iterations of a drag
    denoise: int  # working memory of a denoising step
    commit: int  # working memory of the context pass, the new block's keys and values included
    # working memory of reading references, the features included, where low-passed keys and
    # values are not cached
    reference: int


@dataclass(frozen=True)
class PassInputs:
    """The inputs that determine the memory of a transformer's passes."""

    config: CausalWanConfig
    size: tuple[int, int]  # rows and columns of the latents
    past: int  # committed latent frames that a new block attends to
    tokens: int
    layers: tuple[int, ...]
    dtype: torch.dtype
    weights: str | None = None  # kind of the layers' weights, see `quantise_layers`
    int8_cache: bool = False  # if set, keys and values of committed blocks are in INT8

    @property
    def depth(self) -> int:
        """Number of layers that drags run; the layers above are of equal size."""
        return max(self.layers) + 1


@functools.lru_cache(maxsize=32)
def transformer_memory(inputs: PassInputs, filters: int) -> TransformerMemory:
    """Measure the memory of a transformer, from its config alone."""
    wan, context, latents = _build(inputs)
    depth, count = inputs.depth, inputs.config.num_layers
    text_kv = size_of([part for pair in context.text_kv for part in pair])
    _, denoise = measure_peak(lambda: wan.denoise(latents, 0.9, context))
    grown, commit = measure_peak(lambda: wan.commit(latents, context))
    block = size_of([part for pair in grown.blocks[-1].layers for part in pair])
    wan.transformer.offload = OffloadConfig(keep_filtered=False)
    low_passes = [None, *(_Filter(number) for number in range(filters))]

    def read() -> list[Tensor]:
        with torch.no_grad():
            found = wan.read(latents, 0.9, context, inputs.layers, low_passes)
            return [_maps(tap, inputs.layers) for tap in found.taps]

    maps, reference = measure_peak(read)
    layer = size_of(list(wan.transformer.blocks[0].parameters()))
    window = block // depth * inputs.past // inputs.config.frames_per_block
    return TransformerMemory(
        layer=layer,
        rest=size_of(list(wan.transformer.parameters())) - depth * layer,
        block=block // depth * count,
        window=window * count,
        text_kv=text_kv // depth * count,
        filtered=window * len(inputs.layers) * filters,
        maps=size_of(maps),
        denoise=denoise,
        commit=commit - block + block // depth * count,
        reference=reference,
    )


@functools.lru_cache(maxsize=32)
def iteration_bytes(inputs: PassInputs, *, checkpointing: bool) -> int:
    """Return the bytes of a drag iteration: forward, stored activations and backward."""
    wan, context, latents = _build(inputs)
    wan.transformer.offload = OffloadConfig(checkpointing=checkpointing)
    point = latents.requires_grad_()

    def iterate() -> Tensor:
        maps = _maps(wan.read(point, 0.9, context, inputs.layers).taps[0], inputs.layers)
        return torch.autograd.grad(maps.square().mean(), point)[0]

    return measure_peak(iterate)[1]


def _build(inputs: PassInputs) -> tuple[CausalWan, CausalContext, Tensor]:
    """Build a model of `depth` layers on the meta device, its past and a block."""
    config = dataclasses.replace(inputs.config, num_layers=inputs.depth, window=None, sink=0)
    size, past, dtype = inputs.size, inputs.past, inputs.dtype
    with _META:
        wan = CausalWan(config).to(dtype)
        text = torch.empty(1, inputs.tokens, config.text_dim, dtype=torch.float32)
        block = (1, config.frames_per_block, config.latent_channels, *size)
        latents = torch.empty(block, dtype=torch.float32)
    wan.requires_grad_(False).eval()  # noqa: FBT003 - torch's signature
    if inputs.weights is not None:
        quantise_layers(wan.transformer.blocks, inputs.weights)
    wan.int8_cache = inputs.int8_cache
    context = wan.new_context(text)
    if past:
        rows, columns = size[0] // config.patch[0], size[1] // config.patch[1]
        shape = (1, past * rows * columns, config.num_heads, config.head_dim)
        empty = functools.partial(torch.empty, shape, dtype=dtype, device=_META)
        pairs = [(empty(), empty()) for _ in range(config.num_layers)]
        seen = CommittedBlock(0, past, (rows, columns), wan.stored(pairs))
        context = dataclasses.replace(context, frames=past, blocks=(seen,))
    return wan, context, latents


@dataclass(frozen=True)
class _Filter:
    """A stand-in for a low-pass (Eq. 7), with the same allocations."""

    number: int

    def __call__(self, maps: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(maps.float(), dim=(-3, -2))
        size = (maps.shape[-3], maps.shape[-2])
        filtered: Tensor = torch.fft.irfft2(spectrum * spectrum.real, s=size, dim=(-3, -2))
        return filtered.to(maps.dtype)


def _maps(taps: dict[int, Tensor], layers: tuple[int, ...]) -> Tensor:
    return torch.cat([taps[layer] for layer in layers], dim=-1).float()


@dataclass(frozen=True)
class VaeMemory:
    """Memory of a VAE that decodes block after block, in bytes."""

    weights: int
    state: int  # state of the decoder between blocks
    decode: int  # working memory of decoding a block, the new state included
    visit: int  # the same where the previous state is copied from another device


@functools.lru_cache(maxsize=32)
def vae_memory(config: str, size: tuple[int, int], *, frames: int, dtype: torch.dtype) -> VaeMemory:
    """Measure the memory of a VAE, from its config as JSON alone."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    with _META, torch.no_grad():
        vae = AutoencoderKLWan.from_config(json.loads(config))
        torch.nn.Module.to(vae, dtype)  # diffusers' own `to` warns about absent layers
        latents = torch.empty(1, vae.config.z_dim, frames, *size, dtype=dtype)
        before: list[Any] = [None] * vae._cached_conv_counts["decoder"]  # noqa: SLF001 - its length
        _decode(vae, latents, before, first=True)
        _, decode = measure_peak(lambda: _decode(vae, latents, list(before), first=False))
        _, visit = measure_peak(lambda: _decode(vae, latents, _copied(before), first=False))
    state = size_of([part for part in before if isinstance(part, Tensor)])
    return VaeMemory(size_of(list(vae.parameters())), state, decode, visit)


def _copied(cache: list[Any]) -> list[Any]:
    return [part.clone() if isinstance(part, Tensor) else part for part in cache]


def _decode(vae: Any, latents: Tensor, cache: list[Any], *, first: bool) -> Tensor:
    """Decode frame by frame, as in a stream; `cache` is replaced entry by entry."""
    pieces = [
        vae.decoder(
            vae.post_quant_conv(latents[:, :, index : index + 1]),
            feat_cache=cache,
            feat_idx=[0],
            first_chunk=first and index == 0,
        )
        for index in range(latents.shape[2])
    ]
    return torch.cat(pieces, dim=2)
