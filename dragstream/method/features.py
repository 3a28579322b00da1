"""The features F of Eq. 3, of the block being dragged and of what it refers to (Eq. 5-8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from dragstream.method.frequency import LowPass
from dragstream.method.pulls import Reference

if TYPE_CHECKING:
    from dragstream.models.base import Context, VideoModel


@runtime_checkable
class Predicting(Protocol):
    """A model whose clean prediction can be differentiated."""

    def predict(self, latents: Tensor, sigma: float, context: Context) -> Tensor:
        """x0 of noisy latents (1, F, C, h, w), differentiable in them."""
        ...


class Features:
    """Feature maps (F, rows, columns, channels) of one block and of its references.

    The channels of all layers stand side by side. Those of a reference are computed at most once
    for each low-pass, and only when asked for.

    Args:
        model: Where features come from.
        latents: The block's latents before the first iteration, (1, F, C, h, w).
        sigma: Their noise level.
        context: What the model remembers of the blocks before.
        layers: Which layers' self-attention outputs, counted from 0.
        upsampling: Cells per token along each axis.
    """

    def __init__(
        self,
        model: VideoModel,
        latents: Tensor,
        sigma: float,
        context: Context,
        *,
        layers: tuple[int, ...],
        upsampling: int = 1,
    ) -> None:
        self._model = model
        self._block = Reference(latents, sigma, context, frame=0)
        self._layers = layers
        self._upsampling = upsampling
        self._known: dict[tuple[int, float, int, LowPass], Tensor] = {}

    def of(self, latents: Tensor) -> Tensor:
        """F(z') of the block with other latents, differentiable in them; never filtered."""
        block = self._block
        return self._read(latents, block.sigma, block.context, None)

    def remember_initial(self, features: Tensor) -> None:
        """Take F(z') of the block's first latents as what a reference to the block itself shows."""
        self._known[_key(self._block, LowPass(1.0))] = features

    def of_reference(self, reference: Reference, low_pass: LowPass) -> Tensor:
        """F_ref of the reference's frame, (rows, columns, channels), detached.

        Keys and values of the tapped layers are low-passed, queries are not (Eq. 5-8).
        """
        low_pass = LowPass(1.0) if low_pass.is_identity else low_pass
        key = _key(reference, low_pass)
        if key not in self._known:
            with torch.no_grad():
                self._known[key] = self._read(
                    reference.latents,
                    reference.sigma,
                    reference.context,
                    None if low_pass.is_identity else low_pass,
                )
        return self._known[key][reference.frame]

    def _read(
        self, latents: Tensor, sigma: float, context: Context, low_pass: LowPass | None
    ) -> Tensor:
        layers = self._model.features(latents, sigma, context, self._layers, low_pass=low_pass)
        maps = torch.cat([layers[layer] for layer in self._layers], dim=-1)[0].float()
        if self._upsampling == 1:
            return maps
        larger = F.interpolate(
            maps.movedim(-1, 1),
            scale_factor=float(self._upsampling),
            mode="bilinear",
            align_corners=False,
        )
        return larger.movedim(1, -1)


def _key(reference: Reference, low_pass: LowPass) -> tuple[int, float, int, LowPass]:
    # The references live as long as the pulls that hold them, so their ids stay their own.
    return id(reference.latents), reference.sigma, id(reference.context), low_pass
