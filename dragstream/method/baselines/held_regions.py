"""Methods without a gradient: regions of the prediction are held to warped latents of the past.

`HeldMethod` has the constants, `RegionHolder` the work. From the method's denoising step on, the
clean prediction x0 is replaced by the object at its target, see `dragstream.method.warm_start`.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from dragstream.drags.checks import at_least, check_fields, optional
from dragstream.method.baselines.common import Baseline
from dragstream.method.optimizer import DragOptimizer, Step
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings
from dragstream.method.warm_start import WarmStart

if TYPE_CHECKING:
    from dragstream.models.base import ModelSpec

__all__ = ["HeldMethod", "RegionHolder"]


@dataclass(frozen=True, kw_only=True)
class HeldMethod(Baseline, ABC):
    """Constants of the methods that hold regions to warped latents.

    Args:
        denoising_step: Index of the denoising step from which regions are held, from 0. None: the
            model's drag step.

    Raises:
        TypeError: A value of the wrong type.
        ValueError: A value out of bounds; the message names the field and the bounds.
    """

    denoising_step: int | None = None

    def __post_init__(self) -> None:
        check_fields(self, denoising_step=optional(at_least(0)))

    @abstractmethod
    def last_held(self, steps: int) -> int:
        """Return the index of the last of a model's denoising steps whose prediction is held.

        Args:
            steps: Number of the model's denoising steps.
        """

    @property
    @abstractmethod
    def holds_hole(self) -> bool:
        """True if the hole is held as the targets are; False if it only starts as background."""

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with the model's drag step in place of None.

        Raises:
            ValueError: A denoising step that the model lacks.
        """
        step = DragSettings(denoising_step=self.denoising_step).resolve(spec).denoising_step
        return dataclasses.replace(self, denoising_step=step)


class RegionHolder(DragOptimizer):
    """Holds the predictions of one block; it has no iterations, and nothing in it is random."""

    def __init__(self, settings: HeldMethod, problem: DragProblem) -> None:
        spec = problem.model.spec
        settings = settings.resolve(spec)
        super().__init__(settings, problem, 0)
        with torch.inference_mode(mode=False), torch.no_grad():
            start = WarmStart(problem)
            self._held = start.whole if settings.holds_hole else start.objects
            self._lowest = spec.sigmas[settings.last_held(len(spec.sigmas))]
            sigma = spec.sigmas[settings.denoising_step or 0]
            if sigma < 1:  # pure noise has no clean part
                read = problem.model.read(
                    self._latents, sigma, problem.context, spec.layers, predict=True
                )
                assert read.x0 is not None  # noqa: S101 - predict=True
                self._latents = start.moved(self._latents, sigma, read.x0.float())

    def adjust_prediction(self, clean: Tensor, sigma: float) -> Tensor:
        """Hold the prediction at the targets; see `DragOptimizer.adjust_prediction`."""
        return self._held.over(clean) if sigma >= self._lowest else clean

    def _advance(self, index: int) -> Step:
        raise AssertionError(f"a method without iterations has no iteration {index}")
