"""The drift plot as a still picture, drawn with matplotlib as the page draws it."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from dragstream.plots import COLOURS
from dragstream.widgets.drift_series import Rows

PANELS = ("mean μ", "standard deviation σ", "minimum", "maximum")
_FIRST = 2
"""Column of the first statistic, see `drift_series`."""


def draw(frames: Rows, other: Rows, spans: Sequence[Sequence[int]]) -> Image.Image:
    """Four panels: the statistics of each latent frame, the neighbours' band, the comparison."""
    from matplotlib.figure import Figure

    if len(frames) == 0:
        raise ValueError("there is nothing to draw yet: the stream has no blocks")
    figure = Figure(figsize=(8, 4.2), dpi=96, layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    for place, (ax, title) in enumerate(zip(axes.flat, PANELS, strict=True)):
        for first, last in spans:
            ax.axvspan(first - 0.5, last + 0.5, color="#EEEEEE", linewidth=0, zorder=0)
        column = _FIRST + place
        centre, spread = frames[:, column + 4], frames[:, column + 8]
        ax.fill_between(
            frames[:, 0], centre - spread, centre + spread, color=COLOURS[2], alpha=0.25, lw=0
        )
        ax.plot(frames[:, 0], frames[:, column], color=COLOURS[0], lw=1.5, label="stream")
        if len(other):
            ax.plot(
                other[:, 0], other[:, column], "--", color=COLOURS[1], lw=1.5, label="without Eq. 4"
            )
        ax.set_title(title, loc="left", fontsize="small")
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize="small")
    for ax in axes[1]:
        ax.set_xlabel("latent frame", fontsize="small")
    if len(other):
        axes[0, 0].legend(frameon=False, fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.open(buffer).convert("RGB")
