"""Pictures of a stream: Axes in, Axes out.

```python
ds.plots.filmstrip(stream)                              # the video, with its drags drawn over it
ds.plots.drift(stream, raw, labels=("ADSR", "without"))  # how far the latents wander
ds.plots.loss(stream.blocks[-1])                        # what each iteration of a drag did
ds.plots.features(stream, block=3)                      # what the model sees, cutoff by cutoff
ds.plots.focus(stream, drags)                           # where the update of a drag acts
```

Each function draws into the Axes it is given and returns it. Given none, it makes a Figure of its
own, which a notebook shows when the Axes is the last line of a cell. Nothing here uses pyplot, so
plots may be drawn on any thread. Colours are Okabe and Ito's, told apart by the colour-blind too.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.checks import whole
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, Motion, targets
from dragstream.drags.regions import warp
from dragstream.method.maps import Principal
from dragstream.method.settings import DragSettings
from dragstream.stream.aims import focus_map
from dragstream.stream.records import Block, Iteration, Mode
from dragstream.stream.stream import Stream

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect, withStroke
    from matplotlib.ticker import MaxNLocator
except ImportError as error:
    raise ImportError('plots need matplotlib: pip install "dragstream[lab]"') from error

__all__ = ["COLOURS", "drift", "features", "filmstrip", "focus", "loss"]

Frames = NDArray[np.uint8]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""One per stream or drag, in order."""
_INK = "#333333"
_GRID = "#DDDDDD"
_SHADE = "#EEEEEE"
_GAP = 4
"""Pixels between the frames of a strip."""


class _Shown(Axes):
    """An Axes that a notebook shows as a picture, without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        cast("Figure", self.figure).savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    """The given Axes, or one in a Figure of its own, `width` x `height` inches."""
    if ax is None:
        figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
        return figure.add_subplot(axes_class=_Shown)
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes or None, got {ax!r}")
    return ax


def _chart(ax: Axes, title: str, x: str, y: str) -> Axes:
    """Finish a chart: few lines, quiet grid, both axes named."""
    ax.set_title(title, loc="left", fontsize="medium", color=_INK)
    ax.set_xlabel(x, color=_INK)
    ax.set_ylabel(y, color=_INK)
    ax.grid(visible=True, axis="y", color=_GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(colors=_INK, labelsize="small")
    return ax


def _from_zero(ax: Axes) -> None:
    """Let y begin at 0 and leave room above the highest point."""
    values = np.concatenate([[0.0], *(np.asarray(line.get_ydata(), float) for line in ax.lines)])
    ax.set_ylim(0, 1.1 * np.nanmax(values) or 1)


def _picture(ax: Axes, image: NDArray[Any]) -> Axes:
    """Show an image pixel by pixel, without ticks or frame."""
    ax.imshow(image, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax


# ---------------------------------------------------------------------------------------- drift


def drift(*streams: Stream, labels: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """How far each latent frame's moments lie from those of the frames before its block.

    The drift of a frame is the distance, in latent units, that `dragstream.method.moments.drift`
    defines; 0 means the same mean and deviation in every channel. Dragged blocks are shaded. The
    hollow marks in them are the drag's iterations from left to right, measured at the noise level
    they work at: with rectification (Eq. 4) they stay near 0.

    Args:
        streams: One or more streams; a fork and its origin, say.
        labels: A name for each stream, in order.
        ax: Where to draw; None makes a Figure.

    Raises:
        ValueError: No stream, or another number of labels than of streams.
    """
    if not streams:
        raise ValueError("drift needs at least one stream, got none")
    names = [None] * len(streams) if labels is None else list(labels)
    if len(names) != len(streams):
        raise ValueError(f"labels must name each of {len(streams)} streams, got {labels!r}")
    ax = _axes(ax, 7.0, 3.0)
    for first, last in sorted({span for stream in streams for span in _dragged(stream)}):
        ax.axvspan(first - 0.5, last + 0.5, color=_SHADE, linewidth=0, zorder=0)
    for number, (stream, name) in enumerate(zip(streams, names, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        frames = [frame for block in stream.blocks for frame in block.latent_frames]
        values = [value for block in stream.blocks for value in block.drift]
        ax.plot(frames, values, "o-", color=colour, label=name, markersize=4, linewidth=1.5)
        times, dots = _iteration_drift(stream)
        ax.plot(times, dots, "D:", color=colour, markersize=4, linewidth=1, markerfacecolor="w")
    _from_zero(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    _chart(ax, "Latent drift", "latent frame", "drift (latent units)")
    if labels is not None:
        ax.legend(frameon=False, fontsize="small")
    return ax


def _dragged(stream: Stream) -> Iterator[tuple[int, int]]:
    """First and last latent frame of each block that a drag shaped."""
    for block in stream.blocks:
        if block.drags:
            yield block.latent_frames[0], block.latent_frames[-1]


def _iteration_drift(stream: Stream) -> tuple[list[float], list[float]]:
    """The iterations' drift, spread in order over the latent frames of their block."""
    times: list[float] = []
    values: list[float] = []
    for block in stream.blocks:
        first, count = block.latent_frames[0] - 0.5, len(block.latent_frames)
        for number, iteration in enumerate(block.iterations):
            times.append(first + (number + 0.5) * count / len(block.iterations))
            values.append(iteration.drift)
    return times, values


