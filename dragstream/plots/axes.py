"""Axes that a notebook shows by itself, and the look that all plots share."""

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
    raise ImportError('plots need matplotlib: pip install "dragstream[lab]"') from error

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""One per stream or drag, in order."""
INK = "#333333"
GRID = "#DDDDDD"
GAP = 4
"""Pixels between the frames of a strip."""


class NotebookAxes(Axes):
    """An Axes that a notebook shows as a picture, without pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        cast("Figure", self.figure).savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()


def axes(ax: Axes | None, width: float, height: float) -> Axes:
    """The given Axes, or one in a Figure of its own, `width` x `height` inches."""
    if ax is None:
        figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
        return figure.add_subplot(axes_class=NotebookAxes)
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes or None, got {ax!r}")
    return ax


def finish_chart(ax: Axes, title: str, x: str, y: str) -> Axes:
    """Finish a chart: few lines, quiet grid, both axes named."""
    ax.set_title(title, loc="left", fontsize="medium", color=INK)
    ax.set_xlabel(x, color=INK)
    ax.set_ylabel(y, color=INK)
    ax.grid(visible=True, axis="y", color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(colors=INK, labelsize="small")
    return ax


def start_at_zero(ax: Axes) -> None:
    """Let y begin at 0 and leave room above the highest point."""
    values = np.concatenate([[0.0], *(np.asarray(line.get_ydata(), float) for line in ax.lines)])
    ax.set_ylim(0, 1.1 * np.nanmax(values) or 1)


def show_image(ax: Axes, image: NDArray[Any]) -> Axes:
    """Show an image pixel by pixel, without ticks or frame."""
    ax.imshow(image, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return ax


def cased(width: float) -> list[AbstractPathEffect]:
    """A white rim, so that lines and letters show on any picture."""
    return [withStroke(linewidth=width, foreground="white")]
