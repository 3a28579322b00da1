from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dragstream.metrics import inception
from dragstream.metrics.inception import Inception, Mixed, load_inception, resize_as_tensorflow


@pytest.fixture(scope="module")
def network() -> Inception:
    torch.manual_seed(0)
    return Inception().eval()


def stored(network: Inception) -> dict[str, torch.Tensor]:
    """As torch-fidelity saves it: without counters, with a classifier."""
    state = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    return state | {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}


def test_layers_are_named_and_shaped_as_in_the_public_file(network) -> None:
    shapes = {name: tuple(value.shape) for name, value in stored(network).items()}
    assert len(shapes) == 94 * 5 + 2  # a weight and four numbers of a normalisation each
    for name, shape in {
        "Conv2d_1a_3x3.conv.weight": (32, 3, 3, 3),
        "Mixed_5b.branch5x5_2.conv.weight": (64, 48, 5, 5),
        "Mixed_6a.branch3x3.conv.weight": (384, 288, 3, 3),
        "Mixed_6b.branch7x7dbl_5.conv.weight": (192, 128, 1, 7),
        "Mixed_6e.branch7x7_3.conv.weight": (192, 192, 7, 1),
        "Mixed_7a.branch7x7x3_4.conv.weight": (192, 192, 3, 3),
        "Mixed_7b.branch3x3dbl_3b.conv.weight": (384, 384, 3, 1),
        "Mixed_7c.branch1x1.conv.weight": (320, 2048, 1, 1),
        "Mixed_7c.branch_pool.bn.running_var": (192,),
    }.items():
        assert shapes[name] == shape


def test_weights_are_read_and_give_features(network, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save(stored(network), file)
    pictures = torch.randint(0, 256, (1, 3, 80, 120)).float()
    with torch.inference_mode():
        features = load_inception(file)(pictures)
        assert features.shape == (1, 2048)
        torch.testing.assert_close(features, network(pictures))


def test_pictures_are_resized_as_by_tensorflow_1() -> None:
    """Output i is read at i * size / 299: the first pixel is the first, the last is held."""
    row = torch.tensor([[0.0, 10.0, 20.0, 40.0]])
    resized = resize_as_tensorflow(row.expand(1, 1, 4, 4), 8)
    expected = torch.tensor([0.0, 5, 10, 15, 20, 30, 40, 40])
    torch.testing.assert_close(resized[0, 0], expected.expand(8, 8), atol=1e-5, rtol=0)
    smaller = resize_as_tensorflow(row.expand(1, 1, 4, 4), 2)
    torch.testing.assert_close(smaller[0, 0, 0], torch.tensor([0.0, 20.0]), atol=1e-5, rtol=0)


def test_average_pools_do_not_count_the_padding() -> None:
    ones = torch.ones(1, 1, 4, 4)
    torch.testing.assert_close(inception._average(ones), ones)


def test_only_the_last_block_takes_a_maximum() -> None:
    torch.manual_seed(0)
    mean, maximum = (
        Mixed(4, inception._BLOCK_8, pool).eval()
        for pool in (inception._average, inception._maximum)
    )
    maximum.load_state_dict(mean.state_dict())
    maps = torch.rand(1, 4, 8, 8)
    with torch.inference_mode():
        differ = (mean(maps) - maximum(maps)).abs().amax(dim=(0, 2, 3))
    assert differ.shape == (2048,)
    assert float(differ[:-192].max()) == 0.0
    assert float(differ[-192:].max()) > 0.0


def test_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(2)}, file)
    with pytest.raises(ValueError, match=r"other\.pth' holds no weights of Inception"):
        load_inception(file)
    with pytest.raises(FileNotFoundError, match=r"torch-fidelity/releases.*--weights FILE"):
        load_inception(tmp_path / "none.pth")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no Inception weights .*--weights FILE"):
        load_inception()
