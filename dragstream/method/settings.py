"""Every constant of the method in one frozen value: `DragSettings`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

from dragstream.drags.checks import (
    at_most,
    fraction,
    not_negative,
    positive,
    sequence,
    short,
    switch,
    whole,
)
from dragstream.drags.own import read, write
from dragstream.method.focus import Focus
from dragstream.method.frequency import LowPass
from dragstream.method.loss import Constraint, Loss
from dragstream.method.parts import (
    DifferenceLoss,
    FrequencyView,
    RectificationMethod,
    fulfilled,
)
from dragstream.method.rectification import Rectification
from dragstream.models.base import PAPER_CUTOFFS

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from dragstream.method.optimization import Optimization
    from dragstream.method.pulls import Pull
    from dragstream.models.base import ModelSpec, VideoModel


class Suited(Enum):
    """Stands for what suits the model in a field where None switches a part off."""

    SUITED = "suited"


_TO_SUIT = {"cutoffs": Suited.SUITED, "upsampling": None, "prediction_weight": None}
"""What `DragSettings.suited` leaves to the model, beside what `paper` leaves to it."""

MOST_SEGMENTS = 1000
"""A drag is split into no more segments than that: more would take hours."""


@dataclass(frozen=True, repr=False)
class DragSettings:
    """How a drag is carried out. Without arguments: as the paper does it, whatever the model.

    Drags without settings are carried out as `DragSettings.suited()` says.

    Each part can be switched off by itself: `cutoffs=None` (no frequency selection),
    `rectification=None`, `focus=None`, `constraint=None`. A plain number stands for a part's
    main constant: `rectification=3` for `Rectification(neighbours=3)`, `focus=1.5` for
    `Focus(alpha=1.5)`, `constraint=0.5` for `Constraint(weight=0.5)`.

    Args:
        iterations: Optimisation steps per segment (the paper's I); 0 leaves the latents alone.
        learning_rate: Of AdamW. None: what suits the model.
        denoising_step: At which denoising step to optimise, counted from 0. None: what suits the
            model.
        layers: Which layers' self-attention outputs are the features, counted from 0. None: what
            suits the model.
        cutoffs: Low-pass cutoffs in cycles per token, in (0, 1]; each iteration draws one for the
            reference features (Eq. 5-8). Nyquist is 0.5; 1 is unfiltered. `Suited.SUITED`: those
            that suit the model.
        filter_order: Order of the Butterworth filter.
        views: What of the reference features is let through, one drawn in each iteration, in
            place of the low-passes of `cutoffs`: any `FrequencyView`. None: those low-passes.
        rectification: What ADSR (Eq. 4) brings the latents back to, or another
            `RectificationMethod`.
        focus: The Gaussian on the update (Eq. 10). Without it all latents of the block move.
        loss: `Loss.L1` or `Loss.MSE`, or their names, or another `DifferenceLoss`.
        constraint: How the region to keep is held (second term of Eq. 3).
        segment_pixels: Drags longer than this are carried out in several segments, each with
            `iterations` steps of its own. None: in one go.
        segment_degrees: The same for rotations.
        weight_decay: Of AdamW.
        fresh_optimizer: A new AdamW in each iteration, so that each step is about
            `learning_rate * sign(gradient)`.
        gradient_clip: Largest norm of the gradient. None: not clipped.
        upsampling: Features are compared at this many cells per token along each axis. None:
            what suits the model.
        prediction_weight: How much clean predictions x0 count beside features in the first term of
            the loss (Eq. 3), each as a mean over channels; 0: features only, as in the paper. None:
            what suits the model. Above 0, all layers run.
        nearest_masks: Masks are brought to the features' size by nearest pixels, not by area.
        prediction_blocks: Clean predictions x0 take on the statistics of this many preceding
            blocks at each denoising step; 0 leaves them alone.
        window: Latent frames that the block and its references look at in the iterations, the
            model's sink and their own among them; the denoising steps see all that the model
            remembers. None: the same there as here.

    Raises:
        TypeError: A value of the wrong kind.
        ValueError: A value out of bounds, naming it and what is allowed.
    """

    iterations: int = 4
    learning_rate: float | None = None
    denoising_step: int | None = None
    layers: tuple[int, ...] | None = None
    cutoffs: tuple[float, ...] | Suited | None = PAPER_CUTOFFS
    filter_order: int = 4
    views: tuple[FrequencyView, ...] | None = None
    rectification: RectificationMethod | None = field(default_factory=Rectification)
    focus: Focus | None = field(default_factory=Focus)
    loss: DifferenceLoss = Loss.L1
    constraint: Constraint | None = field(default_factory=Constraint)
    segment_pixels: float | None = None
    segment_degrees: float | None = None
    weight_decay: float = 0.01
    fresh_optimizer: bool = False
    gradient_clip: float | None = None
    upsampling: int | None = 1
    prediction_weight: float | None = 0.0
    nearest_masks: bool = False
    prediction_blocks: int = 0
    window: int | None = None

    def __post_init__(self) -> None:
        for name, value in _checked(self).items():
            object.__setattr__(self, name, value)

    @classmethod
    def paper(cls, **overrides: Any) -> Self:
        """The constants of the paper (Sections 4.2 and C.1), with some fields replaced.

        Raises:
            TypeError: A field that does not exist.
        """
        return cls(**overrides)

    @classmethod
    def suited(cls, **overrides: Any) -> Self:
        """The paper's constants as they suit the model, with some fields replaced.

        What drags without settings are carried out with. It differs from `paper` on models whose
        tokens are coarser, for what they show, than those of the paper's: there cutoffs,
        upsampling and the weight of predictions come from the model's spec, too.

        Raises:
            TypeError: A field that does not exist.
        """
        return cls(**{**_TO_SUIT, **overrides})

    @classmethod
    def released(cls, **overrides: Any) -> Self:
        """What the authors' released code does differently, with some fields replaced.

        Raises:
            TypeError: A field that does not exist.
        """
        preset: dict[str, Any] = {
            "iterations": 5,
            "learning_rate": 0.02,
            "rectification": Rectification(neighbours=0, per_frame=True, then_whole=True),
            "focus": Focus(alpha=1.5, padding=1.5, on_gradient=True),
            "loss": Loss.MSE,
            "constraint": Constraint(predictions=True, spare_handles=True),
            "segment_pixels": 16.0,
            "segment_degrees": 8.0,
            "fresh_optimizer": True,
            "gradient_clip": 1.0,
            "upsampling": 2,
            "nearest_masks": True,
            "prediction_blocks": 2,
        }
        return cls(**{**preset, **overrides})

    @property
    def neighbours(self) -> int:
        """How many preceding latent frames to hand to the optimisation.

        With rectification off, or against the block itself, this is the paper's number, so that
        the drift of different settings can be compared.
        """
        default = Rectification().neighbours
        return (self.rectification.neighbours or default) if self.rectification else default

    @property
    def low_passes(self) -> tuple[FrequencyView, ...]:
        """The filters to draw from; one that filters nothing where there is no selection.

        Raises:
            ValueError: Cutoffs that only a model can tell; see `resolve`.
        """
        if self.views is not None:
            return self.views
        if self.cutoffs is Suited.SUITED:
            raise ValueError("cutoffs are the model's, and known once resolve(spec) was called")
        return tuple(LowPass(cutoff, self.filter_order) for cutoff in self.cutoffs or (1.0,))

    @property
    def cells(self) -> int:
        """Along each axis of a token, how many cells are compared."""
        return self.upsampling or 1

    def resolve(self, spec: ModelSpec) -> Self:
        """These settings with what suits the model in place of None and `Suited`.

        Raises:
            ValueError: Layers or a denoising step that the model lacks.
        """
        step = spec.denoising_step if self.denoising_step is None else self.denoising_step
        layers = spec.layers if self.layers is None else self.layers
        lacking = [layer for layer in layers if layer >= spec.num_layers]
        if lacking:
            raise ValueError(
                f"layers {lacking} are not in {spec.name!r}, which has layers 0 to "
                f"{spec.num_layers - 1}; got layers={layers}"
            )
        if step >= len(spec.sigmas):
            raise ValueError(
                f"denoising_step must be one of the {len(spec.sigmas)} steps of {spec.name!r}, "
                f"0 to {len(spec.sigmas) - 1}, got {step}"
            )
        weight = self.prediction_weight
        rate = spec.learning_rate if self.learning_rate is None else self.learning_rate
        return dataclasses.replace(
            self,
            learning_rate=rate,
            denoising_step=step,
            layers=tuple(layers),
            cutoffs=spec.cutoffs if isinstance(self.cutoffs, Suited) else self.cutoffs,
            upsampling=self.upsampling or spec.upsampling,
            prediction_weight=spec.prediction_weight if weight is None else weight,
        )

    def segments(self, pixels: float, degrees: float) -> int:
        """Into how many segments a motion of that length is split, at least 1.

        Raises:
            ValueError: Into more than `MOST_SEGMENTS`.
        """
        count = 1
        for name, length in (("segment_pixels", pixels), ("segment_degrees", degrees)):
            limit: float | None = getattr(self, name)
            if limit is None:
                continue
            # 16.000000001 px along a spline are still one segment of 16
            wanted = (abs(length) - 1e-6) / limit
            if wanted > MOST_SEGMENTS:
                raise ValueError(
                    f"{name} must split a drag into at most {MOST_SEGMENTS} segments, "
                    f"got {limit!r} for one of {abs(length):.1f}"
                )
            count = max(count, math.ceil(wanted))
        return count

    def optimization(
        self,
        model: VideoModel,
        latents: torch.Tensor,
        context: Any,
        pulls: Sequence[Pull],
        *,
        keep: NDArray[np.bool_] | None = None,
        neighbours: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Optimization:
        """The iterations that drag one block; see `Optimization` for arguments and errors."""
        from dragstream.method.optimization import Optimization

        return Optimization(
            model,
            latents,
            context,
            pulls,
            settings=self,
            keep=keep,
            neighbours=neighbours,
            generator=generator,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, for archives."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name, value in data.items():
            if isinstance(value, Loss | Suited):
                data[name] = value.value
            elif name == "views":
                data[name] = value and [write(view, name) for view in value]
            elif name == "loss" or (name in _PARTS and not isinstance(value, _PARTS[name][0])):
                data[name] = None if value is None else write(value, name)
            elif dataclasses.is_dataclass(value) and not isinstance(value, type):
                data[name] = dataclasses.asdict(value)
            elif isinstance(value, tuple):
                data[name] = list(value)
        return data

    @classmethod
    def from_json(cls, data: object, parts: Sequence[Any] = ()) -> Self:
        """The inverse of `to_json`; fields that are missing take their defaults.

        Args:
            data: What `to_json` gave.
            parts: Classes and functions of one's own that it may name (`dragstream.method.parts`).

        Raises:
            TypeError: Not a dictionary, or values of the wrong kind.
            ValueError: Unknown fields, or values out of bounds.
        """
        values = read_fields(cls, data, "settings")
        own = ("rectification", "loss")
        for name in own:
            if isinstance(values.get(name), dict) and "class" in values[name]:
                values[name] = read(values[name], parts, name)
        if isinstance(values.get("views"), list):
            values["views"] = [read(view, (LowPass, *parts), "views") for view in values["views"]]
        for name, (kind, _) in _PARTS.items():
            if isinstance(values.get(name), dict):
                values[name] = kind(**read_fields(kind, values[name], name))
        return cls(**values)

    def __repr__(self) -> str:
        """The fields that differ from those of a preset, as one would write them."""
        suited = isinstance(self.cutoffs, Suited)
        name, preset = ("suited", _SUITED) if suited else ("paper", _PAPER)
        changed = [
            f"{item.name}={getattr(self, item.name)!r}"
            for item in dataclasses.fields(self)
            if getattr(self, item.name) != getattr(preset, item.name)
        ]
        return f"DragSettings.{name}({', '.join(changed)})"


_PARTS: dict[str, tuple[type[Any], str]] = {
    "rectification": (Rectification, "neighbours"),
    "focus": (Focus, "alpha"),
    "constraint": (Constraint, "weight"),
}
"""The fields that are values of their own, and the constant that a plain number stands for."""


_MOST = {
    "iterations": 10_000,
    "learning_rate": 1e38,  # what float32 holds
    "denoising_step": 10_000,
    "layers": 1000,
    "cutoffs": 1000,
    "filter_order": 100,
    "views": 1000,
    "segment_pixels": 1e6,
    "segment_degrees": 1e6,
    "weight_decay": 1e6,
    "upsampling": 16,
    "prediction_weight": 1e6,
    "prediction_blocks": 10_000,
    "window": 1_000_000,
}
"""The largest numbers and the longest lists that anybody could mean."""


def _checked(settings: DragSettings) -> dict[str, Any]:
    """The fields of `settings`, checked and in their canonical types."""
    for name, most in _MOST.items():
        at_most(getattr(settings, name), most, name)
    checked: dict[str, Any] = {name: _part(name, getattr(settings, name)) for name in _PARTS}
    for name, least in (
        ("iterations", 0),
        ("filter_order", 1),
        ("prediction_blocks", 0),
    ):
        checked[name] = whole(getattr(settings, name), name, least=least)
    for name in ("learning_rate", "segment_pixels", "segment_degrees", "gradient_clip"):
        value = getattr(settings, name)
        checked[name] = None if value is None else positive(value, name)
    for name in ("fresh_optimizer", "nearest_masks"):
        checked[name] = switch(getattr(settings, name), name)
    step = settings.denoising_step
    checked["denoising_step"] = None if step is None else whole(step, "denoising_step", least=0)
    cells = settings.upsampling
    checked["upsampling"] = None if cells is None else whole(cells, "upsampling", least=1)
    width = settings.window
    checked["window"] = None if width is None else whole(width, "window", least=1)
    weight = settings.prediction_weight
    checked["prediction_weight"] = (
        None if weight is None else not_negative(weight, "prediction_weight")
    )
    checked["layers"] = _layers(settings.layers)
    checked["cutoffs"] = _cutoffs(settings.cutoffs)
    checked["views"] = _views(settings.views)
    checked["loss"] = Loss.of(settings.loss)
    checked["weight_decay"] = not_negative(settings.weight_decay, "weight_decay")
    return checked


def _part(name: str, value: object) -> Any:
    """A part as given, or made from its main constant."""
    kind, constant = _PARTS[name]
    if value is None or isinstance(value, kind):
        return value
    if name == "rectification" and hasattr(value, "prepare"):
        rectification = fulfilled(value, RectificationMethod, name)
        whole(rectification.neighbours, "rectification.neighbours", least=0)
        return rectification
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a {kind.__name__}, a number (its {constant}) or None, "
            f"got {short(value)}"
        )
    return kind(**{constant: value})


def _layers(value: object) -> tuple[int, ...] | None:
    if value is None:
        return None
    layers = tuple(whole(layer, "layers", least=0) for layer in sequence(value, "layers", "layers"))
    if len(set(layers)) != len(layers):
        raise ValueError(f"layers must differ from one another, got {short(layers)}")
    return layers


def _cutoffs(value: object) -> tuple[float, ...] | Suited | None:
    if value is None or isinstance(value, Suited):
        return value
    if isinstance(value, str) and value == Suited.SUITED.value:  # as documents have it
        return Suited.SUITED
    cutoffs = sequence(value, "cutoffs", "numbers in (0, 1]")
    return tuple(fraction(cutoff, "cutoffs") for cutoff in cutoffs)


def _views(value: object) -> tuple[FrequencyView, ...] | None:
    if value is None:
        return None
    views = tuple(
        fulfilled(view, FrequencyView, f"views[{place}]")
        for place, view in enumerate(sequence(value, "views", "FrequencyView objects"))
    )
    for place, view in enumerate(views):
        fraction(view.cutoff, f"views[{place}].cutoff")
        switch(view.is_identity, f"views[{place}].is_identity")
    return views


def read_fields(kind: type[Any], data: object, name: str) -> dict[str, Any]:
    """The fields of a dataclass `kind` in a document.

    Raises:
        TypeError: Not a dictionary.
        ValueError: Unknown fields.
    """
    known = [item.name for item in dataclasses.fields(kind)]
    if not isinstance(data, dict):
        raise TypeError(f"{name} must be a dictionary of fields, got {short(data)}")
    unknown = sorted(str(key) for key in data if key not in known)
    if unknown:
        raise ValueError(f"unknown fields {short(unknown)} in {name}; known are {known}")
    return dict(data)


_PAPER = DragSettings()
_SUITED = DragSettings.suited()
