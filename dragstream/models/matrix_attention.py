"""Attention as matrix products with a softmax between them, in tiles that fit a CPU's cache.

Processors with instructions for products in bfloat16 multiply matrices several times as fast as in
float32; torch's fused attention gains from AMX alone, and less in gradients. Products accumulate in
float32; scores and weights are rounded to the dtype of the queries.

Tensors are (batch, heads, tokens, head_dim).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

Pair = tuple[Tensor, Tensor]
Tile = tuple[slice, slice]
"""Ranges of heads and of queries."""

_SCORES = 2**20
"""Scores of a tile at most."""


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Compute scaled dot-product attention; the output is shaped like `query`."""
    rows, keys, values = _flat(query * _scale(query), key, value)
    out = torch.empty_like(rows)
    for heads, some in _tiles(rows, keys):
        scores = torch.bmm(rows[heads, some], keys[heads].transpose(1, 2))
        torch.softmax(scores, dim=-1, out=scores)
        out[heads, some] = torch.bmm(scores, values[heads])
    return out.view(query.shape)


class MatrixKernel:
    """Attention and its gradients: a `causal_gradient.Kernel`."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Pair:
        """Return the output, and the log of the softmax's denominator (batch, heads, tokens)."""
        rows, keys, values = _flat(query * _scale(query), key, value)
        out = torch.empty_like(rows)
        normaliser = rows.new_empty(rows.shape[:2], dtype=torch.float32)
        for heads, some in _tiles(rows, keys):
            weights = torch.bmm(rows[heads, some], keys[heads].transpose(1, 2))
            top = weights.amax(dim=-1, keepdim=True)
            total = weights.sub_(top).exp_().sum(dim=-1, keepdim=True)
            out[heads, some] = torch.bmm(weights, values[heads]).div_(total)
            normaliser[heads, some] = (top.float() + total.float().log()).squeeze(-1)
        return out.view(query.shape), normaliser.view(query.shape[:3])

    def gradients(
        self, gradient: Tensor, query: Tensor, pair: Pair, out: Tensor, normaliser: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return gradients of queries, keys and values, for a part of the keys attended to."""
        rows, keys, values = _flat(query * _scale(query), *pair)
        slope, level, shift = _slope(gradient, out, normaliser)
        to_query, to_keys, to_values = (
            torch.empty_like(rows),
            torch.zeros_like(keys),
            torch.zeros_like(values),
        )
        for tile in _tiles(rows, keys):
            heads = tile[0]
            weights, changes = _changes(tile, (rows, keys, values), slope, level, shift)
            to_query[tile] = torch.bmm(changes, keys[heads])
            to_keys[heads].baddbmm_(changes.transpose(1, 2), rows[tile])
            to_values[heads].baddbmm_(weights.transpose(1, 2), slope[tile])
        return (
            to_query.mul_(_scale(query)).view(query.shape),
            to_keys.view(pair[0].shape),
            to_values.view(pair[1].shape),
        )

    def query_gradient(
        self, gradient: Tensor, query: Tensor, pair: Pair, out: Tensor, normaliser: Tensor
    ) -> Tensor:
        """Return the gradient of the queries only."""
        rows, keys, values = _flat(query * _scale(query), *pair)
        slope, level, shift = _slope(gradient, out, normaliser)
        to_query = torch.empty_like(rows)
        for tile in _tiles(rows, keys):
            _, changes = _changes(tile, (rows, keys, values), slope, level, shift)
            to_query[tile] = torch.bmm(changes, keys[tile[0]])
        return to_query.mul_(_scale(query)).view(query.shape)


def _scale(query: Tensor) -> float:
    return 1 / math.sqrt(query.shape[-1])


def _flat(*parts: Tensor) -> tuple[Tensor, ...]:
    """Join batch and heads."""
    return tuple(part.flatten(0, 1).contiguous() for part in parts)


def _tiles(rows: Tensor, keys: Tensor) -> Iterator[Tile]:
    """Split heads, and where one has too many scores its queries, into tiles."""
    heads, count = rows.shape[:2]
    several = max(1, _SCORES // (count * keys.shape[1]))
    pieces = -(-count * keys.shape[1] // _SCORES) if several == 1 else 1
    size = -(-count // pieces)
    for head in range(0, heads, several):
        for first in range(0, count, size):
            yield slice(head, head + several), slice(first, first + size)


def _slope(gradient: Tensor, out: Tensor, normaliser: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the output's gradient, the normaliser, and the mean of what the softmax passes on.

    A rounded normaliser scales all weights of a query; its gradient is scaled by the inverse.
    """
    level = normaliser.to(out.dtype)
    factor = (level.float() - normaliser).exp().unsqueeze(-1)
    slope = (gradient * factor).to(out.dtype)
    shift = (slope.float() * out).sum(dim=-1, keepdim=True).to(out.dtype)
    slope, level, shift = _flat(slope, level.unsqueeze(-1), shift)
    return slope, level, shift


def _changes(
    tile: Tile, qkv: tuple[Tensor, ...], slope: Tensor, level: Tensor, shift: Tensor
) -> Pair:
    """Return a tile's weights, and the gradient of its scores."""
    rows, keys, values = qkv
    heads = tile[0]
    weights = torch.baddbmm(-level[tile], rows[tile], keys[heads].transpose(1, 2)).exp_()
    changes = torch.baddbmm(-shift[tile], slope[tile], values[heads].transpose(1, 2))
    return weights, changes.mul_(weights)
