"""What the methods that DragStream is compared with have in common."""

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
"""Reference features are never filtered: there is no frequency selection."""

_SHARED = (
    "iterations",
    "learning_rate",
    "denoising_step",
    "layers",
    "upsampling",
    "weight_decay",
)
"""The constants that mean what they mean in `DragSettings`, and are checked there."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The constants that every such method has; see `DragSettings` for their meaning.

    Raises:
        TypeError: A value of the wrong kind.
        ValueError: A value out of bounds, naming it and what is allowed.
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
        """How many preceding latent frames drift is measured against: as many as the paper's."""
        return DragSettings().neighbours

    @property
    def prediction_blocks(self) -> int:
        """Predictions are left alone."""
        return 0

    def resolve(self, spec: ModelSpec) -> Self:
        """The same with what suits the model in place of None.

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
        """Plain values, with the method's name beside them."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        plain = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
        return {"method": type(self).__name__, **plain}


class BaselineDescent(Descent):
    """The start of a run, and its AdamW.

    Args:
        model: Where features come from.
        latents: Noisy latents of the block at the method's denoising step, (1, F, C, h, w).
        context: What the model remembers of the blocks before.
        pulls: The drags.
        settings: The method's constants.
        neighbours: Noisy latents of the preceding latent frames, (N, C, h, w), for drift.

    Raises:
        TypeError: A mask of the wrong kind.
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
        # As in DragStream: gradients are small, the usual 1e-8 would brake their steps.
        self._optimizer = AdamW(settings.learning_rate or 0.0, settings.weight_decay, epsilon=1e-12)

    def _reference(self, pull: Pull) -> Tensor:
        """Features of the frame that a pull holds on to, (rows, columns, channels), detached."""
        return self._features.of_reference(pull.reference, UNFILTERED)