# ----------------------------------------------------------------------------------------- loss


def loss(source: Stream | Block | Sequence[Iteration], ax: Axes | None = None) -> Axes:
    """What each iteration of a drag measured: the loss of Eq. 3 and its two terms.

    The colour of a point is the cutoff drawn for it, in cycles per token: filtered references give
    smaller losses, so compare points of one colour. Dotted lines separate segments and blocks.

    Args:
        source: A dragged block, a stream (all its dragged blocks), or iterations.
        ax: Where to draw; None makes a Figure.

    Raises:
        ValueError: Nothing in it was dragged.
    """
    runs = _runs(source)
    iterations = [iteration for run in runs for iteration in run]
    if not iterations:
        raise ValueError(f"loss needs the iterations of a drag, and {source!r} has none")
    ax = _axes(ax, 7.0, 3.0)
    steps = np.arange(1, len(iterations) + 1)
    total = np.array([iteration.loss for iteration in iterations])
    ax.plot(steps, total, color=_INK, linewidth=1.5, label="loss", zorder=2)
    kept = np.array([iteration.loss_cst for iteration in iterations])
    if kept.any():
        followed = np.array([iteration.loss_rec for iteration in iterations])
        ax.plot(steps, followed, "--", color=COLOURS[0], linewidth=1.2, label="drag term")
        ax.plot(steps, kept, ":", color=COLOURS[1], linewidth=1.2, label="keep term")
    drawn = np.array([iteration.cutoff for iteration in iterations])
    for cutoff, colour in zip(np.unique(drawn), _shades(len(np.unique(drawn))), strict=True):
        chosen = drawn == cutoff
        points = ax.scatter(
            steps[chosen], total[chosen], 36, [colour], edgecolors=_INK, linewidths=0.5, zorder=3
        )
        points.set_label(f"ω = {cutoff:g}")
    _from_zero(ax)
    for boundary in _boundaries(runs):
        ax.axvline(boundary, color="#999999", linestyle=":", linewidth=1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, fontsize="small", ncols=2)
    return _chart(ax, "Loss of the drag", "iteration", "loss (feature units)")


def _runs(source: Stream | Block | Sequence[Iteration]) -> list[Sequence[Iteration]]:
    """The iterations, one sequence a block."""
    if isinstance(source, Block):
        return [source.iterations]
    if isinstance(source, Sequence):
        return [source]
    return [block.iterations for block in source.blocks if block.iterations]


def _boundaries(runs: list[Sequence[Iteration]]) -> Iterator[float]:
    """Between which iterations, counted from 1, a new segment or block begins."""
    keys = [(run, it.segment) for run, iterations in enumerate(runs) for it in iterations]
    for number, (before, after) in enumerate(pairwise(keys), start=1):
        if before != after:
            yield number + 0.5


def _shades(count: int) -> list[tuple[float, float, float, float]]:
    """`count` colours from dark to light, even in lightness."""
    from matplotlib import colormaps

    return [tuple(colour) for colour in colormaps["cividis"](np.linspace(0.05, 0.95, count))]


