"""The paper's ablations: the methods compared, the paper's figures, and the claims to test.

A study is a table of the paper: rows (methods), the paper's figures for them, and claims, which
are the orderings that the paper's figures show. `report` gives a verdict on each claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dragstream.revel.methods import BASELINE, FULL, Method, select


@dataclass(frozen=True)
class Measure:
    """A figure of `Result`."""

    name: str  # its field
    title: str  # its title in tables and plots, with its unit
    digits: int  # decimals in tables
    more: bool = False  # true if more is better


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("objmc", "ObjMC, px", 2),
        Measure("dai", "DAI", 4),
        Measure("drift", "drift in the drag", 3),
        Measure("clean_drift", "drift after it", 3),
        Measure("leak", "leak, levels", 2),
        Measure("seconds_per_block", "s a block", 2),
    )
}
"""Measures of the paper's tables; less is better in all of them."""

LOOKS = {
    measure.name: measure
    for measure in (
        Measure("epe", "EPE, px", 2),
        Measure("target_iou", "IoU at the target", 3, more=True),
        Measure("duplicates", "duplicates", 2),
        Measure("scraps", "scraps", 2),
        Measure("identity", "identity", 3, more=True),
        Measure("likeness_outside", "likeness outside", 3, more=True),
        Measure("lpips_outside", "LPIPS outside", 3),
    )
}
"""Measures that others print, see `Result` and `looks`."""


@dataclass(frozen=True)
class Row:
    """A method in a study."""

    method: str  # its name
    label: str  # its name in the table
    paper: Mapping[str, float] = field(default_factory=dict)  # the paper's figures, by name


@dataclass(frozen=True)
class Claim:
    """An ordering that the paper's figures show: one method does better than another."""

    better: str  # a method
    worse: str  # a method
    measure: str  # the measure; less is better
    factor: float | None = None  # ratio of the paper's figures, where it gives any
    why: str = ""  # a possible reason where a model shows the opposite


@dataclass(frozen=True)
class Study:
    """A table or figure of the paper."""

    name: str  # short, for command lines and files
    title: str  # for readers
    source: str  # its place in the paper
    rows: tuple[Row, ...]  # in the paper's order
    claims: tuple[Claim, ...]  # the orderings of its figures
    note: str  # differences from the paper, for the reader of a claim that fails


_STAND_IN = (
    "The paper's FVD needs thousands of clips and the network I3D; here drift (how far the "
    "latents' moments wander from those before) and leak (what changes where nothing should) "
    "say whether the video stays what it was."
)

_DEAF = (
    "The model takes little notice of its latents at the step where drags work. "
    'The command "constants" looks for a step, rate and layers that suit it.'
)
_SHORT = (
    "Rectification and focus hold the update back. Where drags are short and last a block or "
    "two, there is little for them to repair, and what they hold back is missed."
)
_SETTLED = (
    "Rectification acts on noisy latents; the denoising steps that follow may settle the clean "
    "ones' moments by themselves. What it repairs builds up over many dragged blocks."
)
_COARSE = (
    "Cycles per token reach 0.5 along an axis, and a small grid of tokens has few frequencies "
    "below the lowest cutoffs: they blur the object itself away, not only its details."
)
_CLOSE = (
    "The paper's figures differ by a few percent, which a few dozen cases can hardly tell apart."
)
_REACH = (
    "Without the Gaussian the update acts on the whole frame, which may move an object farther; "
    "leak shows what it costs."
)
_CONTAINED = (
    "The Gaussian keeps the update near the drag. Where features far away are alike with and "
    "without it, the gradient is small there anyway, and it has little to keep back."
)
_FAR = (
    "What cases keep lies outside a box around the drag, where the Gaussian lets little happen "
    "anyway, so the term has little to do."
)
_BUSY = "The machine did other things."
_HELD = "The baselines hold nothing back; drift and leak show what that costs over time."

_COMPONENTS = Study(
    name="components",
    title="What each part does",
    source="Figure 6",
    rows=(
        Row(BASELINE, "no drag"),
        Row("bare", "latent region optimisation alone"),
        Row("no_adsr", "without ADSR"),
        Row("no_sfs", "without SFS"),
        Row("no_css", "without CSS"),
        Row(FULL, "DragStream"),
    ),
    claims=(
        Claim(FULL, BASELINE, "objmc", why=_DEAF),
        Claim(FULL, "bare", "objmc", why=_SHORT),
        Claim(FULL, "bare", "drift", why=_SETTLED),
        Claim(FULL, "no_adsr", "drift", why=_SETTLED),
        Claim(FULL, "no_sfs", "objmc", why=_COARSE),
        Claim(FULL, "no_css", "leak", why=_CONTAINED),
    ),
    note="Figure 6 shows frames, no figures. " + _STAND_IN,
)

