"""Base classes of the baselines: shared constants, and the setup of their optimisation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor

from dragstream.method.adamw import AdamW
from dragstream.method.descent import Descent, newest
from dragstream.method.features import Features
from dragstream.method.frequency import LowPass
from dragstream.method.pulls import Pull, Reference, check_pulls
from dragstream.method.settings import DragSettings

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec, VideoModel

UNFILTERED = LowPass(1.0)
"""Identity filter for reference features: the baselines have no frequency selection."""

_SHARED = (
    "iterations",
    "learning_rate",
    "denoising_step",
    "layers",
    "upsampling",
    "weight_decay",
)
"""Constants with the same meaning as in `DragSettings`, which also validates them."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Constants that every baseline has; see `DragSettings` for their meaning.

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

    @property
    def neighbours(self) -> int:
        """Number of preceding latent frames that drift is measured against, as in the paper."""
        return DragSettings().neighbours

    @property
    def prediction_blocks(self) -> int:
        """Always 0: predictions are not normalised."""
        return 0

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with the model's defaults in place of None.

        Raises:
            ValueError: Layers or a denoising step that the model lacks.
        """
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

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain values, with the method's name under "method"."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        plain = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
        return {"method": type(self).__name__, **plain}


class BaselineDescent(Descent):
    """Base class of the baselines' optimisations: checks, features and AdamW.

    Args:
        model: The model that computes the features.
        latents: Noisy latents of the block at the method's denoising step, (1, F, C, h, w).
        context: The model's context (cache) of the preceding blocks.
        pulls: The drags.
        settings: The method's constants.
        neighbours: Noisy latents of the preceding latent frames, (N, C, h, w), for drift.

    Raises:
        TypeError: A mask of the wrong type.
        ValueError: Shapes that do not fit, an empty region, layers or steps that the model lacks.
    """

    def __init__(
        self,
        model: VideoModel,
        latents: Tensor,
        context: Any,
        pulls: Sequence[Pull],
        *,
        settings: Baseline,
        neighbours: Tensor | None,
    ) -> None:
        spec = model.spec
        settings = settings.resolve(spec)
        check_pulls(pulls, latents, spec)
        past = newest(neighbours, settings.neighbours, latents)
        super().__init__(latents, past, settings.iterations, repr(settings))
        self.sigma = spec.sigmas[settings.denoising_step or 0]
        self._grid = spec.grid
        self._pulls = tuple(pulls)
        self._first = self._latents
        layers = settings.layers or spec.layers
        block = Reference(latents, self.sigma, context, frame=0)
        self._features = Features(model, block, layers, (UNFILTERED,), settings.upsampling)
        # As in DragStream: gradients are small, so the usual 1e-8 would shorten the steps.
        self._optimizer = AdamW(settings.learning_rate or 0.0, settings.weight_decay, epsilon=1e-12)

    def _reference(self, pull: Pull) -> Tensor:
        """Return features of a pull's reference frame, (rows, columns, channels), detached."""
        return self._features.of_reference(pull.reference, UNFILTERED)
