"""The constants of the method, in one frozen dataclass: `DragSettings`."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from dragstream.method.focus import Focus
from dragstream.method.frequency import LowPass
from dragstream.method.loss import Constraint, Loss
from dragstream.method.parts import DifferenceLoss, FrequencyView, RectificationMethod
from dragstream.method.rectification import Rectification
from dragstream.method.settings_fields import PARTS, Off, checked, from_plain, to_plain
from dragstream.models.base import PAPER_CUTOFFS, ModelSpec

__all__ = ["MOST_SEGMENTS", "DragSettings", "Off"]

_PAPER: dict[str, Any] = {
    "cutoffs": PAPER_CUTOFFS,
    "upsampling": 1,
    "prediction_weight": 0.0,
    "warm_start": False,
}
"""The fields that `DragSettings.paper` fixes; otherwise the model provides their defaults."""

MOST_SEGMENTS = 1000
"""Largest number of segments of a drag; more would take hours."""


@dataclass(frozen=True, repr=False)
class DragSettings:
    """Settings of the drag optimisation; `DragSettings()` is the default of every drag.

    A field that is None takes the model's default. False switches a part of the method off:
    `cutoffs=False` (no frequency selection), `rectification=False`, `focus=False`,
    `constraint=False`. A plain number sets a part's main constant: `rectification=3` is
    `Rectification(neighbours=3)`, `focus=1.5` is `Focus(alpha=1.5)`, `constraint=0.5` is
    `Constraint(weight=0.5)`.

    Args:
        iterations: Optimisation steps per segment (the paper's I); 0 leaves the latents as they
            are, unless `warm_start` is True.
        learning_rate: Learning rate of AdamW. None: the model's.
        denoising_step: Index of the denoising step to optimise at, from 0. None: the model's.
        layers: Indices of the layers whose self-attention outputs are the features, from 0. None:
            the model's.
        cutoffs: Low-pass cutoffs in cycles per token, in (0, 1]; each iteration draws one for the
            reference features (Eq. 5-8). Nyquist is 0.5; 1 is unfiltered. None: the
            model's. False: no filter.
        filter_order: Order of the Butterworth filter.
        views: Filters of the reference features in place of the low-passes of `cutoffs`, of which
            each iteration draws one: any `FrequencyView`. None: those low-passes.
        rectification: ADSR (Eq. 4), the normalisation of the latents after each iteration, or
            another `RectificationMethod`. None: `Rectification()`. False: off.
        focus: The Gaussian on the update (Eq. 10). None: `Focus()`. False: the update changes all
            latents of the block.
        loss: `Loss.L1` or `Loss.MSE`, or their names, or another `DifferenceLoss`.
        constraint: Penalty on changes of the region to keep (second term of Eq. 3). None:
            `Constraint()`. False: no penalty.
        segment_pixels: Length of a segment: a block whose farthest target is n times this distance
            from the start of the drag (rounded down, at least 1) is dragged in n segments of
            `iterations` steps each; the target of segment k is at k/n of the displacement. None:
            one segment.
        segment_degrees: The same for rotations.
        weight_decay: Weight decay of AdamW.
        epsilon: Epsilon of AdamW. The loss is a mean, so gradients are small, and torch's 1e-8
            would shorten the smallest steps.
        fresh_optimizer: Use a new AdamW in each iteration, so that each step is about
            `learning_rate * sign(gradient)`.
        gradient_clip: Largest norm of the gradient. None: not clipped.
        upsampling: Cells per token along each axis at which features are compared. None: the
            model's.
        prediction_weight: Weight of clean predictions x0 beside features in the first term of the
            loss (Eq. 3), each as a mean over channels; 0: features only, as in the paper. None:
            the model's. Above 0, all layers run.
        nearest_masks: Warp and resize masks by nearest pixels, instead of by area.
        nearest_features: Upsample features with aligned corners and sample them at nearest cells
            with zero padding, instead of bilinearly between cell centres.
        prediction_blocks: Number of preceding blocks whose joint mean and standard deviation with
            the prediction the clean predictions x0 of the dragged block are normalised to, at each
            denoising step; see `rectification.normalise_prediction`. 0: no normalisation. For
            blocks without a drag, set `Stream(prediction_blocks=...)`.
        warm_start: Begin with the dragged objects already at their targets, and their places before
            filled, see `dragstream.method.warm_start`; at the drag's own step the prediction keeps
            them there. Takes one more pass. Not part of the paper. A drag then has one segment.
            None: the model's, but False without iterations or with a segment length.
        window: Latent frames that the block and its references attend to in the iterations,
            including the model's sink and their own; the denoising steps use the model's whole
            context. None: the whole context in both.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of bounds; the message names the field and the bounds.
    """

    iterations: int = 4
    learning_rate: float | None = None
    denoising_step: int | None = None
    layers: tuple[int, ...] | None = None
    cutoffs: tuple[float, ...] | Off | None = None
    filter_order: int = 4
    views: tuple[FrequencyView, ...] | None = None
    rectification: RectificationMethod | Off = field(default_factory=Rectification)
    focus: Focus | Off = field(default_factory=Focus)
    loss: DifferenceLoss = Loss.L1
    constraint: Constraint | Off = field(default_factory=Constraint)
    segment_pixels: float | None = None
    segment_degrees: float | None = None
    weight_decay: float = 0.01
    epsilon: float = 1e-12
    fresh_optimizer: bool = False
    gradient_clip: float | None = None
    upsampling: int | None = None
    prediction_weight: float | None = None
    nearest_masks: bool = False
    nearest_features: bool = False
    prediction_blocks: int = 0
    warm_start: bool | None = None
    window: int | None = None

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name, value in checked(given).items():
            object.__setattr__(self, name, value)

    @classmethod
    def paper(cls, **overrides: Any) -> Self:
        """Return the constants of the paper (Sections 4.2 and C.1), with some fields replaced.

        They differ from `DragSettings()` on models whose tokens are coarser, relative to the
        content, than those of the paper's models: `DragSettings()` takes cutoffs, upsampling, the
        weight of predictions and the warm start from the model. Both take learning rate, denoising
        step and layers from the model.

        Raises:
            TypeError: A field that does not exist.
        """
        return cls(**{**_PAPER, **overrides})

    @classmethod
    def fast(cls, **overrides: Any) -> Self:
        """Return settings that drag in less time, with some fields replaced.

        One iteration in place of four, from a warm start on every model; see the page of results.

        Raises:
            TypeError: A field that does not exist.
        """
        return cls(**{"iterations": 1, "warm_start": True, **overrides})

    @classmethod
    def suited(cls, **overrides: Any) -> Self:
        """Deprecated name of `DragSettings(...)` before 0.2, where None switched a part off.

        Scripts that `Stream.to_code` wrote before 0.2 call it. It will be removed in 0.3.

        Raises:
            TypeError: A field that does not exist.
        """
        warnings.warn(
            "DragSettings.suited(...) is DragSettings(...) now; False switches a part off",
            DeprecationWarning,
            stacklevel=2,
        )
        off = {name: False for name in (*PARTS, "cutoffs") if overrides.get(name, 0) is None}
        return cls(**overrides | off)

    @classmethod
    def released(cls, **overrides: Any) -> Self:
        """Return the settings of the authors' released code, with some fields replaced.

        Each iteration changes a block as in that code. One difference is outside the dragged
        blocks: the release normalises the predictions of every block from the third on, and these
        settings only those of dragged blocks. To normalise the blocks without a drag as well, as
        in the release, create the stream with `Stream(..., prediction_blocks=2)`.

        Raises:
            TypeError: A field that does not exist.
        """
        preset = _PAPER | {
            "iterations": 5,
            "learning_rate": 0.02,
            "rectification": Rectification(neighbours=0, per_frame=True, then_whole=True),
            "focus": Focus(
                alpha=1.5, padding=2.5, on_gradient=True, on_pixels=True, across_frames=True
            ),
            "loss": Loss.MSE,
            "constraint": Constraint(predictions=True, spare_targets=True, per_element=True),
            "segment_pixels": 16.0,
            "segment_degrees": 8.0,
            "epsilon": 1e-8,
            "fresh_optimizer": True,
            "gradient_clip": 1.0,
            "upsampling": 2,
            "nearest_masks": True,
            "nearest_features": True,
            "prediction_blocks": 2,
        }
        return cls(**{**preset, **overrides})

    @property
    def neighbours(self) -> int:
        """Number of preceding latent frames that the optimisation needs.

        With rectification off, or relative to the block itself, this is the paper's number, so that
        the drift of different settings can be compared.
        """
        default = Rectification().neighbours
        return (self.rectification.neighbours or default) if self.rectification else default

    @property
    def low_passes(self) -> tuple[FrequencyView, ...]:
        """The filters to draw from; a single identity filter without frequency selection."""
        if self.views is not None:
            return self.views
        if self.cutoffs is None:
            raise ValueError("cutoffs are the model's, and known once resolve(spec) was called")
        return tuple(LowPass(cutoff, self.filter_order) for cutoff in self.cutoffs or (1.0,))

    @property
    def cells(self) -> int:
        """Cells per token along each axis at which features are compared."""
        return self.upsampling or 1

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with the model's defaults in place of None.

        A ValueError names layers or a denoising step that the model lacks.
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
            cutoffs=(spec.cutoffs or False) if self.cutoffs is None else self.cutoffs,
            upsampling=self.upsampling or spec.upsampling,
            prediction_weight=spec.prediction_weight if weight is None else weight,
            warm_start=self._warm_on(spec),
        )

    def _warm_on(self, spec: ModelSpec) -> bool:
        if self.warm_start is not None:
            return self.warm_start
        segmented = self.segment_pixels is not None or self.segment_degrees is not None
        return spec.warm_start and self.iterations > 0 and not segmented

    def segments(self, pixels: float, degrees: float) -> int:
        """Compute the number of segments of a drag with this displacement, at least 1."""
        count = 1
        for name, length in (("segment_pixels", pixels), ("segment_degrees", degrees)):
            limit: float | None = getattr(self, name)
            if limit is None:
                continue
            wanted = abs(length) / limit + 1e-6  # 31.999999999 px on a spline are two of 16
            if wanted > MOST_SEGMENTS:
                raise ValueError(
                    f"{name} must split a drag into at most {MOST_SEGMENTS} segments, "
                    f"got {limit!r} for one of {abs(length):.1f}"
                )
            count = max(count, math.floor(wanted))
        return count

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain values, for archives."""
        return to_plain(self)

    @classmethod
    def from_json(cls, data: object, parts: Sequence[Any] = ()) -> Self:
        """Read settings from the result of `to_json`; missing fields take their defaults.

        Args:
            data: The result of `to_json`.
            parts: Custom classes and functions that it may name (`dragstream.method.parts`).

        Raises:
            TypeError: Not a dictionary, or values of the wrong type.
            ValueError: Unknown fields, or values out of bounds.
        """
        return cls(**from_plain(cls, data, parts))

    def nearest_preset(self, spec: ModelSpec | None = None) -> tuple[str, Self]:
        """The preset with the fewest other fields, resolved for a model, and its name as code."""
        presets = {
            "": type(self)(),
            ".fast": self.fast(),
            ".paper": self.paper(),
            ".released": self.released(),
        }
        if spec is not None:
            presets = {name: preset.resolve(spec) for name, preset in presets.items()}
        return min(presets.items(), key=lambda item: len(self._changes(item[1])))

    def _changes(self, other: DragSettings) -> dict[str, Any]:
        """The fields that differ from those of other settings."""
        values = ((item.name, getattr(self, item.name)) for item in dataclasses.fields(self))
        return {name: value for name, value in values if value != getattr(other, name)}

    def __repr__(self) -> str:
        """Return the nearest preset with the fields that differ from it, as Python code."""
        name, preset = self.nearest_preset()
        changed = (f"{field}={value!r}" for field, value in self._changes(preset).items())
        return f"DragSettings{name}({', '.join(changed)})"
