"""Features F of Eq. 3, of the dragged block and of its references (low-passed, Eq. 5-8)."""

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
    """A model with a differentiable clean prediction."""

    def predict(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """Predict x0 of noisy latents (1, F, C, h, w), differentiable in them."""
        ...


@runtime_checkable
class Filtering(Protocol):
    """A model that computes features under several low-passes in one pass."""

    def filtered_features(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int],
        low_passes: Sequence[FrequencyView | None],
    ) -> list[dict[int, Tensor]]:
        """Return the result of `features` under each low-pass, without gradients."""
        ...


@runtime_checkable
class Observing(Protocol):
    """A model that computes features and the clean prediction in one pass."""

    def observe(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int],
        low_passes: Sequence[FrequencyView | None],
    ) -> tuple[list[dict[int, Tensor]], Tensor]:
        """Return the result of `filtered_features`, and x0 of the same pass.

        Both are differentiable in `latents`. Unlike in `predict`, x0 may be without guidance.
        """
        ...


@dataclass(frozen=True, eq=False)
class Observation:
    """Features and, optionally, the clean prediction of a block from one pass.

    Args:
        features: Feature maps, (F, rows, columns, channels).
        predictions: x0, (F, h, w, C); None if there is no predictor.
    """

    features: Tensor
    predictions: Tensor | None = None


class Features:
    """Feature maps (F, rows, columns, channels) of one block and of its references.

    The channels of all layers are concatenated. With a predictor, clean predictions are computed
    as well.

    Args:
        model: The model that computes the features.
        block: The dragged block before the first iteration.
        layers: Indices of the layers whose self-attention outputs are the features, from 0.
        low_passes: All low-passes that are applied to references.
        upsampling: Cells per token along each axis.
        corners: Upsample with aligned corners, see `placement.enlarge`.
        predictor: The same model if clean predictions of the block are needed
            (`check_predicting`), or None.
        predict_references: Also compute clean predictions of the references.
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
        """Compute F(z') of the block at other latents, differentiable in them; never filtered."""
        block = self._block
        return self._maps(self._model.features(latents, block.sigma, block.context, self._layers))

    def observe(self, latents: Tensor) -> Observation:
        """Compute F(z'), and x0 if there is a predictor; both differentiable in the latents."""
        if self._predictor is None:
            return Observation(self.of(latents))
        where = latents, self._block.sigma, self._block.context
        (features,), predictions = self._observe(self._predictor, *where, [None])
        return Observation(features, predictions)

    def remember_initial(self, seen: Observation) -> None:
        """Store the pass at the block's initial latents as that of references to the block."""
        key = _key(self._block)
        known = self._known.setdefault(key, {})
        known.update({low: seen.features.detach() for low in self._low_passes if low.is_identity})
        if seen.predictions is not None:
            self._predictions[key] = seen.predictions.detach()

    def prepare(self, reference: Reference, low_pass: FrequencyView) -> None:
        """Compute a reference's features in advance, unless `remember_initial` provides them."""
        if not (low_pass.is_identity and _key(reference) == _key(self._block)):
            self.of_reference(reference, low_pass)

    def of_reference(self, reference: Reference, low_pass: FrequencyView) -> Tensor:
        """Return F_ref of the reference's frame, (rows, columns, channels), detached.

        Keys and values of the tapped layers are low-passed, queries are not (Eq. 5-8). One call
        computes the features under all low-passes that are not cached yet.
        """
        known = self._known.setdefault(_key(reference), {})
        if low_pass not in known:
            wanted = dict.fromkeys((*self._low_passes, low_pass))
            unknown = [low for low in wanted if low not in known]
            with torch.no_grad():
                known.update(zip(unknown, self._read(reference, unknown), strict=True))
        return known[low_pass][reference.frame]

    def predicted(self, reference: Reference) -> Tensor:
        """Return x0 of the reference's frame, (h, w, C), detached, cached with its features."""
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
        """Compute features under each low-pass, and x0 with its channels last."""
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
    """Return the model if its clean predictions can be differentiated.

    Args:
        model: Any model.
        asked: The option that needs predictions, for the error message.

    Raises:
        TypeError: The model has no `predict`.
    """
    if not isinstance(model, Predicting):
        raise TypeError(
            f"{asked} needs a model with predict(latents, sigma, context), "
            f"which {model.spec.name!r} lacks"
        )
    return model


def _key(reference: Reference) -> tuple[int, int, float]:
    # Pulls keep their references alive, so the ids are unique for as long as they are in use.
    return id(reference.latents), id(reference.context), reference.sigma
