"""Methods: ways to carry out the same drags, each a name and its settings."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from dragstream.method.settings import DragSettings

__all__ = ["ABLATIONS", "BASELINE", "Method", "constants", "select"]


@dataclass(frozen=True)
class Method:
    """A named way to carry out a drag.

    Attributes:
        name: what the row is called.
        settings: how; None: the drag is ignored and the model goes on by itself.
        title: what the row says to a reader.
    """

    name: str
    settings: DragSettings | None
    title: str


BASELINE = "none"
"""The row that the ratios are taken to."""

ABLATIONS = (
    Method(BASELINE, None, "no drag"),
    Method("I=2", DragSettings.paper(iterations=2), "DragStream, I = 2"),
    Method("I=3", DragSettings.paper(iterations=3), "DragStream, I = 3"),
    Method("I=4", DragSettings.paper(iterations=4), "DragStream, I = 4"),
    Method("no_adsr", DragSettings.paper(rectification=None), "without rectification (ADSR)"),
    Method("no_sfs", DragSettings.paper(cutoffs=None), "without frequency selection (SFS)"),
    Method("no_css", DragSettings.paper(focus=None), "without the Gaussian focus (CSS)"),
    Method("released", DragSettings.released(), "the released code's settings"),
)
"""Table 1 and the components of Figure 6."""


def select(names: Sequence[str] | None = None) -> tuple[Method, ...]:
    """Some of `ABLATIONS` by name, in their own order; None: all.

    Raises:
        ValueError: an unknown name, or none at all.
    """
    known = [method.name for method in ABLATIONS]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise ValueError(f"unknown methods {unknown}; known are {known}")
    chosen = tuple(method for method in ABLATIONS if names is None or method.name in names)
    if not chosen:
        raise ValueError(f"no methods; known are {known}")
    return chosen


def constants(
    steps: Sequence[int], rates: Sequence[float], layers: Sequence[Sequence[int]]
) -> tuple[Method, ...]:
    """No drag, and the paper's method with each combination of the constants a model decides.

    Args:
        steps: denoising steps, counted from 0.
        rates: learning rates.
        layers: choices of tapped layers.
    """
    found = [Method(BASELINE, None, "no drag")]
    for step, rate, taps in itertools.product(steps, rates, layers):
        settings = DragSettings.paper(denoising_step=step, learning_rate=rate, layers=tuple(taps))
        title = f"step {step}, rate {rate:g}, layers {', '.join(map(str, taps))}"
        found.append(Method(title, settings, title))
    return tuple(found)
