"""The KV cache of a causal Wan: keys and values of committed blocks, shared between contexts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from dragstream.models.base import LowPassFilter
from dragstream.models.causal_config import CausalWanConfig, FrameRanges
from dragstream.models.causal_gradient import KeyValue, StoredKeyValue
from dragstream.models.causal_quantised import Int8Values, expanded

_FILTERS_KEPT = 8
"""Low-pass results cached per block: few cutoffs are usual, but their number has no bound."""


def low_passed(low_pass: LowPassFilter, x: Tensor, size: tuple[int, int]) -> Tensor:
    """Filter keys or values (1, tokens, heads, head_dim) of frames of `size` (rows, columns).

    The filter sees maps (1, frames, rows, columns, channels) and acts on axes 2 and 3.
    """
    maps = x.flatten(2).unflatten(1, (-1, *size))
    filtered = low_pass(maps)
    if filtered.shape != maps.shape:
        raise ValueError(
            f"low_pass must keep the shape {tuple(maps.shape)}, it gave {tuple(filtered.shape)}"
        )
    return filtered.reshape(x.shape)


@dataclass(frozen=True, eq=False)
class CommittedBlock:
    """Rotated keys, and values, of a block at every layer; immutable."""

    start: int  # absolute index of its first latent frame
    frames: int
    size: tuple[int, int]  # rows and columns of tokens
    layers: tuple[StoredKeyValue, ...]  # keys and values of each layer, plain or in INT8
    _filtered: dict[LowPassFilter, dict[int, StoredKeyValue]] = field(
        default_factory=dict, repr=False
    )

    @property
    def stop(self) -> int:
        """Absolute index of the frame after its last."""
        return self.start + self.frames

    def at(
        self, layer: int, low_pass: LowPassFilter | None = None, *, keep: bool = True
    ) -> StoredKeyValue:
        """Return keys and values at a layer; low-passed ones are cached if `keep` is set."""
        if low_pass is None:
            return self.layers[layer]
        if not keep:
            return self._low_passed(layer, low_pass)
        kept = self._filtered.setdefault(low_pass, {})
        if layer not in kept:
            kept[layer] = self._low_passed(layer, low_pass)
            while len(self._filtered) > _FILTERS_KEPT:  # another thread may do the same
                self._filtered.pop(next(iter(tuple(self._filtered)), low_pass), None)
        return kept[layer]

    def _low_passed(self, layer: int, low_pass: LowPassFilter) -> StoredKeyValue:
        with torch.inference_mode(mode=False), torch.no_grad():
            pair = self.layers[layer]
            key, value = (low_passed(low_pass, expanded(x), self.size) for x in pair)
            return in_int8((key, value)) if isinstance(pair[0], Int8Values) else (key, value)


def in_int8(pair: KeyValue) -> StoredKeyValue:
    """Return keys and values in INT8."""
    return Int8Values.of(pair[0]), Int8Values.of(pair[1])


def _overlaps(
    blocks: Sequence[CommittedBlock], ranges: FrameRanges
) -> Iterator[tuple[CommittedBlock, int, int]]:
    """Yield each block with each range (start, stop) that it shares frames with, range by range."""
    for start, stop in ranges:
        for block in blocks:
            if block.start < stop and start < block.stop:
                yield block, start, stop


@dataclass(frozen=True, eq=False)
class CausalContext:
    """The immutable KV cache of a stream's committed blocks."""

    frames: int  # latent frames committed so far, evicted ones included
    text: Tensor  # text embeddings, (1, tokens, text_dim)
    text_kv: tuple[KeyValue, ...] = field(repr=False)  # keys and values of the text at each layer
    # the blocks that later ones may still attend to, oldest first
    blocks: tuple[CommittedBlock, ...] = ()
    # first visible frame of the past: blocks attend to no earlier frames except those of the sink
    since: int = 0

    def visible_ranges(self, config: CausalWanConfig, new: int) -> FrameRanges:
        """Return the ranges of committed frames that `new` frames after this context attend to."""
        return config.visible_ranges(self.frames, new, self.since)

    def extended(self, block: CommittedBlock, ranges: FrameRanges) -> CausalContext:
        """Return a context with `block` added, without blocks outside `ranges`."""
        blocks = (*self.blocks, block)
        touched = {held.start for held, _, _ in _overlaps(blocks, ranges)}
        kept = tuple(held for held in blocks if held.start in touched)
        return replace(self, frames=block.stop, blocks=kept)

    def check(self, size: tuple[int, int], ranges: FrameRanges) -> None:
        """Check that a block of tokens of `size` can attend to the frames in `ranges`."""
        for block in self.blocks[:1]:
            if block.size != size:
                raise ValueError(
                    f"the context holds frames of {block.size[0]} x {block.size[1]} tokens, "
                    f"the latents make {size[0]} x {size[1]}"
                )
        held = sum(
            min(stop, b.stop) - max(start, b.start)
            for b, start, stop in _overlaps(self.blocks, ranges)
        )
        if held < sum(stop - start for start, stop in ranges):
            raise ValueError(
                f"the context of {self.frames} frames no longer holds frames that this block "
                f"attends to; pass blocks of frames_per_block frames"
            )

    def kv_cache(
        self,
        layer: int,
        ranges: FrameRanges,
        low_pass: LowPassFilter | None = None,
        *,
        keep: bool = True,
    ) -> list[StoredKeyValue]:
        """Return keys and values at a layer of the frames in `ranges`, oldest first.

        They are views, not copies; those in INT8 are expanded where they are used. Low-passed ones
        are cached if `keep` is set.
        """
        pieces: list[StoredKeyValue] = []
        for block, start, stop in _overlaps(self.blocks, ranges):
            tokens = block.size[0] * block.size[1]
            begin, end = max(start - block.start, 0), min(stop - block.start, block.frames)
            key, value = block.at(layer, low_pass, keep=keep)
            seen = slice(begin * tokens, end * tokens)
            pieces.append((key[:, seen], value[:, seen]))
        return pieces
