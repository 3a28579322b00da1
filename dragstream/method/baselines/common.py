"""Base classes of the baselines: of their constants, and of the optimisers among them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor

from dragstream.method.features import MapReader, References
from dragstream.method.frequency import LowPass
from dragstream.method.optimizer import AdamW, DragOptimizer
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings
from dragstream.models.base import ModelSpec

_UNFILTERED = LowPass(1.0)
"""Identity filter for reference features: the baselines have no frequency selection."""

_SHARED = (
    "iterations",
    "learning_rate",
    "denoising_step",
    "layers",
    "upsampling",
    "weight_decay",
)
"""Constants with the same meaning as in `DragSettings`, which also checks them."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Base class of a baseline's constants."""

    @property
    def neighbours(self) -> int:
        """Number of preceding latent frames that drift is measured against, as in the paper."""
        return DragSettings().neighbours

    @property
    def prediction_blocks(self) -> int:
        """Always 0: predictions are not normalised."""
        return 0

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain values, with the method's name under "method"."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        plain = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
        return {"method": type(self).__name__, **plain}


@dataclass(frozen=True, kw_only=True)
class OptimisedBaseline(Baseline):
    """Constants of a baseline with iterations; see `DragSettings` for their meaning.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of bounds; the message names the field and the bounds.
    """

    iterations: int
    learning_rate: float | None = None
    denoising_step: int | None = None
    layers: tuple[int, ...] | None = None
    upsampling: int = 2
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        checked = DragSettings(**{name: getattr(self, name) for name in _SHARED})
        for name in _SHARED:
            object.__setattr__(self, name, getattr(checked, name))

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with the model's defaults in place of None."""
        chosen = DragSettings(
            learning_rate=self.learning_rate,
            denoising_step=self.denoising_step,
            layers=self.layers,
        ).resolve(spec)
        return dataclasses.replace(
            self,
            learning_rate=chosen.learning_rate,
            denoising_step=chosen.denoising_step,
            layers=chosen.layers,
        )


class BaselineOptimizer(DragOptimizer):
    """Base class of the optimisers: features of the block and the references, and AdamW."""

    def __init__(self, settings: OptimisedBaseline, problem: DragProblem) -> None:
        spec = problem.model.spec
        settings = settings.resolve(spec)
        super().__init__(settings, problem, settings.iterations)
        self._problem = problem
        self._first = self._latents
        self._sigma = spec.sigmas[settings.denoising_step or 0]
        layers = settings.layers or spec.layers
        self._reader = MapReader(problem.model, layers, settings.upsampling)
        references = References.read(self._reader, problem.drags, (_UNFILTERED,))
        self._references = [features[_UNFILTERED] for features in references.features]
        # As in DragStream: gradients are small, so the usual 1e-8 would shorten the steps.
        self._optimizer = AdamW(settings.learning_rate or 0.0, settings.weight_decay, epsilon=1e-12)

    def _features(self, latents: Tensor) -> Tensor:
        """Compute F(z') of the block at other latents, differentiable in them."""
        (maps,) = self._reader(latents, self._sigma, self._problem.context)
        return maps.features
