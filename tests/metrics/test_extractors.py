from __future__ import annotations

import numpy as np
import pytest
import torch

from dragstream.drags import extras
from dragstream.metrics.extractors import EfficientNetLite0, I3DLogits, InceptionPool, clips


def frames(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


class Network(torch.nn.Module):
    """Shows what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.seen.append(inputs)
        return inputs.flatten(2).mean(dim=2)


def test_clips_reach_i3d_from_minus_one_to_one_in_order(monkeypatch) -> None:
    monkeypatch.setattr(I3DLogits, "batch", 2)
    extractor = I3DLogits("weights")
    network = extractor.__dict__["_network"] = Network()
    samples = np.zeros((3, 10, 20, 30, 3), np.uint8)
    samples[:, 1] = 255
    samples[2, :, :, :, 0] = 255
    features = extractor.features(samples)
    assert [tuple(seen.shape) for seen in network.seen] == [
        (2, 3, 10, 224, 224),
        (1, 3, 10, 224, 224),
    ]
    assert float(network.seen[0][:, :, 1].min()) == pytest.approx(1.0)
    assert float(network.seen[0][:, :, 2].max()) == pytest.approx(-1.0)
    np.testing.assert_allclose(features[:, 0], [-0.8, -0.8, 1.0], atol=1e-6)
    assert extractor.name == "I3D (Kinetics-400) logits"


def test_pictures_reach_inception_as_they_are(monkeypatch) -> None:
    monkeypatch.setattr(InceptionPool, "batch", 1)
    extractor = InceptionPool()
    network = extractor.__dict__["_network"] = Network()
    samples = frames(2, 5, 7, 3)
    features = extractor.features(samples)
    np.testing.assert_array_equal(network.seen[1][0], samples[1].transpose(2, 0, 1))
    np.testing.assert_allclose(features, samples.mean(axis=(1, 2)), rtol=1e-5)


def test_efficientnet_works_offline_and_tells_that_it_is_no_fid() -> None:
    extractor = EfficientNetLite0()
    features = extractor.features(frames(2, 48, 64, 3))
    assert features.shape == (2, 1280)
    assert np.isfinite(features).all()
    assert features.std() > 0
    assert "not FID" in extractor.name
    again = extractor.features(frames(2, 48, 64, 3))
    np.testing.assert_array_equal(features, again)


def test_without_its_packages_the_error_names_the_extra(monkeypatch) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(extras, "import_module", absent)
    with pytest.raises(ImportError, match=r"dragstream\[metrics\]"):
        EfficientNetLite0().features(frames(1, 8, 8, 3))


def test_videos_are_cut_into_clips() -> None:
    video = frames(11, 4, 6, 3)
    cut = clips(video, 5)
    assert cut.shape == (2, 5, 4, 6, 3)
    np.testing.assert_array_equal(cut[1], video[5:10])
    with pytest.raises(ValueError, match="clips of 12 frames cannot be cut from 11"):
        clips(video, 12)


@pytest.mark.parametrize(
    ("extractor", "samples", "said"),
    [
        (I3DLogits("weights"), frames(1, 8, 16, 16, 3), "at least 9 frames, got 8"),
        (
            I3DLogits("weights"),
            frames(9, 16, 16, 3),
            r"\(N, T, H, W, 3\), not empty, got uint8 \(9, 16",
        ),
        (InceptionPool(), frames(16, 16, 3), r"\(N, H, W, 3\)"),
        (InceptionPool(), frames(0, 16, 16, 3), "not empty"),
        (EfficientNetLite0(), frames(1, 16, 16, 3) / 255, "got float64"),
    ],
)
def test_bad_samples_are_named(extractor, samples, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        extractor.features(samples)
