"""Axes with a notebook representation, and the common style of all plots."""

from __future__ import annotations

import io
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect, withStroke
except ImportError as error:
    raise ImportError('plots need matplotlib: pip install "dragstream[widgets]"') from error

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours of streams or drags, in order."""
INK = "#333333"
GRID = "#DDDDDD"
GAP = 4
"""Pixels between the frames of a strip."""


class NotebookAxes(Axes):
    """An Axes with an image representation in notebooks, without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        cast("Figure", self.figure).savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def axes(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the given Axes, or a new one in a Figure of `width` x `height` inches."""
    if ax is None:
        figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
        return figure.add_subplot(axes_class=NotebookAxes)
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes or None, got {ax!r}")
    return ax


def finish_chart(ax: Axes, title: str, x: str, y: str) -> Axes:
    """Style a chart: few lines, pale grid, title and both axis labels."""
    ax.set_title(title, loc="left", fontsize="medium", color=INK)
    ax.set_xlabel(x, color=INK)
    ax.set_ylabel(y, color=INK)
    ax.grid(visible=True, axis="y", color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(colors=INK, labelsize="small")
    return ax


def start_at_zero(ax: Axes) -> None:
    """Set the y axis to start at 0, with room above the highest point."""
    values = np.concatenate([[0.0], *(np.asarray(line.get_ydata(), float) for line in ax.lines)])
    ax.set_ylim(0, 1.1 * np.nanmax(values) or 1)


def empty_sheet(rows: int, columns: int, height: int, width: int) -> NDArray[np.uint8]:
    """A white picture with room for tiles of a size, `GAP` pixels apart."""
    size = rows * (height + GAP) - GAP, columns * (width + GAP) - GAP
    return np.full((*size, 3), 255, np.uint8)


def show_image(ax: Axes, image: NDArray[Any]) -> Axes:
    """Show an image pixel by pixel, without ticks or frame."""
    ax.imshow(image, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax


def white_outline(width: float) -> list[AbstractPathEffect]:
    """Return a white outline effect, so that lines and text are visible on any image."""
    return [withStroke(linewidth=width, foreground="white")]
