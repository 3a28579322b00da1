"""The join of past and own keys and values in each layer, beside a ring buffer."""

from __future__ import annotations

from collections.abc import Iterator

from dragstream.bench.gpu.kernels import layer_of
from dragstream.bench.gpu.rows import Row
from dragstream.bench.gpu.setup import Setup
from dragstream.models.causal_attention import attend
from dragstream.models.causal_gradient import joined


def join(setup: Setup) -> Iterator[Row]:
    """One layer: a copy of past and present, or the present written behind a past that stays.

    The buffer's order does not matter to attention, so in a ring nothing else would move.
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
