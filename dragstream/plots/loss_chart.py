"""`loss`: the loss of each iteration of a drag, and its two terms (Eq. 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dragstream.plots.axes import COLOURS, INK, axes, finish_chart, start_at_zero
from dragstream.stream.records import Block, Iteration
from dragstream.stream.stream import Stream


def loss(source: Stream | Block | Sequence[Iteration], ax: Axes | None = None) -> Axes:
    """Plot the loss of each iteration of a drag (Eq. 3), and its two terms.

    The colour of a point is the cutoff drawn for it, in cycles per token: filtered references give
    smaller losses, so compare points of one colour. Dotted lines separate segments and blocks.

    Args:
        source: A dragged block, a stream (all its dragged blocks), or iterations.
        ax: The Axes to draw into; None makes a Figure.

    Raises:
        ValueError: The source has no drags.
    """
    runs = _runs(source)
    iterations = [iteration for run in runs for iteration in run]
    if not iterations:
        raise ValueError(f"loss needs the iterations of a drag, and {source!r} has none")
    ax = axes(ax, 7.0, 3.0)
    steps = np.arange(1, len(iterations) + 1)
    total = np.array([iteration.loss for iteration in iterations])
    ax.plot(steps, total, color=INK, linewidth=1.5, label="loss", zorder=2)
    kept = np.array([iteration.loss_cst for iteration in iterations])
    if kept.any():
        followed = np.array([iteration.loss_rec for iteration in iterations])
        ax.plot(steps, followed, "--", color=COLOURS[0], linewidth=1.2, label="drag term")
        ax.plot(steps, kept, ":", color=COLOURS[1], linewidth=1.2, label="keep term")
    drawn = np.array([iteration.cutoff for iteration in iterations])
    for cutoff, colour in zip(np.unique(drawn), _shades(len(np.unique(drawn))), strict=True):
        chosen = drawn == cutoff
        points = ax.scatter(
            steps[chosen], total[chosen], 36, [colour], edgecolors=INK, linewidths=0.5, zorder=3
        )
        points.set_label(f"ω = {cutoff:g}")
    start_at_zero(ax)
    for boundary in _boundaries(runs):
        ax.axvline(boundary, color="#999999", linestyle=":", linewidth=1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize="small", ncols=2)
    return finish_chart(ax, "Loss of the drag", "iteration", "loss (feature units)")


def _runs(source: Stream | Block | Sequence[Iteration]) -> list[Sequence[Iteration]]:
    """Return the iterations, one sequence per block."""
    if isinstance(source, Block):
        return [source.iterations]
    if isinstance(source, Sequence):
        return [source]
    return [block.iterations for block in source.blocks if block.iterations]


def _boundaries(runs: list[Sequence[Iteration]]) -> Iterator[float]:
    """Yield positions between iterations, counted from 1, at starts of segments or blocks."""
    keys = [(run, it.segment) for run, iterations in enumerate(runs) for it in iterations]
    for number, (before, after) in enumerate(pairwise(keys), start=1):
        if before != after:
            yield number + 0.5


def _shades(count: int) -> list[tuple[float, float, float, float]]:
    """Return `count` colours from dark to light, evenly spaced in lightness."""
    from matplotlib import colormaps

    return [tuple(colour) for colour in colormaps["cividis"](np.linspace(0.05, 0.95, count))]
