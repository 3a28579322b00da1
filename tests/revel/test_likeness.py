"""Likeness: the features are the moments they are said to be; alike is nearer than unlike."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dragstream.metrics.frechet import FewSamples, frechet_distance
from dragstream.revel.captions import distances, latent_moments


class Filming:
    """A model whose latents are the frames themselves, in one block of any length."""

    spec = SimpleNamespace(name="plain")

    def encode_video(self, frames):
        import torch

        return torch.from_numpy(frames.copy()).permute(0, 3, 1, 2).float()[None]


def test_features_are_means_deviations_and_changes() -> None:
    frames = np.zeros((3, 4, 4, 3), np.uint8)
    frames[:, :2, :, 0] = 10  # half of the first channel
    frames[1:, :, :, 1] = 6  # the second channel steps once
    (found,) = latent_moments(Filming(), [frames])
    deviation = np.sqrt(25 * 16 / 15)
    np.testing.assert_allclose(found, [5, 4, 0, deviation, 0, 0, 0, 3, 0], atol=1e-6)


def test_clips_of_one_world_are_nearer_than_those_of_another() -> None:
    rng = np.random.default_rng(0)
    shape = (40, 2, 6, 6, 3)
    some, more = (rng.integers(90, 110, shape).astype(np.uint8) for _ in range(2))
    wilder = rng.integers(60, 140, shape).astype(np.uint8)
    real, alike, unlike = (latent_moments(Filming(), clips) for clips in (some, more, wilder))
    near = frechet_distance(real, alike, "moments").distance
    far = frechet_distance(real, unlike, "moments").distance
    assert near < 0.05 * far


def test_a_model_that_takes_no_video_is_refused(model) -> None:
    with pytest.raises(TypeError, match="makes no latents of videos"):
        latent_moments(model, [])


def test_the_rendered_clips_of_other_scenes_are_the_nearer_ones(model, monkeypatch) -> None:
    def encode_video(clip):
        return model.encode(clip)[None]

    monkeypatch.setattr(model, "encode_video", encode_video, raising=False)
    with pytest.warns(FewSamples):
        found = distances(model, 3, blocks=1)
    assert list(found) == ["model", "renderer"]
    assert (found["model"].real, found["model"].generated) == (3, 3)
    assert found["model"].extractor == "moments of picture latents"
    # The model's clips, which start from its own captions, show nothing at all.
    assert 0 < found["renderer"].distance < found["model"].distance
    with pytest.raises(ValueError, match="streams must be at least 2, got 1"):
        distances(model, 1)
