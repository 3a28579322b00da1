"""Variants of the model beside the usual one: compiled layers, dtypes, kernels of attention."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from dragstream.bench.filled import FilledModel
from dragstream.bench.gpu.rows import Row, attempt
from dragstream.bench.gpu.setup import Setup
from dragstream.models.causal_attention import attend, attend_after
from dragstream.models.causal_compile import compile_layers
from dragstream.models.causal_gradient import KeyValue, joined
from dragstream.models.causal_wan import CausalWan
from dragstream.models.wan.model import Wan

_ITERATIONS = 4

_BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "cuDNN": SDPBackend.CUDNN_ATTENTION,
    "memory efficient": SDPBackend.EFFICIENT_ATTENTION,
}


def compiled(setup: Setup) -> Iterator[Row]:
    """Blocks by compiled layers."""
    yield from _beside_usual(setup, "compiled", partial(_changed, setup, compile_layers))


def dtypes(setup: Setup) -> Iterator[Row]:
    """Blocks by weights of another dtype."""
    for dtype in (torch.float16, torch.bfloat16):
        if dtype != setup.dtype:
            name = str(dtype).removeprefix("torch.")
            yield from _beside_usual(setup, name, partial(setup.model, dtype=dtype))


def _changed(setup: Setup, change: Callable[[CausalWan], object]) -> Wan:
    """A new model whose network was changed in place."""
    model = setup.model()
    change(model.wan)
    return model


def _beside_usual(setup: Setup, name: str, make: Callable[[], Wan]) -> Iterator[Row]:
    """A plain and a dragged block of a variant, in alternation with the usual model's."""
    found: list[FilledModel] = []

    def plain() -> Row:
        started = time.perf_counter()
        variant = FilledModel(make())
        variant.dragged(_ITERATIONS)
        found.append(variant)
        note = f"first blocks and drag: {time.perf_counter() - started:.1f} s"
        return setup.compared(f"plain block, {name}", variant.plain, setup.filled.plain, note)

    def dragged() -> Row:
        variant, usual = found[0], setup.filled
        return setup.compared(
            f"block, {_ITERATIONS} iterations, {name}",
            lambda: variant.dragged(_ITERATIONS),
            lambda: usual.dragged(_ITERATIONS),
        )

    yield attempt(name, plain)
    if found:
        yield attempt(f"block, {_ITERATIONS} iterations, {name}", dragged)


# ------------------------------------------------------------------------------------ kernels


def attention(setup: Setup) -> Iterator[Row]:
    """Self-attention of one layer at the shapes of a block, by each kernel of torch."""
    query, past, current = layer_of(setup)
    keys, values = joined((*past, current))

    def usual() -> Tensor:
        return attend(query, keys, values)

    for name, backend in _BACKENDS.items():

        def by_backend(backend: SDPBackend = backend) -> Tensor:
            with sdpa_kernel(backend):
                return attend(query, keys, values)

        yield attempt(
            f"forward, {name}",
            lambda name=name, call=by_backend: _quietly(  # type: ignore[misc]
                lambda: setup.compared(f"forward, {name}", call, usual, repeats=setup.size.repeats)
            ),
        )
    yield attempt("with gradient", lambda: _with_gradient(setup, query, past, current))


def _with_gradient(setup: Setup, query: Tensor, past: list[KeyValue], current: KeyValue) -> Row:
    """An iteration's attention, output and tap, beside autograd through the joined past."""
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
    """Queries, past and own keys and values of one layer of a block, with random queries."""
    filled = setup.filled
    spec, config = filled.model.spec, filled.model.wan.config
    ranges = filled.context.visible_ranges(config, spec.frames_per_block)
    past = filled.context.kv_cache(spec.layers[0], ranges)
    newest = filled.context.blocks[-1].layers[spec.layers[0]]
    generator = torch.Generator(setup.device).manual_seed(0)
    shape, kind = newest[0].shape, newest[0].dtype
    query, key, value = (
        torch.randn(shape, generator=generator, device=setup.device).to(kind) for _ in range(3)
    )
    return query, past, (key, value)


def _quietly(call: Callable[[], Row]) -> Row:
    """Run a call without the warnings by which torch explains why a kernel does not fit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call()
