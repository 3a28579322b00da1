"""`filmstrip`: frames of streams side by side, overlaid with their drags."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from dragstream.drags.checks import check_int
from dragstream.plots.axes import GAP, INK, axes, empty_sheet, show_image, white_outline
from dragstream.plots.marks import Marks, draw_marks, marks_of
from dragstream.stream.records import Block
from dragstream.stream.stream import Stream

Frames = NDArray[np.uint8]


def filmstrip(
    source: Stream | Block | Frames,
    frames: Iterable[int] | None = None,
    *,
    columns: int = 8,
    drags: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Show the frames of a video side by side, overlaid with their drags.

    A drag's handle is outlined on the first frame of the drag, with its path as an arrow; the thin
    dashed outlines after it mark the target positions of the handle.

    Args:
        source: A stream, a block, or frames of shape (T, H, W, 3), uint8.
        frames: Indices of the video frames, counted from 0 in the source; None means all.
        columns: Frames per row.
        drags: If set, draw the drags (plain frames have none).
        ax: The Axes to draw into; None makes a Figure.

    Raises:
        ValueError: No frames, frames that the source lacks, or columns below 1.
        TypeError: A frame number or `columns` is not an integer.
    """
    columns = check_int(columns, "columns", least=1)
    video, marks = _video(source, drags=drags)
    chosen = _chosen(frames, len(video))
    columns = min(columns, len(chosen))
    rows = -(-len(chosen) // columns)
    height, width = video.shape[1:3]
    sheet = empty_sheet(rows, columns, height, width)
    inches = 1.7 * columns
    ax = axes(ax, inches, inches * sheet.shape[0] / sheet.shape[1] + 0.45)
    for place, number in enumerate(chosen):
        row, column = divmod(place, columns)
        top, left = row * (height + GAP), column * (width + GAP)
        sheet[top : top + height, left : left + width] = video[number]
        _number(ax, left, top, number)
        for mark in marks.get(number, ()):
            draw_marks(ax, mark, left, top)
    show_image(ax, sheet)
    ax.set_xlabel(f"video frames of {width} x {height} px", color=INK, fontsize="small")
    return ax


def _video(
    source: Stream | Block | Frames, *, drags: bool
) -> tuple[Frames, dict[int, list[Marks]]]:
    """Return the frames and, by frame number, the marks over them."""
    if isinstance(source, np.ndarray):
        if source.ndim != 4 or source.shape[-1] != 3 or source.dtype != np.uint8 or not len(source):
            raise ValueError(
                f"frames must be a uint8 array (T, H, W, 3) with T at least 1, got {source.dtype} "
                f"of shape {source.shape}"
            )
        return source, {}
    if isinstance(source, Block):
        return source.frames, marks_of((source,), source.first_frame) if drags else {}
    video = source.frames
    if not len(video):
        raise ValueError("a filmstrip needs at least one frame, and the stream has no block yet")
    return video, marks_of(source.blocks, 0) if drags else {}


def _chosen(frames: Iterable[int] | None, count: int) -> list[int]:
    """Return the validated frame numbers."""
    chosen = (
        list(range(count))
        if frames is None
        else [check_int(number, "a frame number", least=0) for number in frames]
    )
    if not chosen or max(chosen) >= count:
        raise ValueError(f"frames must be numbers from 0 to {count - 1}, got {chosen}")
    return chosen


def _number(ax: Axes, left: float, top: float, number: int) -> None:
    """Draw a frame's number in its corner, readable on any image."""
    ax.annotate(
        str(number),
        (left, top),
        xytext=(3, -3),
        textcoords="offset points",
        va="top",
        fontsize="small",
        color=INK,
        path_effects=white_outline(2),
    )
