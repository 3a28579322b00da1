"""The features F of Eq. 3, of the block being dragged and of what it refers to (Eq. 5-8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from dragstream.method.parts import FrequencyView
from dragstream.method.placement import enlarge
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


@runtime_checkable
class Observing(Protocol):
    """A model that reads features and predicts in one pass."""

    def observe(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int],
        low_passes: Sequence[FrequencyView | None],
    ) -> tuple[list[dict[int, Tensor]], Tensor]:
        """What `filtered_features` gives, and x0 of the same pass, differentiable in `latents`.

        Unlike `predict`, it need not be guided.
        """
        ...


@dataclass(frozen=True, eq=False)
class Observation:
    """What a pass shows of a block.

    Args:
        features: Feature maps, (F, rows, columns, channels).
        predictions: x0, (F, h, w, C); None where it was not asked for.
    """

    features: Tensor
    predictions: Tensor | None = None


class Features:
    """Feature maps (F, rows, columns, channels) of one block and of its references.

    The channels of all layers stand side by side. Where they are asked for, clean predictions
    come with them.

    Args:
        model: Where features come from.
        block: The block that is dragged, as it was before the first iteration.
        layers: Which layers' self-attention outputs, counted from 0.
        low_passes: Every low-pass that references will be read under.
        upsampling: Cells per token along each axis.
        corners: Upsample with the outermost cells on one another, see `placement.enlarge`.
        predictor: The model again, where clean predictions of the block are wanted, too
            (`check_predicting`).
        predict_references: Whether those of the references are wanted as well.
    """

    def __init__(
        self,
        model: VideoModel,
        block: Reference,
        layers: Sequence[int],
        low_passes: Iterable[FrequencyView],
        upsampling: int = 1,
        *,
        corners: bool = False,
        predictor: Predicting | None = None,
        predict_references: bool = True,
    ) -> None:
        self._model = model
        self._predictor = predictor
        self._block = block
        self._layers = tuple(layers)
        self._low_passes = tuple(dict.fromkeys(low_passes))
        self._upsampling = upsampling
        self._corners = corners
        self._predict_references = predict_references
        self._known: dict[tuple[int, int, float], dict[FrequencyView, Tensor]] = {}
        self._predictions: dict[tuple[int, int, float], Tensor] = {}

    def of(self, latents: Tensor) -> Tensor:
        """F(z') of the block with other latents, differentiable in them; never filtered."""
        block = self._block
        return self._maps(self._model.features(latents, block.sigma, block.context, self._layers))

    def observe(self, latents: Tensor) -> Observation:
        """F(z'), with x0 if predictions are wanted; both differentiable in the latents."""
        if self._predictor is None:
            return Observation(self.of(latents))
        where = latents, self._block.sigma, self._block.context
        (features,), predictions = self._observe(self._predictor, *where, [None])
        return Observation(features, predictions)

    def remember_initial(self, seen: Observation) -> None:
        """Take what the block's first latents show for what a reference to the block shows."""
        key = _key(self._block)
        known = self._known.setdefault(key, {})
        known.update({low: seen.features.detach() for low in self._low_passes if low.is_identity})
        if seen.predictions is not None:
            self._predictions[key] = seen.predictions.detach()

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
            wanted = dict.fromkeys((*self._low_passes, low_pass))
            unknown = [low for low in wanted if low not in known]
            with torch.no_grad():
                known.update(zip(unknown, self._read(reference, unknown), strict=True))
        return known[low_pass][reference.frame]

    def predicted(self, reference: Reference) -> Tensor:
        """x0 of the reference's frame, (h, w, C), detached, once its features were read."""
        return self._predictions[_key(reference)][reference.frame]

    def _read(self, reference: Reference, low_passes: Sequence[FrequencyView]) -> list[Tensor]:
        filters = [None if low.is_identity else low for low in low_passes]
        where = reference.latents, reference.sigma, reference.context
        known = not self._predict_references or _key(reference) in self._predictions
        if self._predictor is None or known:
            return self._filtered(*where, filters)
        maps, predictions = self._observe(self._predictor, *where, filters)
        self._predictions[_key(reference)] = predictions
        return maps

    def _filtered(
        self, latents: Tensor, sigma: float, context: Any, filters: Sequence[FrequencyView | None]
    ) -> list[Tensor]:
        where = latents, sigma, context, self._layers
        if isinstance(self._model, Filtering):
            return [self._maps(taps) for taps in self._model.filtered_features(*where, filters)]
        return [self._maps(self._model.features(*where, low_pass=low)) for low in filters]

    def _observe(
        self,
        predictor: Predicting,
        latents: Tensor,
        sigma: float,
        context: Any,
        filters: Sequence[FrequencyView | None],
    ) -> tuple[list[Tensor], Tensor]:
        """Features under each low-pass, and x0 with its channels last."""
        if isinstance(self._model, Observing):
            taps, clean = self._model.observe(latents, sigma, context, self._layers, filters)
            maps = [self._maps(each) for each in taps]
        else:
            maps = self._filtered(latents, sigma, context, filters)
            clean = predictor.predict(latents, sigma, context)
        return maps, clean[0].float().movedim(1, -1)

    def _maps(self, taps: dict[int, Tensor]) -> Tensor:
        maps = torch.cat([taps[layer] for layer in self._layers], dim=-1)[0].float()
        return enlarge(maps, self._upsampling, corners=self._corners)


def check_predicting(model: VideoModel, asked: str) -> Predicting:
    """The model, if its clean predictions can be differentiated.

    Args:
        model: Any model.
        asked: What needs that, for the message.

    Raises:
        TypeError: They can't.
    """
    if not isinstance(model, Predicting):
        raise TypeError(
            f"{asked} needs a model with predict(latents, sigma, context), "
            f"which {model.spec.name!r} lacks"
        )
    return model


def _key(reference: Reference) -> tuple[int, int, float]:
    # The references live as long as the pulls that hold them, so their ids stay their own.
    return id(reference.latents), id(reference.context), reference.sigma
