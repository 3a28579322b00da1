"""Attention of one layer at a block's shapes by torch's kernels, and concatenation of the past."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from dragstream.bench.gpu.setup import Row, Setup, attempt
from dragstream.models.causal_attention import attend, attend_after
from dragstream.models.causal_gradient import KeyValue, joined

_BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "cuDNN": SDPBackend.CUDNN_ATTENTION,
    "memory efficient": SDPBackend.EFFICIENT_ATTENTION,
}


def attention(setup: Setup) -> Iterator[Row]:
    """Self-attention of one layer at the shapes of a block, by each kernel of torch."""
    query, past, current = layer_of(setup)
    qkv = query, *joined((*past, current))
    for kernel, backend in _BACKENDS.items():
        name = f"forward, {kernel}"
        yield attempt(name, partial(_by_backend, setup, name, backend, qkv))
    yield attempt("with gradient", lambda: _with_gradient(setup, query, past, current))


def _by_backend(
    setup: Setup, name: str, backend: SDPBackend, qkv: tuple[Tensor, Tensor, Tensor]
) -> Row:
    """Compare one kernel of torch with the one that torch chooses."""

    def own() -> Tensor:
        with sdpa_kernel(backend):
            return attend(*qkv)

    with warnings.catch_warnings():  # by these torch explains why a kernel does not fit
        warnings.simplefilter("ignore")
        return setup.compared(name, own, lambda: attend(*qkv), repeats=setup.size.repeats)


def _with_gradient(setup: Setup, query: Tensor, past: list[KeyValue], current: KeyValue) -> Row:
    """Compare an iteration's attention, output and tap, with autograd through the joined past."""
    leaf = query.detach().requires_grad_()

    def own() -> Tensor:
        out, tap = attend_after(leaf, past, current)
        total = out.sum() if tap is None else out.sum() + tap.sum()
        return torch.autograd.grad(total, leaf)[0]

    def plain() -> Tensor:
        out = attend(leaf, *joined((*past, current)))
        tap = attend(leaf, *joined((*past, current)))
        return torch.autograd.grad(out.sum() + tap.sum(), leaf)[0]

    name = "output and tap with gradient, beside autograd"
    return setup.compared(name, own, plain, repeats=setup.size.repeats)


def layer_of(setup: Setup) -> tuple[Tensor, list[KeyValue], KeyValue]:
    """Random queries, keys and values of the past, and own ones, in the shapes of one layer."""
    spec, config = setup.filled.model.spec, setup.filled.model.wan.config
    tokens, count = spec.grid.token_height * spec.grid.token_width, spec.frames_per_block
    generator = torch.Generator(setup.device).manual_seed(0)

    def random(frames: int) -> Tensor:
        shape = (1, frames * tokens, config.num_heads, config.head_dim)
        return torch.randn(shape, generator=generator, device=setup.device).to(setup.dtype)

    pieces = [  # one for each block of the past
        min(count, stop - first)
        for start, stop in setup.filled.context.visible_ranges(config, count)
        for first in range(start, stop, count)
    ]
    past = [(random(frames), random(frames)) for frames in pieces]
    return random(count), past, (random(count), random(count))


def join(setup: Setup) -> Iterator[Row]:
    """Compare concatenation of one layer's keys and values with writes into a ring buffer.

    Attention does not depend on the order of keys, so a ring buffer moves no old ones.
    """
    query, past, current = layer_of(setup)
    length = sum(key.shape[1] for key, _ in past)
    ring = joined((*past, current))

    def write() -> None:
        for buffer, new in zip(ring, current, strict=True):
            buffer[:, length:].copy_(new)

    def by_ring() -> object:
        write()
        return attend(query, *ring)

    def by_copy() -> object:
        return attend(query, *joined((*past, current)))

    many = setup.size.repeats
    yield setup.compared(
        "keys and values alone", write, lambda: joined((*past, current)), repeats=many
    )
    found = setup.compared("with the attention", by_ring, by_copy, repeats=many)
    yield found
    yield _of_a_block(setup, found)


def _of_a_block(setup: Setup, layer: Row) -> Row:
    """Estimate the saving of a plain block, in which each layer joins once in each pass."""
    if layer.own is None or layer.beside is None:
        raise ValueError("a comparison has both sides")
    filled = setup.filled
    block = setup.seconds(filled.plain)
    passes = len(filled.model.spec.sigmas) + 1
    saved = (layer.beside.median - layer.own.median) * passes * filled.model.wan.config.num_layers
    share = saved / block.median
    note = f"a ring would save {1000 * saved:.1f} ms of it ({share:.1%}), by the row above"
    return Row("a plain block", own=block, note=note)
