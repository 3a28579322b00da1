"""Features and the clean prediction of one pass: `Reader.read` and `Reading`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from dragstream.models.base import LowPassFilter


@dataclass(frozen=True, eq=False)
class Reading:
    """Features and clean prediction of one pass over a noisy block.

    Attributes:
        taps: For each filter, {layer: features (1, F, token rows, token columns, channels)}.
        x0: The clean latents that this pass predicts, with the shape and dtype of the noisy ones;
            None without `predict`.
    """

    taps: list[dict[int, Tensor]]
    x0: Tensor | None = None


class Reader(ABC):
    """Base class of models: `read`, with `denoise`, `predict` and `features` defined through it."""

    @abstractmethod
    def read(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int] = (),
        filters: Sequence[LowPassFilter | None] = (None,),
        *,
        predict: bool = False,
    ) -> Reading:
        """Compute tapped features and the clean prediction of a noisy block, in one pass.

        Features are self-attention outputs before the output projection. Keys and values of the
        tapped layers are constants to their gradient, which flows through the queries (Section
        4.2.1). Everything is differentiable in `latents`, and `context` is unchanged. Layers above
        the last tapped one run only if `predict` is set.

        Args:
            latents: Noisy latents of the block, (1, frames, channels, height, width).
            sigma: Noise level in [0, 1].
            context: The committed blocks before this one.
            layers: Tapped layers, counted from 0.
            filters: Features are computed under each of them: a low-pass of rotated keys, and
                values, of the tapped layers (Eq. 7), or None. It maps (1, frames, rows, columns,
                channels) to the same shape along axes 2 and 3, and is hashable: its results for
                committed blocks are cached under it.
            predict: If set, predict the clean latents x0 of this pass; a guided model's `predict`
                combines several passes.

        Raises:
            TypeError: `context` is not a context of this model, or a filter is not callable.
            ValueError: Latents of a shape that does not fit the model or the context, with values
                that are not finite; a noise level out of range; layers that the model lacks;
                neither layers nor a prediction; a filter that changes shapes.
        """

    def predict(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """Predict x0, shaped and typed like the noisy `latents` and differentiable in them.

        Raises:
            TypeError, ValueError: As in `read`.
        """
        return cast("Tensor", self.read(latents, sigma, context, predict=True).x0)

    def denoise(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """Predict x0 without gradients, otherwise as `predict`.

        Raises:
            TypeError, ValueError: As in `read`.
        """
        with torch.no_grad():
            return self.predict(latents, sigma, context)

    def features(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int],
        low_pass: LowPassFilter | None = None,
    ) -> dict[int, Tensor]:
        """Compute the features of a block by layer, under one low-pass or none; see `read`.

        Raises:
            TypeError, ValueError: As in `read`.
        """
        return self.read(latents, sigma, context, layers, (low_pass,)).taps[0]

    def filtered_features(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int],
        low_passes: Sequence[LowPassFilter | None],
    ) -> list[dict[int, Tensor]]:
        """Compute features under each of several low-passes, in one pass.

        Raises:
            TypeError, ValueError: As in `read`.
        """
        return self.read(latents, sigma, context, layers, low_passes).taps

    def observe(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int],
        low_passes: Sequence[LowPassFilter | None],
    ) -> tuple[list[dict[int, Tensor]], Tensor]:
        """Compute features under several low-passes, and x0 of the same pass, without guidance.

        Raises:
            TypeError, ValueError: As in `read`.
        """
        found = self.read(latents, sigma, context, layers, low_passes, predict=True)
        return found.taps, cast("Tensor", found.x0)