# ------------------------------------------------------------------------------------ filmstrip


@dataclass(frozen=True)
class _Marks:
    """What is drawn over one frame for one drag: where the handle is, or where it should be."""

    colour: str
    outline: NDArray[np.float32]
    track: NDArray[np.float64] | None = None
    """The way of one point, (N, 2), at the handle; None marks a place to be reached."""


def filmstrip(
    source: Stream | Block | Frames,
    frames: Iterable[int] | None = None,
    *,
    columns: int = 8,
    drags: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """The frames of a video side by side, with the drags that shaped them drawn over it.

    A drag's handle is outlined on the frame where the drag began, with its path as an arrow; the
    thin dashed outlines after it are where the drag should have taken the handle.

    Args:
        source: A stream, a block, or frames of shape (T, H, W, 3), uint8.
        frames: Which video frames, counted from 0 in the source; None means all.
        columns: Frames in a row.
        drags: Whether to draw them (frames alone have none).
        ax: Where to draw; None makes a Figure.

    Raises:
        ValueError: No frames, frames that the source lacks, or columns below 1.
        TypeError: A frame number or `columns` is not an integer.
    """
    columns = whole(columns, "columns", least=1)
    video, marks = _video(source, drags=drags)
    chosen = _chosen(frames, len(video))
    columns = min(columns, len(chosen))
    rows = -(-len(chosen) // columns)
    height, width = video.shape[1:3]
    sheet = np.full(
        (rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3), 255, np.uint8
    )
    inches = 1.7 * columns
    ax = _axes(ax, inches, inches * sheet.shape[0] / sheet.shape[1] + 0.45)
    for place, number in enumerate(chosen):
        row, column = divmod(place, columns)
        top, left = row * (height + _GAP), column * (width + _GAP)
        sheet[top : top + height, left : left + width] = video[number]
        _number(ax, left, top, number)
        for mark in marks.get(number, ()):
            _draw(ax, mark, left, top)
    _picture(ax, sheet)
    ax.set_xlabel(f"video frames of {width} x {height} px", color=_INK, fontsize="small")
    return ax


def _video(
    source: Stream | Block | Frames, *, drags: bool
) -> tuple[Frames, dict[int, list[_Marks]]]:
    """The frames and, by frame number, what is drawn over them."""
    if isinstance(source, np.ndarray):
        if source.ndim != 4 or source.shape[-1] != 3 or source.dtype != np.uint8 or not len(source):
            raise ValueError(
                f"frames must be a uint8 array (T, H, W, 3) with T at least 1, got {source.dtype} "
                f"of shape {source.shape}"
            )
        return source, {}
    if isinstance(source, Block):
        return source.frames, _marks((source,), source.first_frame) if drags else {}
    video = source.frames
    if not len(video):
        raise ValueError("a filmstrip needs at least one frame, and the stream has no block yet")
    return video, _marks(source.blocks, 0) if drags else {}


def _chosen(frames: Iterable[int] | None, count: int) -> list[int]:
    """The frame numbers, checked."""
    chosen = (
        list(range(count))
        if frames is None
        else [whole(number, "a frame number", least=0) for number in frames]
    )
    if not chosen or max(chosen) >= count:
        raise ValueError(f"frames must be numbers from 0 to {count - 1}, got {chosen}")
    return chosen


def _marks(blocks: Sequence[Block], offset: int) -> dict[int, list[_Marks]]:
    """The drags of `blocks`, keyed by video frame number less `offset`."""
    marks: dict[int, list[_Marks]] = {}
    for block in blocks:
        size = block.frames.shape[1:3]
        part, parts = block.part
        count = len(block.latent_frames)
        for number, drag in enumerate(block.drags):
            colour = COLOURS[number % len(COLOURS)]
            mask = drag.mask(*size)
            start = block.video_frames[-1 if block.mode is Mode.EDIT else 0]
            if block.mode is not Mode.EDIT:
                start -= 1
            if part == 0:
                rest = _Marks(colour, mask.astype(np.float32), _track(drag.motion, mask))
                marks.setdefault(start - offset, []).append(rest)
            for video_frame, place in _targets(block, drag.motion, part * count, parts * count):
                moved = _Marks(colour, warp(mask, place))
                marks.setdefault(video_frame - offset, []).append(moved)
    return marks


def _targets(block: Block, motion: Motion, before: int, total: int) -> Iterator[tuple[int, Affine]]:
    """Where a drag should have taken its handle, on the last video frame of each latent frame."""
    if block.mode is Mode.EDIT:
        yield block.video_frames[-1], motion.at(1.0)
        return
    places = targets(motion, total)[before : before + len(block.latent_frames)]
    # Latent frames share out the block's video frames evenly; only the stream's first is a video
    # frame by itself.
    alone = int(block.latent_frames[0] == 0 and len(places) > 1)
    per_frame = (len(block.frames) - alone) // (len(places) - alone)
    for number, place in enumerate(places, start=1):
        yield block.video_frames[-1] - (len(places) - number) * per_frame, place


def _track(motion: Motion, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The way (N, 2) of the point of the region that shows the motion."""
    anchor = np.asarray(motion.anchor(mask))
    return np.stack([motion.at(step).apply(anchor) for step in np.linspace(0.0, 1.0, 33)])


def _number(ax: Axes, left: float, top: float, number: int) -> None:
    """A frame's number in its corner, readable on any picture."""
    ax.annotate(
        str(number),
        (left, top),
        xytext=(3, -3),
        textcoords="offset points",
        va="top",
        fontsize="small",
        color=_INK,
        path_effects=_cased(2),
    )


def _cased(width: float) -> list[AbstractPathEffect]:
    """A white rim, so that lines and letters show on any picture."""
    return [withStroke(linewidth=width, foreground="white")]


def _draw(ax: Axes, mark: _Marks, left: float, top: float) -> None:
    """Draw a drag over the frame whose corner is at (left, top)."""
    handle = mark.track is not None
    cased = _cased(3 if handle else 2)
    if mark.outline.max() > 0.5 > mark.outline.min():
        height, width = mark.outline.shape
        contour = ax.contour(
            left + np.arange(width),
            top + np.arange(height),
            mark.outline,
            levels=[0.5],
            colors=[mark.colour],
            linewidths=1.6 if handle else 1.0,
            linestyles="-" if handle else "--",
        )
        contour.set_path_effects(cased)
    if mark.track is not None:
        x, y = mark.track[:, 0] + left, mark.track[:, 1] + top
        ax.plot(x, y, color=mark.colour, linewidth=1.6, path_effects=cased)
        arrow = {"arrowstyle": "-|>", "color": mark.colour, "linewidth": 1.6, "shrinkA": 0}
        ax.annotate("", (x[-1], y[-1]), xytext=(x[-3], y[-3]), arrowprops={**arrow, "shrinkB": 0})


# ------------------------------------------------------------------------------------- features


def features(
    stream: Stream,
    block: int = -1,
    *,
    cutoffs: Sequence[float] = (0.2, 0.4, 0.6, 1.0),
    layers: int | Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """What the drag compares: tapped features as colours, one row a cutoff, below the frames.

    Colours are the first three principal components of the unfiltered features of the block, so
    equal colours mean similar features in every row. Low cutoffs keep only the coarse layout.

    Args:
        stream: A stream with at least one block.
        block: Which block; negative numbers count from the end.
        cutoffs: Of the low-pass on keys and values (Eq. 7), cycles per token in (0, 1].
        layers: Transformer layers, counted from 0; None means the model's own.
        ax: Where to draw; None makes a Figure.

    Raises:
        ValueError: No cutoff, one outside (0, 1], or a block or layer that is not there.
    """
    if not cutoffs:
        raise ValueError("features needs at least one cutoff, got none")
    maps = [_feature_map(stream, block, layers, cutoff) for cutoff in cutoffs]
    reference = _feature_map(stream, block, layers, 1.0)
    principal = Principal.of(reference)
    shown = stream.blocks[block].frames
    frames, rows, columns = reference.shape[:3]
    scale = -(-shown.shape[1] // rows)
    height, width = rows * scale, columns * scale
    strip = np.full(
        ((len(maps) + 1) * (height + _GAP) - _GAP, frames * (width + _GAP) - _GAP, 3), 255, np.uint8
    )
    apart = stream.model.spec.clock.temporal_factor
    last = [max(0, len(shown) - 1 - (frames - 1 - f) * apart) for f in range(frames)]
    for frame in range(frames):
        left = frame * (width + _GAP)
        picture = shown[last[frame]][:height, :width]
        strip[: picture.shape[0], left : left + picture.shape[1]] = picture
        for row, values in enumerate(maps, start=1):
            tile = np.kron(principal.colours(values[frame]), np.ones((scale, scale, 1), np.uint8))
            top = row * (height + _GAP)
            strip[top : top + height, left : left + width] = tile
    inches = 1.7 * frames
    ax = _axes(ax, inches + 0.6, inches * strip.shape[0] / strip.shape[1] + 0.5)
    _picture(ax, strip)
    ax.set_yticks([row * (height + _GAP) + height / 2 for row in range(len(maps) + 1)])
    ax.set_yticklabels(["frame", *(f"ω = {cutoff:g}" for cutoff in cutoffs)])
    ax.set_xticks([frame * (width + _GAP) + width / 2 for frame in range(frames)])
    ax.set_xticklabels([str(number) for number in stream.blocks[block].latent_frames])
    ax.tick_params(length=0, labelsize="small", colors=_INK)
    ax.set_xlabel("latent frame", color=_INK)
    return ax


def _feature_map(
    stream: Stream, block: int, layers: int | Sequence[int] | None, cutoff: float
) -> NDArray[np.float32]:
    """The features (F, h, w, channels) of a block, the layers' channels side by side."""
    taps = stream.features(block=block, layers=layers, cutoff=cutoff)
    return np.concatenate([tap.float().cpu().numpy() for tap in taps.values()], axis=-1)


# ---------------------------------------------------------------------------------------- focus


def focus(
    stream: Stream,
    drags: Sequence[Drag],
    *,
    settings: DragSettings | None = None,
    fraction: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Where the update of these drags would act: the Gaussian G of Eq. 10 over the newest frame.

    Args:
        stream: A stream with at least one block.
        drags: The drags, as for `Stream.animate`.
        settings: Their focus is drawn; None means the paper's.
        fraction: How far along the drags, 0 at the handle, 1 at the end.
        ax: Where to draw; None makes a Figure.

    Raises:
        ValueError: No drags, no frame yet, or settings without a focus (then G is 1 everywhere).
    """
    chosen = (settings or DragSettings.paper()).focus
    if chosen is None:
        raise ValueError(
            "settings must have a focus to be drawn, got focus=None (G is 1 everywhere)"
        )
    if not drags:
        raise ValueError("focus needs at least one drag, got none")
    if not stream.blocks:
        raise ValueError("focus is drawn over the newest frame, and the stream has no block yet")
    frame = stream.blocks[-1].frames[-1]
    height, width = frame.shape[:2]
    masks = [drag.mask(height, width) for drag in drags]
    places = [drag.motion.at(fraction) for drag in drags]
    placed = list(zip(masks, places, strict=True))
    gaussian = focus_map(placed, chosen, stream.model.spec.grid)
    ax = _axes(ax, 4.6, 4.0 * height / width + 0.6)
    ax.imshow(np.repeat(frame.mean(axis=-1, keepdims=True) / 255, 3, axis=-1))
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    shown = ax.imshow(gaussian, extent=extent, cmap="cividis", alpha=0.65, vmin=0, vmax=1)
    for number, (mask, place, drag) in enumerate(zip(masks, places, drags, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        _draw(ax, _Marks(colour, mask.astype(np.float32), _track(drag.motion, mask)), 0, 0)
        _draw(ax, _Marks(colour, warp(mask, place)), 0, 0)
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.set_xlabel("x (px)", color=_INK)
    ax.set_ylabel("y (px)", color=_INK)
    ax.tick_params(colors=_INK, labelsize="small")
    cast("Figure", ax.figure).colorbar(shown, ax=ax, label="weight of the update", fraction=0.03)
    return ax
