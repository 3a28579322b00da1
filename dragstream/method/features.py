"""The features F of Eq. 3, of the block being dragged and of what it refers to (Eq. 5-8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from dragstream.method.parts import FrequencyView
from dragstream.method.pulls import Reference

if TYPE_CHECKING:
    from dragstream.models.base import VideoModel


@runtime_checkable
class Predicting(Protocol):
    """A model whose clean prediction can be differentiated."""

    def predict(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """x0 of noisy latents (1, F, C, h, w), differentiable in them."""
        ...


@runtime_checkable
class Filtering(Protocol):
    """A model that reads features under several low-passes in one pass."""

    def filtered_features(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int],
        low_passes: Sequence[FrequencyView | None],
    ) -> list[dict[int, Tensor]]:
        """What `features` gives under each low-pass, without gradients."""
        ...


class Features:
    """Feature maps (F, rows, columns, channels) of one block and of its references.

    The channels of all layers stand side by side.

    Args:
        model: Where features come from.
        block: The block that is dragged, as it was before the first iteration.
        layers: Which layers' self-attention outputs, counted from 0.
        low_passes: Every low-pass that references will be read under.
        upsampling: Cells per token along each axis.
    """

    def __init__(
        self,
        model: VideoModel,
        block: Reference,
        layers: Sequence[int],
        low_passes: Iterable[FrequencyView],
        upsampling: int = 1,
    ) -> None:
        self._model = model
        self._block = block
        self._layers = tuple(layers)
        self._low_passes = tuple(dict.fromkeys(low_passes))
        self._upsampling = upsampling
        self._known: dict[tuple[int, int, float], dict[FrequencyView, Tensor]] = {}

    def of(self, latents: Tensor) -> Tensor:
        """F(z') of the block with other latents, differentiable in them; never filtered."""
        block = self._block
        return self._maps(self._model.features(latents, block.sigma, block.context, self._layers))

    def remember_initial(self, features: Tensor) -> None:
        """Take F(z') of the block's first latents for what a reference to the block shows."""
        known = self._known.setdefault(_key(self._block), {})
        known.update({low: features for low in self._low_passes if low.is_identity})

    def prepare(self, reference: Reference, low_pass: FrequencyView) -> None:
        """Read what `of_reference` will be asked for, unless `remember_initial` will tell."""
        if not (low_pass.is_identity and _key(reference) == _key(self._block)):
            self.of_reference(reference, low_pass)

    def of_reference(self, reference: Reference, low_pass: FrequencyView) -> Tensor:
        """F_ref of the reference's frame, (rows, columns, channels), detached.

        Keys and values of the tapped layers are low-passed, queries are not (Eq. 5-8). A
        reference is read once, under all low-passes that are still unknown.
        """
        known = self._known.setdefault(_key(reference), {})
        if low_pass not in known:
            unknown = [low for low in self._low_passes if low not in known]
            with torch.no_grad():
                known.update(zip(unknown, self._read(reference, unknown), strict=True))
        return known[low_pass][reference.frame]

    def _read(self, reference: Reference, low_passes: Sequence[FrequencyView]) -> list[Tensor]:
        filters = [None if low.is_identity else low for low in low_passes]
        where = reference.latents, reference.sigma, reference.context, self._layers
        if isinstance(self._model, Filtering):
            return [self._maps(taps) for taps in self._model.filtered_features(*where, filters)]
        return [self._maps(self._model.features(*where, low_pass=low)) for low in filters]

    def _maps(self, taps: dict[int, Tensor]) -> Tensor:
        maps = torch.cat([taps[layer] for layer in self._layers], dim=-1)[0].float()
        if self._upsampling == 1:
            return maps
        larger = F.interpolate(
            maps.movedim(-1, 1),
            scale_factor=float(self._upsampling),
            mode="bilinear",
            align_corners=False,
        )
        return larger.movedim(1, -1)


def _key(reference: Reference) -> tuple[int, int, float]:
    # The references live as long as the pulls that hold them, so their ids stay their own.
    return id(reference.latents), id(reference.context), reference.sigma
