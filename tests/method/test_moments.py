from __future__ import annotations

import math

import pytest
import torch

from dragstream.method.moments import Moments, drift


def test_moments_by_hand():
    latents = torch.tensor([[1.0, 3.0], [5.0, 7.0], [-2.0, -2.0]]).reshape(1, 1, 3, 1, 2)
    moments = Moments.of(latents)
    assert moments.means == (2.0, 6.0, -2.0)
    assert moments.stds == (1.0, 1.0, 0.0)
    assert moments.minima == (1.0, 5.0, -2.0)
    assert moments.maxima == (3.0, 7.0, -2.0)
    assert (moments.mean, moments.minimum, moments.maximum) == (2.0, -2.0, 7.0)
    assert moments.std == pytest.approx(float(latents.std(correction=0)))


def test_frames_and_batches_are_pooled():
    latents = torch.randn(4, 3, 5, 6, 7, generator=torch.Generator().manual_seed(0))
    moments = Moments.of(latents)
    assert moments.means == pytest.approx(latents.mean((0, 1, 3, 4)).tolist(), abs=1e-6)
    assert moments.std == pytest.approx(float(latents.std(correction=0)))
    assert Moments.of(latents.flatten(0, 1)) == moments


def test_drift_is_the_rms_wasserstein_distance_of_the_channels():
    here = Moments((0.0, 3.0), (1.0, 1.0), (0.0, 0.0), (0.0, 0.0))
    there = Moments((3.0, 3.0), (5.0, 1.0), (9.0, 9.0), (9.0, 9.0))
    assert drift(here, there) == pytest.approx(math.sqrt((9 + 16) / 2))
    assert drift(there, here) == drift(here, there)
    assert drift(here, here) == 0.0
    with pytest.raises(ValueError, match="2 and 1 channels"):
        drift(here, Moments((0.0,), (1.0,), (0.0,), (0.0,)))


def test_json_both_ways():
    moments = Moments.of(torch.randn(2, 3, 4, 4))
    assert Moments.from_json(moments.to_json()) == moments


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"means": [0.0]},
        {"means": [0.0], "stds": [1.0], "minima": [0.0], "maxima": [1.0, 2.0]},
        {"means": [], "stds": [], "minima": [], "maxima": []},
        {"means": 3, "stds": [1.0], "minima": [0.0], "maxima": [1.0]},
        {"means": ["a"], "stds": [1.0], "minima": [0.0], "maxima": [1.0]},
        {"means": "1", "stds": [1.0], "minima": [0.0], "maxima": [1.0]},
        {"means": [True], "stds": [1.0], "minima": [0.0], "maxima": [1.0]},
        {"means": [math.nan], "stds": [1.0], "minima": [0.0], "maxima": [1.0]},
        {"means": [0.0], "stds": [-1.0], "minima": [0.0], "maxima": [1.0]},
        {"means": [0.0], "stds": [1.0], "minima": [2.0], "maxima": [1.0]},
    ],
)
def test_bad_json_is_refused(data):
    with pytest.raises((TypeError, ValueError), match=r"moments|means"):
        Moments.from_json(data)


@pytest.mark.parametrize("shape", [(4, 4), (1, 0, 3, 4, 4)])
def test_latents_without_channels_or_values_are_refused(shape):
    with pytest.raises(ValueError, match="moments need latents"):
        Moments.of(torch.zeros(shape))
