from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dragstream.metrics import perceptual
from dragstream.metrics.perceptual import LPIPS


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """AlexNet as torchvision saves it, its numbers drawn at random."""
    torch.manual_seed(0)
    state = {f"features.{k}": v for k, v in perceptual._alexnet().state_dict().items()}
    state |= {"classifier.6.weight": torch.zeros(1000, 2), "classifier.6.bias": torch.zeros(1000)}
    file = tmp_path_factory.mktemp("alexnet") / "alexnet.pth"
    torch.save(state, file)
    return file


def pictures(seed, count=2):
    return np.random.default_rng(seed).integers(0, 256, (count, 40, 48, 3), dtype=np.uint8)


def test_the_distance_by_hand() -> None:
    """One layer that shows colours as they are, weighed 1, 2 and 4."""
    metric = LPIPS()
    heads = [torch.tensor([1.0, 2.0, 4.0]).reshape(1, 3, 1, 1)]
    metric.__dict__["_loaded"] = (nn.Sequential(nn.ReLU()), heads)
    red, green = np.zeros((2, 1, 40, 40, 3), np.uint8)
    red[..., 0] = green[..., 1] = 255
    # After scaling, black is negative, so the ReLU leaves one channel, of length 1: the squares
    # are 1 in each of the first two channels.
    assert metric(red, green)[0] == pytest.approx(1 + 2, rel=1e-5)
    half = red.copy()
    half[:, :20] = green[:, :20]
    assert metric(red, half)[0] == pytest.approx(1.5, rel=1e-5)


def test_equal_pictures_are_no_distance_apart(weights) -> None:
    metric = LPIPS(weights)
    first, second = pictures(0), pictures(1)
    np.testing.assert_array_equal(metric(first, first), [0, 0])
    there, back = metric(first, second), metric(second, first)
    assert there.shape == (2,)
    assert (there > 0).all()
    np.testing.assert_allclose(there, back, rtol=1e-5)
    nearer = (first * 0.9 + second * 0.1).astype(np.uint8)
    assert (metric(first, nearer) < there).all()


def test_bad_pictures_are_named(weights) -> None:
    metric = LPIPS(weights)
    with pytest.raises(ValueError, match="one shape"):
        metric(pictures(0), pictures(0, 3))
    with pytest.raises(ValueError, match="uint8"):
        metric(pictures(0) / 255, pictures(0) / 255)
    with pytest.raises(ValueError, match=r"at least 31 x 31 pixels, got \(20, 48\)"):
        metric(pictures(0)[:, :20], pictures(0)[:, :20])


def test_missing_and_other_weights_are_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no AlexNet .*download https://.*--weights FILE"):
        LPIPS()(pictures(0), pictures(1))
    other = tmp_path / "other.pth"
    torch.save({"features.0.weight": torch.zeros(2)}, other)
    with pytest.raises(ValueError, match="not the weights of LPIPS with AlexNet"):
        LPIPS(other)(pictures(0), pictures(1))
    monkeypatch.setattr(perceptual, "find_spec", lambda _name: None)
    with pytest.raises(ImportError, match=r"dragstream\[metrics\]"):
        LPIPS(other)(pictures(0), pictures(1))
