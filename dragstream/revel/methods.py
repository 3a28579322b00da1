"""Methods: ways to carry out the same drags, each a name and its settings."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dragstream.method.base import DragMethod
from dragstream.method.baselines import SGI2V, CutAndPaste, DragVideo, TimeToMove
from dragstream.method.focus import Focus
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings
from dragstream.models.base import PAPER_CUTOFFS, ModelSpec


@dataclass(frozen=True)
class Method:
    """A named way to carry out a drag.

    Attributes:
        name: the row's name in results.
        settings: the drag's settings; None: the drag is ignored and the model goes on by itself.
        title: the row's title in tables.
    """

    name: str
    settings: DragMethod | None
    title: str


BASELINE = "none"
"""The row that the ratios are taken to."""
FULL = "I=4"
"""The paper's method with the constants of the model; ablations are compared with it."""
PAPER_RATE = 0.04
"""Learning rate of AdamW in the paper (Section C.1), for latents of Self-Forcing."""


def _cold(**changes: Any) -> DragSettings:
    """Settings that begin with the undragged latents, as in the paper, on every model."""
    return DragSettings(warm_start=False, **changes)


ABLATIONS = (
    Method(BASELINE, None, "no drag"),
    Method("I=2", _cold(iterations=2), "DragStream, I = 2"),
    Method("I=3", _cold(iterations=3), "DragStream, I = 3"),
    Method(FULL, _cold(iterations=4), "DragStream, I = 4"),
    Method("no_adsr", _cold(rectification=False), "without rectification (ADSR)"),
    Method("no_sfs", _cold(cutoffs=False), "without frequency selection (SFS)"),
    Method("no_css", _cold(focus=False), "without the Gaussian focus (CSS)"),
    Method("no_cst", _cold(constraint=False), "without the constraint L_cst"),
    Method("no_x0", _cold(prediction_weight=0), "without predictions in the loss"),
    Method("paper", DragSettings.paper(), "the paper's cutoffs and features at the model's rate"),
    Method(
        f"paper_rate={PAPER_RATE}",
        DragSettings.paper(learning_rate=PAPER_RATE),
        f"the paper's cutoffs and features at the paper's rate, {PAPER_RATE}",
    ),
    Method("released", DragSettings.released(), "the released settings at their rate, 0.02"),
    Method(
        "released_rate=model",
        DragSettings.released(learning_rate=None),
        "the released settings at the model's rate",
    ),
)
"""Table 1, the components of Figure 6, and the presets at the model's rate and at their own.

All of them optimise at the model's own denoising step and layers.
"""


def _range(low: float, high: float) -> tuple[float, ...]:
    """A range of cutoffs to draw from, as finely as a percent."""
    count = round((high - low) * 100) + 1
    return tuple(round(float(cutoff), 2) for cutoff in np.linspace(low, high, count))


_BARE = _cold(rectification=False, cutoffs=False, focus=False)

_VARIANTS = (
    Method("bare", _BARE, "latent region optimisation alone"),
    *(
        Method(f"cutoff={cutoff}", _cold(cutoffs=(cutoff,)), f"ω = {cutoff} always")
        for cutoff in (0.2, 0.4, 0.6)
    ),
    Method("switching", _cold(cutoffs=PAPER_CUTOFFS), "ω drawn from 0.2, 0.4, 0.6, 1"),
    *(
        Method(f"range={low}-1", _cold(cutoffs=_range(low, 1.0)), f"ω drawn from {low} to 1")
        for low in (0.2, 0.4)
    ),
    *(
        Method(f"L_n={count}", _cold(rectification=Rectification(count)), f"L_n = {count}")
        for count in (3, 18)
    ),
    *(
        Method(f"alpha={alpha:g}", _cold(focus=Focus(alpha)), f"α = {alpha:g}")
        for alpha in (2.0, 1.5, 0.5)
    ),
    Method("default", DragSettings(), "the default settings"),
    Method("fast", DragSettings.fast(), "one iteration from a warm start"),
    *(
        Method(f"warm_I={count}", DragSettings.fast(iterations=count), f"I = {count}, warm start")
        for count in (0, 2, 3)
    ),
    Method("sg-i2v", SGI2V(), "SG-I2V, adapted to streams"),
    Method("dragvideo", DragVideo(), "DragVideo, adapted to streams"),
    Method("cut_and_paste", CutAndPaste(), "cut-and-paste of latents, holes filled"),
    Method(
        "cut_and_paste_model",
        CutAndPaste(hole="model"),
        "cut-and-paste of latents, holes left to the model",
    ),
    Method("time_to_move", TimeToMove(), "Time-to-Move, adapted to streams"),
)
"""The rest of Figures 6 and 7 and of Tables 3 to 6, and what the paper compares with."""

ALL = (*ABLATIONS, *_VARIANTS)
"""Every method by name."""


def select(names: Sequence[str] | None = None) -> tuple[Method, ...]:
    """Some of `ALL` by name, in their own order; None: `ABLATIONS`."""
    if names is None:
        return ABLATIONS
    known = [method.name for method in ALL]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"unknown methods {unknown}; known are {known}")
    chosen = tuple(method for method in ALL if method.name in names)
    if not chosen:
        raise ValueError(f"no methods; known are {known}")
    return chosen


def resolved(method: Method, spec: ModelSpec) -> dict[str, Any] | None:
    """The constants that a method has on a model, for tables; None for no drag.

    "rate", the learning rate; "step", the denoising step from 0, and "sigma", its noise level;
    "layers".
    """
    if method.settings is None:
        return None
    settings = method.settings.resolve(spec)
    step = spec.denoising_step if settings.denoising_step is None else settings.denoising_step
    return {
        "rate": getattr(settings, "learning_rate", None),
        "step": step,
        "sigma": spec.sigmas[step],
        "layers": list(getattr(settings, "layers", None) or ()),
    }


def constants(
    steps: Sequence[int], rates: Sequence[float], layers: Sequence[Sequence[int]]
) -> tuple[Method, ...]:
    """No drag, and the paper's method with each combination of the constants a model decides."""
    found = [Method(BASELINE, None, "no drag")]
    for step, rate, taps in itertools.product(steps, rates, layers):
        settings = _cold(denoising_step=step, learning_rate=rate, layers=tuple(taps))
        title = f"step {step}, rate {rate:g}, layers {', '.join(map(str, taps))}"
        found.append(Method(title, settings, title))
    return tuple(found)
