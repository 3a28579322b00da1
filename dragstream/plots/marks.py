"""Drags drawn over frames: outlines of handles and targets, and the path between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from dragstream.drags.regions import warp
from dragstream.plots.axes import COLOURS, white_outline
from dragstream.stream.drag_targets import anchor_track, rest_frame, target_places
from dragstream.stream.records import Block


@dataclass(frozen=True)
class Marks:
    """The marks of one drag over one frame: the handle, or its target position."""

    colour: str
    outline: NDArray[np.float32]
    track: NDArray[np.float64] | None = None
    """The path of one point, (N, 2), at the handle; None for a target."""


def marks_of(blocks: Sequence[Block], offset: int) -> dict[int, list[Marks]]:
    """Compute the marks of `blocks`, keyed by video frame number less `offset`."""
    marks: dict[int, list[Marks]] = {}
    for block in blocks:
        size = block.frames.shape[1:3]
        for number, drag in enumerate(block.drags):
            colour = COLOURS[number % len(COLOURS)]
            mask = drag.mask(*size)
            if block.part[0] == 0:
                rest = Marks(colour, mask.astype(np.float32), anchor_track(drag.motion, mask))
                marks.setdefault(rest_frame(block) - offset, []).append(rest)
            for video_frame, place in target_places(block, drag.motion):
                moved = Marks(colour, warp(mask, place))
                marks.setdefault(video_frame - offset, []).append(moved)
    return marks


def draw_marks(ax: Axes, mark: Marks, left: float, top: float) -> None:
    """Draw a drag over the frame whose corner is at (left, top)."""
    handle = mark.track is not None
    rim = white_outline(3 if handle else 2)
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
        contour.set_path_effects(rim)
    if mark.track is not None:
        x, y = mark.track[:, 0] + left, mark.track[:, 1] + top
        ax.plot(x, y, color=mark.colour, linewidth=1.6, path_effects=rim)
        arrow = {"arrowstyle": "-|>", "color": mark.colour, "linewidth": 1.6, "shrinkA": 0}
        ax.annotate("", (x[-1], y[-1]), xytext=(x[-3], y[-3]), arrowprops={**arrow, "shrinkB": 0})
