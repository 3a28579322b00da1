"""Frechet distances of features: FVD with I3D, FID with Inception (Appendix C.2).

The distance of two Gaussians with the samples' means and covariances,
`|m - m'|^2 + trace(S + S' - 2 (S S')^(1/2))`, computed by torchmetrics.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from dragstream.drags.extras import needed
from dragstream.models.defaults import cpu_by_default


class FewSamples(UserWarning):
    """Fewer samples than features: the covariances are singular, the distance is biased."""


@dataclass(frozen=True)
class Frechet:
    """A Frechet distance, with the extractor and sizes that it was measured with.

    Attributes:
        distance: squared, as FID and FVD are; 0 for equal distributions.
        extractor: the extractor's name; figures of different ones do not compare.
        real: number of real samples.
        generated: number of generated samples.
        dimensions: number of features a sample.
    """

    distance: float
    extractor: str
    real: int
    generated: int
    dimensions: int

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def frechet_distance(real: ArrayLike, generated: ArrayLike, extractor: str) -> Frechet:
    """The Frechet distance of two sets of features.

    Warns with :class:`FewSamples` where a set has no more samples than features.

    Args:
        real: features of real samples, (N, D).
        generated: features of generated samples, (M, D).
        extractor: the extractor's name.

    Raises:
        ValueError: arrays of another shape, fewer than two samples, or numbers not finite.
        ImportError: without torchmetrics; the message names the extra.
    """
    first, second = _features(real, "real"), _features(generated, "generated")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"real and generated features must have one length, got {first.shape[1]} and "
            f"{second.shape[1]}: were they made by the same extractor?"
        )
    fewest, dimensions = min(len(first), len(second)), first.shape[1]
    if fewest <= dimensions:
        warnings.warn(
            f"{fewest} samples are few for {dimensions} features: the distance is biased upward, "
            "and compares only with distances of as many samples",
            FewSamples,
            stacklevel=2,
        )
    return Frechet(_distance(first, second), extractor, len(first), len(second), dimensions)


def _features(values: ArrayLike, name: str) -> NDArray[np.float64]:
    features = np.asarray(values, np.float64)
    if features.ndim != 2 or len(features) < 2 or not features.shape[1]:
        raise ValueError(
            f"{name} features must have shape (N, D) with at least 2 samples, got {features.shape}"
        )
    if not np.isfinite(features).all():
        raise ValueError(f"{name} features must be finite numbers")
    return features


class _Identity(torch.nn.Module):
    """Stands in for the network, since the features are given."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features


def _distance(real: NDArray[np.float64], generated: NDArray[np.float64]) -> float:
    # The metric adds up squares: an offset common to both sets only costs it digits.
    middle = (real.mean(axis=0) + generated.mean(axis=0)) / 2
    with cpu_by_default():
        package = needed("torchmetrics.image.fid", "Frechet distances need torchmetrics", "metrics")
        metric = package.FrechetInceptionDistance(feature=_Identity(real.shape[1]))
        metric.update(torch.from_numpy(real - middle), real=True)
        metric.update(torch.from_numpy(generated - middle), real=False)
        return max(0.0, float(metric.compute()))
