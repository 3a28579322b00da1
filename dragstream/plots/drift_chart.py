"""`drift`: the drift of latent statistics over a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from dragstream.plots.axes import COLOURS, INK, axes, finish_chart, start_at_zero
from dragstream.stream.records import Block, Iteration
from dragstream.stream.stream import Stream

SHADE = "#EEEEEE"


def drift(*streams: Stream, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Plot the distance of each latent frame's moments to those of the frames before its block.

    The drift of a frame is the distance, in latent units, that `dragstream.method.moments.drift`
    defines; 0 means the same mean and deviation in every channel. Dragged blocks are shaded. The
    hollow marks in them are the drag's iterations from left to right, measured at the noise level
    of the drag: with rectification (Eq. 4) they stay near 0.

    Args:
        streams: One or more streams, for example a fork and its origin.
        labels: A name for each stream, in order.
        ax: The Axes to draw into; None makes a Figure.

    Raises:
        ValueError: No stream, or a different number of labels than streams.
    """
    if not streams:
        raise ValueError("drift needs at least one stream, got none")
    names = [None] * len(streams) if labels is None else list(labels)
    if len(names) != len(streams):
        raise ValueError(f"labels must name each of {len(streams)} streams, got {labels!r}")
    ax = axes(ax, 7.0, 3.0)
    for first, last in sorted({span for stream in streams for span in _dragged(stream)}):
        ax.axvspan(first - 0.5, last + 0.5, color=SHADE, linewidth=0, zorder=0)
    for number, (stream, name) in enumerate(zip(streams, names, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        frames = [frame for block in stream.blocks for frame in block.latent_frames]
        values = [value for block in stream.blocks for value in block.drift]
        ax.plot(frames, values, "o-", color=colour, label=name, markersize=4, linewidth=1.5)
        times, dots = _iteration_drift(stream)
        ax.plot(times, dots, "D:", color=colour, markersize=4, linewidth=1, markerfacecolor="w")
    start_at_zero(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    finish_chart(ax, "Latent drift", "latent frame", "drift (latent units)")
    if labels is not None:
        ax.legend(frameon=False, fontsize="small")
    return ax


def _dragged(stream: Stream) -> Iterator[tuple[int, int]]:
    """Yield the first and last latent frame of each dragged block."""
    for block in stream.blocks:
        if block.drags:
            yield block.latent_frames[0], block.latent_frames[-1]


def _iteration_drift(stream: Stream) -> tuple[list[float], list[float]]:
    """Compute the iterations' drift, spread in order over the latent frames of their block."""
    times: list[float] = []
    values: list[float] = []
    for block in stream.blocks:
        first, count = block.latent_frames[0] - 0.5, len(block.latent_frames)
        for number, iteration in enumerate(block.iterations):
            times.append(first + (number + 0.5) * count / len(block.iterations))
            values.append(iteration.drift)
    return times, values


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