_CUTOFFS = Study(
    name="cutoffs",
    title="Fixed and switching cutoffs of the references' features",
    source="Figure 7 and Table 6",
    rows=(
        Row("cutoff=0.2", "ω = 0.2 always"),
        Row("cutoff=0.4", "ω = 0.4 always"),
        Row("cutoff=0.6", "ω = 0.6 always"),
        Row("no_sfs", "ω = 1 always"),
        Row(FULL, "ω drawn from the model's cutoffs"),
        Row("switching", "ω drawn from 0.2, 0.4, 0.6, 1"),
        Row("range=0.2-1", "ω drawn from 0.2 to 1"),
        Row("range=0.4-1", "ω drawn from 0.4 to 1"),
    ),
    claims=(
        Claim("switching", "cutoff=0.2", "objmc", why=_CLOSE),
        Claim("switching", "no_sfs", "objmc", why=_COARSE),
        Claim("range=0.2-1", "no_sfs", "objmc", why=_COARSE),
        Claim("range=0.4-1", "no_sfs", "objmc", why=_COARSE),
    ),
    note=(
        "Figure 7 shows frames; Table 6 finds continuous ranges as good as the four cutoffs. A "
        "range is drawn from in steps of 0.01."
    ),
)

_ITERATIONS = Study(
    name="iterations",
    title="Iterations, and what they cost",
    source="Table 1",
    rows=(
        Row(BASELINE, "I = 0", {"s a frame": 0.17, "ObjMC": 90.39, "DAI": 0.133}),
        Row("I=2", "I = 2", {"s a frame": 0.24, "ObjMC": 27.67, "DAI": 0.054}),
        Row("I=3", "I = 3", {"s a frame": 0.27, "ObjMC": 24.55, "DAI": 0.053}),
        Row(FULL, "I = 4", {"s a frame": 0.30, "ObjMC": 23.05, "DAI": 0.051}),
    ),
    claims=(
        Claim(FULL, BASELINE, "objmc", 90.39 / 23.05, _DEAF),
        Claim(FULL, BASELINE, "dai", 0.133 / 0.051, _DEAF),
        Claim("I=2", BASELINE, "objmc", 90.39 / 27.67, _DEAF),
        Claim("I=3", "I=2", "objmc", 27.67 / 24.55, _CLOSE),
        Claim(FULL, "I=3", "objmc", 24.55 / 23.05, _CLOSE),
        Claim("I=2", BASELINE, "dai", 0.133 / 0.054, _DEAF),
        Claim("I=3", "I=2", "dai", 0.054 / 0.053, _CLOSE),
        Claim(FULL, "I=3", "dai", 0.053 / 0.051, _CLOSE),
        Claim(BASELINE, FULL, "seconds_per_block", 0.30 / 0.17, _BUSY),
        Claim(BASELINE, "I=2", "seconds_per_block", 0.24 / 0.17, _BUSY),
        Claim("I=2", "I=3", "seconds_per_block", 0.27 / 0.24, _BUSY),
        Claim("I=3", FULL, "seconds_per_block", 0.30 / 0.27, _BUSY),
    ),
    note="The paper's times are those of an H20 GPU at 832x480.",
)

_LOSS = Study(
    name="loss",
    title="The two terms of the loss",
    source="Table 3",
    rows=(
        Row(FULL, "L_rec and L_cst", {"ObjMC": 23.05, "FVD": 552}),
        Row("no_cst", "without L_cst", {"ObjMC": 20.87, "FVD": 949}),
        Row(BASELINE, "without L_rec", {"ObjMC": 90.39, "FVD": 302}),
    ),
    claims=(
        Claim("no_cst", FULL, "objmc", 23.05 / 20.87, _FAR),
        Claim(FULL, "no_cst", "leak", why=_FAR),
        Claim(FULL, BASELINE, "objmc", 90.39 / 23.05, _DEAF),
    ),
    note=(
        "Without L_rec the loss is 0 from the start, and so is its gradient: that row is the "
        "video without a drag, here as in the paper. L_cst acts where a case says what to keep. "
        + _STAND_IN
    ),
)

