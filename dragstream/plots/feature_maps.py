"""`features` and `focus`: the compared features of a drag, and the region of its update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dragstream.drags.motions import Drag
from dragstream.drags.regions import warp
from dragstream.method.maps import Principal
from dragstream.method.settings import DragSettings
from dragstream.plots.axes import COLOURS, GAP, INK, axes, empty_sheet, show_image
from dragstream.plots.marks import Marks, draw_marks
from dragstream.stream.drag_targets import anchor_track
from dragstream.stream.stream import Stream


def features(
    stream: Stream,
    block: int = -1,
    *,
    cutoffs: Sequence[float] = (0.2, 0.4, 0.6, 1.0),
    layers: int | Sequence[int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Show tapped features as colours, one row per cutoff, below the frames.

    Colours are the first three principal components of the unfiltered features of the block, so
    equal colours mean similar features in every row. Low cutoffs keep only the coarse layout.

    Args:
        stream: A stream with at least one block.
        block: Index of the block; negative numbers count from the end.
        cutoffs: Cutoffs of the low-pass on keys and values (Eq. 7), cycles per token in (0, 1].
        layers: Transformer layers, counted from 0; None means the model's own.
        ax: The Axes to draw into; None makes a Figure.

    Raises:
        ValueError: No cutoff, one outside (0, 1], or an unknown block or layer.
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
    strip = empty_sheet(len(maps) + 1, frames, height, width)
    apart = stream.model.spec.clock.temporal_factor
    last = [max(0, len(shown) - 1 - (frames - 1 - f) * apart) for f in range(frames)]
    for frame in range(frames):
        left = frame * (width + GAP)
        picture = shown[last[frame]][:height, :width]
        strip[: picture.shape[0], left : left + picture.shape[1]] = picture
        for row, values in enumerate(maps, start=1):
            tile = np.kron(principal.colours(values[frame]), np.ones((scale, scale, 1), np.uint8))
            top = row * (height + GAP)
            strip[top : top + height, left : left + width] = tile
    inches = 1.7 * frames
    ax = axes(ax, inches + 0.6, inches * strip.shape[0] / strip.shape[1] + 0.5)
    show_image(ax, strip)
    ax.set_yticks([row * (height + GAP) + height / 2 for row in range(len(maps) + 1)])
    ax.set_yticklabels(["frame", *(f"ω = {cutoff:g}" for cutoff in cutoffs)])
    ax.set_xticks([frame * (width + GAP) + width / 2 for frame in range(frames)])
    ax.set_xticklabels([str(number) for number in stream.blocks[block].latent_frames])
    ax.tick_params(length=0, labelsize="small", colors=INK)
    ax.set_xlabel("latent frame", color=INK)
    return ax


def _feature_map(
    stream: Stream, block: int, layers: int | Sequence[int] | None, cutoff: float
) -> NDArray[np.float32]:
    """Return the features (F, h, w, channels) of a block, its layers' channels concatenated."""
    taps = stream.features(block=block, layers=layers, cutoff=cutoff)
    return np.concatenate([tap.numpy() for tap in taps.values()], axis=-1)


def focus(
    stream: Stream,
    drags: Sequence[Drag],
    *,
    settings: DragSettings | None = None,
    fraction: float = 1.0,
    ax: Axes | None = None,
) -> Axes:
    """Show the update weights of drags: the Gaussian G of Eq. 10 over the newest frame.

    Args:
        stream: A stream with at least one block.
        drags: The drags, as for `Stream.animate`.
        settings: Settings with the focus to draw; None means the default.
        fraction: Position along the drags, 0 at the handle, 1 at the end.
        ax: The Axes to draw into; None makes a Figure.

    Raises:
        ValueError: No drags, no frame yet, or settings without a focus (then G is 1 everywhere).
    """
    chosen = (settings or DragSettings()).focus
    if chosen is False:
        raise ValueError(
            "settings must have a focus to be drawn, got focus=False (G is 1 everywhere)"
        )
    if not drags:
        raise ValueError("focus needs at least one drag, got none")
    if not stream.blocks:
        raise ValueError("focus is drawn over the newest frame, and the stream has no block yet")
    frame = stream.blocks[-1].frames[-1]
    height, width = frame.shape[:2]
    placed = [(drag.mask(height, width), drag.motion.at(fraction)) for drag in drags]
    gaussian = chosen.of(placed, stream.model.spec.grid).numpy()
    ax = axes(ax, 4.6, 4.0 * height / width + 0.6)
    ax.imshow(np.repeat(frame.mean(axis=-1, keepdims=True) / 255, 3, axis=-1))
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    shown = ax.imshow(gaussian, extent=extent, cmap="cividis", alpha=0.65, vmin=0, vmax=1)
    for number, (drag, (mask, place)) in enumerate(zip(drags, placed, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        draw_marks(
            ax, Marks(colour, mask.astype(np.float32), anchor_track(drag.motion, mask)), 0, 0
        )
        draw_marks(ax, Marks(colour, warp(mask, place)), 0, 0)
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(height - 0.5, -0.5)
    ax.set_xlabel("x (px)", color=INK)
    ax.set_ylabel("y (px)", color=INK)
    ax.tick_params(colors=INK, labelsize="small")
    cast("Figure", ax.figure).colorbar(shown, ax=ax, label="weight of the update", fraction=0.03)
    return ax
