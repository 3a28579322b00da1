"""The numbers that `DriftPlot` draws: statistics of latents and of those that came before them.

Each row is a latent frame or an iteration. A row has the statistics of its latents, in the order
mean, standard deviation, minimum, maximum; and for each of them the average and the
standard deviation among the neighbours, the band. Neighbours are those of rectification
(Eq. 4): the latent frames before the block, clean ones of a frame, and those of the same noise
level of an iteration.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragstream.method.moments import Moments
from dragstream.method.settings import DragSettings
from dragstream.stream.records import Block, Iteration, Mode

Rows = NDArray[np.float32]

FRAME_COLUMNS = 14
"""Latent frame, drift, four statistics, four averages and four deviations of the neighbours."""
ITERATION_COLUMNS = 22
"""Number in the call, block, iteration, segment, loss, cutoff, four statistics, four before
rectification, four averages and four deviations of the neighbours."""


@dataclass(frozen=True, eq=False)
class Drag:
    """One call of edit or animate, read from its blocks."""

    blocks: tuple[Block, ...]  # without rewound ones; at least one

    @property
    def first(self) -> Block:
        """Its first block."""
        return self.blocks[0]

    @property
    def label(self) -> str:
        """A name for the page: kind of call and blocks."""
        first, last = self.first.index, self.blocks[-1].index
        verb = "edit of" if self.first.mode is Mode.EDIT else "animation of"
        return f"{verb} " + (f"block {first}" if first == last else f"blocks {first}–{last}")

    def made(self, block: int) -> bool:
        """Return True if it made the block of an index."""
        return self.first.index <= block <= self.blocks[-1].index


def drags(blocks: Sequence[Block]) -> list[Drag]:
    """The calls that dragged, in order."""
    found: list[list[Block]] = []
    for block in blocks:
        if not block.drags:
            continue
        if block.mode is Mode.ANIMATE and block.part[0] > 0 and found:
            found[-1].append(block)
        else:
            found.append([block])
    return [Drag(tuple(part)) for part in found]


def unfinished(made: tuple[tuple[int, Iteration], ...], blocks: tuple[Block, ...]) -> bool:
    """Return True if iterations are newer than the block that they will make."""
    if not made:
        return False
    index, newest = made[-1]
    return index >= len(blocks) or not any(item is newest for item in blocks[index].iterations)


def _four(moments: Moments, channel: int | None) -> tuple[float, float, float, float]:
    """Mean, standard deviation, minimum and maximum of a channel, or of all of them pooled."""
    if channel is None:
        return moments.mean, moments.std, moments.minimum, moments.maximum
    return (
        moments.means[channel],
        moments.stds[channel],
        moments.minima[channel],
        moments.maxima[channel],
    )


class Series:
    """Computes rows from blocks, and caches them.

    A block never changes and neither does what came before it, so the block itself is the key.
    """

    def __init__(self) -> None:
        self._noisy: weakref.WeakKeyDictionary[Block, dict[int, Moments]] = (
            weakref.WeakKeyDictionary()
        )
        self._rows: weakref.WeakKeyDictionary[Block, dict[int | None, Rows]] = (
            weakref.WeakKeyDictionary()
        )

    def frames(self, blocks: Sequence[Block], channel: int | None, start: int = 0) -> Rows:
        """One row of `FRAME_COLUMNS` for each latent frame of the blocks from `start` on."""
        parts = [self._block(blocks, block, channel) for block in blocks[start:]]
        return np.concatenate([np.zeros((0, FRAME_COLUMNS), np.float32), *parts])

    def iterations(self, drag: Drag, past: Sequence[Block], channel: int | None) -> Rows:
        """One row of `ITERATION_COLUMNS` for each iteration; a channel of None pools them."""
        settings = next((block.settings for block in drag.blocks), None) or DragSettings.paper()
        step = settings.denoising_step or 0
        made = ((block.index, item) for block in drag.blocks for item in block.iterations)
        return self.running(made, past, step, channel, settings.neighbours)

    def running(
        self,
        made: Iterable[tuple[int, Iteration]],
        past: Sequence[Block],
        step: int,
        channel: int | None,
        neighbours: int | None = None,
    ) -> Rows:
        """The same of iterations whose block may still be in the making: (block, iteration)."""
        if neighbours is None:
            neighbours = DragSettings.paper().neighbours
        rows: list[list[float]] = []
        for index, item in made:
            band = self._band(past[:index], step, neighbours, channel)
            head = [len(rows), index, item.index, item.segment, item.loss, item.cutoff]
            moments = (*_four(item.moments, channel), *_four(item.moments_before, channel))
            rows.append([*head, *moments, *band])
        return np.array(rows, np.float32).reshape(-1, ITERATION_COLUMNS)

    def _band(
        self, past: Sequence[Block], step: int, neighbours: int, channel: int | None
    ) -> tuple[float, ...]:
        """Averages and deviations of previous blocks at a denoising step, 4 and 4 numbers.

        An iteration's statistics are those of a whole block, whose extremes lie farther out than
        a frame's, so the neighbours are counted in blocks here too, at least one.
        """
        if not past:
            return (math.nan,) * 8
        count = max(1, neighbours // len(past[-1].latents))
        values = [_four(self._moments(block, step), channel) for block in past[-count:]]
        return _spread(values)

    def _block(self, blocks: Sequence[Block], block: Block, channel: int | None) -> Rows:
        kept = self._rows.setdefault(block, {})
        if channel not in kept:
            neighbours = (block.settings or DragSettings.paper()).neighbours
            band = _spread(_before(blocks, block.index, neighbours, channel))
            kept[channel] = np.array(
                [
                    [number, block.drift[place], *_four(moments, channel), *band]
                    for place, (number, moments) in enumerate(
                        zip(block.latent_frames, block.frame_moments, strict=True)
                    )
                ],
                np.float32,
            )
        return kept[channel]

    def _moments(self, block: Block, step: int) -> Moments:
        kept = self._noisy.setdefault(block, {})
        if step not in kept:
            kept[step] = Moments.of(block.noisy[step])
        return kept[step]


def _before(
    blocks: Sequence[Block], index: int, count: int, channel: int | None
) -> list[tuple[float, ...]]:
    """The statistics of the last `count` latent frames before a block."""
    values: list[tuple[float, ...]] = []
    for block in reversed(blocks[max(0, index - count) : index]):
        if len(values) >= count:
            break
        values += [_four(moments, channel) for moments in reversed(block.frame_moments)]
    return values[:count]


def _spread(values: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """Averages and standard deviations of each of the four numbers; NaN of none."""
    if not values:
        return (math.nan,) * 8
    table = np.array(values, np.float64)
    return (*table.mean(axis=0).tolist(), *table.std(axis=0).tolist())
