from __future__ import annotations

import importlib

import numpy as np
import pytest

from dragstream.drags import extras
from dragstream.metrics import frechet
from dragstream.metrics.frechet import FewSamples, frechet_distance


def exact(mean, covariance, count=400, seed=0):
    """Samples whose mean and covariance are exactly those given."""
    raw = np.random.default_rng(seed).normal(size=(count, len(mean)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    return white @ np.linalg.cholesky(np.asarray(covariance)).T + np.asarray(mean)


def test_the_distance_of_known_gaussians() -> None:
    """|m - m'|^2 + sum (s - s')^2 where the covariances are diagonal."""
    real = exact((0, 0, 0), np.diag([1.0, 4, 9]))
    made = exact((1, 2, 2), np.diag([4.0, 4, 1]), seed=1)
    result = frechet_distance(real, made, "by hand")
    assert result.distance == pytest.approx(9 + (1 - 2) ** 2 + 0 + (3 - 1) ** 2, rel=1e-6)
    assert (result.real, result.generated, result.dimensions) == (400, 400, 3)
    assert result.to_json()["extractor"] == "by hand"


def test_covariances_that_do_not_commute() -> None:
    first, second = np.array([[2.0, 1], [1, 2]]), np.array([[1.0, 0], [0, 5]])
    real, made = exact((0, 0), first), exact((0, 0), second, seed=1)
    # trace((S S')^(1/2)) of 2 x 2: sqrt(trace(S S') + 2 sqrt(det(S S')))
    product = first @ second
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(first) + np.trace(second) - 2 * root
    assert frechet_distance(real, made, "").distance == pytest.approx(expected, rel=1e-6)


def test_equal_sets_are_no_distance_apart_even_far_from_zero() -> None:
    real = exact((1e4, -1e4), np.eye(2))
    assert frechet_distance(real, real, "").distance == pytest.approx(0, abs=1e-5)
    shifted = frechet_distance(real, real + 0.5, "").distance
    assert shifted == pytest.approx(0.5, rel=1e-4)


def test_few_samples_warn() -> None:
    rng = np.random.default_rng(0)
    with pytest.warns(FewSamples, match="3 samples are few for 5 features"):
        frechet_distance(rng.normal(size=(3, 5)), rng.normal(size=(9, 5)), "")


@pytest.mark.parametrize(
    ("real", "made", "said"),
    [
        (np.zeros((1, 2)), np.zeros((3, 2)), r"real features .* got \(1, 2\)"),
        (np.zeros((3, 2)), np.zeros(3), r"generated features .* got \(3,\)"),
        (np.zeros((3, 2)), np.zeros((3, 4)), "one length, got 2 and 4"),
        (np.zeros((3, 2)), np.full((3, 2), np.nan), "generated features must be finite"),
    ],
)
def test_bad_features_are_named(real, made, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        frechet_distance(real, made, "")


def test_without_torchmetrics_the_error_names_the_extra(monkeypatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(extras, "import_module", absent)
    with pytest.raises(ImportError, match=r"dragstream\[metrics\]"):
        frechet_distance(np.eye(5)[:, :2], np.eye(5)[:, :2], "")
    assert importlib.import_module("dragstream.metrics.frechet") is frechet