_NEIGHBOURS = Study(
    name="neighbours",
    title="How many neighbours rectification looks at",
    source="Table 4",
    rows=(
        Row("no_adsr", "L_n = 0", {"ObjMC": 45.09, "FVD": 609}),
        Row("L_n=3", "L_n = 3", {"ObjMC": 25.88, "FVD": 570}),
        Row(FULL, "L_n = 9", {"ObjMC": 23.05, "FVD": 552}),
        Row("L_n=18", "L_n = 18", {"ObjMC": 24.37, "FVD": 554}),
    ),
    claims=(
        Claim(FULL, "no_adsr", "objmc", 45.09 / 23.05, _SHORT),
        Claim(FULL, "no_adsr", "drift", why=_SETTLED),
        Claim("L_n=3", "no_adsr", "objmc", 45.09 / 25.88, _SHORT),
        Claim("L_n=18", "L_n=3", "objmc", 25.88 / 24.37, _CLOSE),
        Claim(FULL, "L_n=3", "objmc", 25.88 / 23.05, _CLOSE),
        Claim(FULL, "L_n=18", "objmc", 24.37 / 23.05, _CLOSE),
    ),
    note=(
        "No neighbours means no rectification, and 18 are all that these streams have before "
        "the drag. " + _STAND_IN
    ),
)

_FOCUS = Study(
    name="focus",
    title="The width of the Gaussian on the update",
    source="Table 5",
    rows=(
        Row("no_css", "no CSS", {"ObjMC": 26.12}),
        Row("alpha=2", "α = 2", {"ObjMC": 24.70}),
        Row("alpha=1.5", "α = 1.5", {"ObjMC": 23.50}),
        Row(FULL, "α = 1", {"ObjMC": 23.65}),
        Row("alpha=0.5", "α = 0.5", {"ObjMC": 24.52}),
    ),
    claims=(
        Claim(FULL, "no_css", "objmc", 26.12 / 23.65, _REACH),
        Claim(FULL, "no_css", "leak", why=_CONTAINED),
        Claim("alpha=2", "no_css", "objmc", 26.12 / 24.70, _REACH),
        Claim("alpha=0.5", "alpha=2", "objmc", 24.70 / 24.52, _CLOSE),
        Claim(FULL, "alpha=2", "objmc", 24.70 / 23.65, _CLOSE),
        Claim(FULL, "alpha=0.5", "objmc", 24.52 / 23.65, _CLOSE),
        Claim("alpha=1.5", FULL, "objmc", 23.65 / 23.50, _CLOSE),
    ),
    note=("The paper's α = 1 stands at 23.65 in Table 5 and at 23.05 elsewhere. " + _STAND_IN),
)

_BASELINES = Study(
    name="baselines",
    title="Beside other training-free methods",
    source="Figure 5",
    rows=(
        Row(BASELINE, "no drag"),
        Row("sg-i2v", "SG-I2V, adapted"),
        Row("dragvideo", "DragVideo, adapted"),
        Row("released", "DragStream, the released settings at their rate of 0.02"),
        Row(FULL, "DragStream, as it suits the model"),
    ),
    claims=(
        Claim(FULL, "sg-i2v", "objmc", why=_HELD),
        Claim(FULL, "dragvideo", "objmc", why=_HELD),
        Claim(FULL, "sg-i2v", "drift", why=_SETTLED),
        Claim(FULL, "dragvideo", "drift", why=_SETTLED),
    ),
    note=(
        "Both were made for whole clips of image-to-video models; they are adapted to streams as "
        "the paper does, without rectification, frequency selection or focus."
    ),
)

_RIVALS = Study(
    name="rivals",
    title="Beside methods without a gradient, and from a warm start",
    source="not in the paper",
    rows=(
        Row(BASELINE, "no drag"),
        Row("cut_and_paste", "cut-and-paste"),
        Row("cut_and_paste_model", "cut-and-paste, the model fills the hole"),
        Row("time_to_move", "Time-to-Move, adapted"),
        Row("warm_I=0", "the warm start alone"),
        Row("fast", "a warm start, I = 1"),
        Row("warm_I=2", "a warm start, I = 2"),
        Row("default", "a warm start, I = 4: the default settings"),
        Row(FULL, "DragStream"),
    ),
    claims=(),
    note=(
        "A warm start carries the object to its target once, and iterations improve it; the others "
        "hold it there during several denoising steps and fill the place that it leaves. Drift in "
        "the drag is that of the drag's own denoising step."
    ),
)

STUDIES = {
    study.name: study
    for study in (
        _COMPONENTS,
        _CUTOFFS,
        _ITERATIONS,
        _LOSS,
        _NEIGHBOURS,
        _FOCUS,
        _BASELINES,
        _RIVALS,
    )
}
"""By name, in the order of reports."""


def study_methods(names: Sequence[str] | None = None) -> tuple[Method, ...]:
    """The methods of some studies, each once; None: of all.

    Raises:
        ValueError: an unknown study.
    """
    unknown = [name for name in names or () if name not in STUDIES]
    if unknown:
        raise ValueError(f"unknown studies {unknown}; there are {list(STUDIES)}")
    studies = [STUDIES[name] for name in STUDIES if names is None or name in names]
    return select([row.method for study in studies for row in study.rows])
