"""Variants of the model, compared with the default one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import torch

from dragstream.bench.gpu.setup import Row, Setup, attempt
from dragstream.bench.wan import FilledModel
from dragstream.models.attention_backends import available
from dragstream.models.causal_compile import compile_layers
from dragstream.models.causal_quantised import KINDS, quantise_layers
from dragstream.models.causal_wan import CausalWan
from dragstream.models.wan.model import Wan
from dragstream.models.wan.room import gigabytes

_ITERATIONS = 4


def compiled(setup: Setup) -> Iterator[Row]:
    """Blocks with compiled layers."""
    yield from beside_usual(setup, "compiled", partial(changed, setup, compile_layers))


def dtypes(setup: Setup) -> Iterator[Row]:
    """Blocks with weights of other dtypes."""
    for dtype in (torch.float16, torch.bfloat16):
        if dtype != setup.dtype:
            name = str(dtype).removeprefix("torch.")
            yield from beside_usual(setup, name, partial(setup.model, dtype=dtype))


def eight_bits(setup: Setup) -> Iterator[Row]:
    """Blocks with weights in 8 bits, and with keys and values in 8 bits."""
    for kind in KINDS:
        change = partial(_quantise, kind)
        yield from beside_usual(setup, f"weights {kind}", partial(changed, setup, change))

    def int8_cache(wan: CausalWan) -> None:
        wan.int8_cache = True

    yield from beside_usual(setup, "keys and values int8", partial(changed, setup, int8_cache))


def _quantise(kind: str, wan: CausalWan) -> None:
    quantise_layers(wan.transformer.blocks, kind)


def attentions(setup: Setup) -> Iterator[Row]:
    """Blocks with each attention that works on the device, in passes without gradients."""
    head_dim = setup.filled.model.wan.config.head_dim
    for name in available(setup.device, setup.dtype, head_dim):
        by_name = partial(CausalWan.use_attention, name=name)
        yield from beside_usual(setup, f"attention {name}", partial(changed, setup, by_name))


def changed(setup: Setup, change: Callable[[CausalWan], object]) -> Wan:
    """Make a model, and change its network in place."""
    model = setup.model()
    change(model.wan)
    return model


def beside_usual(setup: Setup, name: str, make: Callable[[], Wan]) -> Iterator[Row]:
    """Compare a plain and a dragged block of a variant with those of the default model."""
    found: list[FilledModel] = []

    def plain() -> Row:
        cuda = setup.device.type == "cuda"
        usual = setup.filled.plain
        before = torch.cuda.memory_allocated() if cuda else 0
        model = make()
        taken = f"model {gigabytes(torch.cuda.memory_allocated() - before)}; " if cuda else ""
        started = time.perf_counter()
        variant = FilledModel(model)
        variant.dragged(_ITERATIONS)
        found.append(variant)
        note = f"{taken}first blocks and drag {time.perf_counter() - started:.1f} s"
        return setup.compared(f"plain block, {name}", variant.plain, usual, note)

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
