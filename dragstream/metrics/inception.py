"""Inception-v3 as Frechet inception distances use it: the 2015 TensorFlow network.

It differs from the Inception-v3 that torchvision has: average pools do not count the padding, the
last block takes a maximum in its pooling branch, and pictures are brought to 299 x 299 in the
way of TensorFlow 1, pixel corners aligned. Figures from another network or resizing do not
compare with published ones.

The weights are those that torch-fidelity or pytorch-fid download, as a PyTorch state dict; their
names of layers are the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dragstream.drags.files import expanded
from dragstream.models.defaults import cpu_by_default

__all__ = ["FEATURES", "Inception", "load_inception", "resize_as_tensorflow"]

FEATURES = 2048
SIZE = 299

_FILES = (
    "weights-inception-2015-12-05-6726825d.pth",
    "pt_inception-2015-12-05-6726825d.pth",
)
"""As torch-fidelity and pytorch-fid save them in torch.hub's folder."""

_HELP = (
    "download weights-inception-2015-12-05-6726825d.pth from "
    "https://github.com/toshas/torch-fidelity/releases and name it (weights=, --weights FILE)"
)

Kernel = int | tuple[int, int]


class Unit(nn.Module):
    """A convolution, its normalisation and a ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Kernel, stride: int = 1, padding: Kernel = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, H, W) in and out."""
        return F.relu(self.bn(self.conv(inputs)))


def _average(inputs: Tensor) -> Tensor:
    return F.avg_pool2d(inputs, 3, stride=1, padding=1, count_include_pad=False)


class Block35(nn.Module):
    """Mixed_5b to Mixed_5d."""

    def __init__(self, inputs: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = Unit(inputs, 64, 1)
        self.branch5x5_1 = Unit(inputs, 48, 1)
        self.branch5x5_2 = Unit(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Unit(inputs, 64, 1)
        self.branch3x3dbl_2 = Unit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Unit(96, 96, 3, padding=1)
        self.branch_pool = Unit(inputs, pooled, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, 35, 35) in and out."""
        wide = self.branch5x5_2(self.branch5x5_1(inputs))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(inputs)))
        branches = [self.branch1x1(inputs), wide, double, self.branch_pool(_average(inputs))]
        return torch.cat(branches, dim=1)


class To17(nn.Module):
    """Mixed_6a."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3 = Unit(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = Unit(inputs, 64, 1)
        self.branch3x3dbl_2 = Unit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Unit(96, 96, 3, stride=2)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, 35, 35) to (N, C', 17, 17)."""
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(inputs)))
        pooled = F.max_pool2d(inputs, 3, stride=2)
        return torch.cat([self.branch3x3(inputs), double, pooled], dim=1)


class Block17(nn.Module):
    """Mixed_6b to Mixed_6e."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        row: dict[str, Any] = {"kernel": (1, 7), "padding": (0, 3)}
        column: dict[str, Any] = {"kernel": (7, 1), "padding": (3, 0)}
        self.branch1x1 = Unit(inputs, 192, 1)
        self.branch7x7_1 = Unit(inputs, width, 1)
        self.branch7x7_2 = Unit(width, width, **row)
        self.branch7x7_3 = Unit(width, 192, **column)
        self.branch7x7dbl_1 = Unit(inputs, width, 1)
        self.branch7x7dbl_2 = Unit(width, width, **column)
        self.branch7x7dbl_3 = Unit(width, width, **row)
        self.branch7x7dbl_4 = Unit(width, width, **column)
        self.branch7x7dbl_5 = Unit(width, 192, **row)
        self.branch_pool = Unit(inputs, 192, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, 17, 17) in and out."""
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(inputs)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(inputs)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        branches = [self.branch1x1(inputs), single, double, self.branch_pool(_average(inputs))]
        return torch.cat(branches, dim=1)


class To8(nn.Module):
    """Mixed_7a."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.branch3x3_1 = Unit(inputs, 192, 1)
        self.branch3x3_2 = Unit(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Unit(inputs, 192, 1)
        self.branch7x7x3_2 = Unit(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Unit(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Unit(192, 192, 3, stride=2)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, 17, 17) to (N, C', 8, 8)."""
        single = self.branch3x3_2(self.branch3x3_1(inputs))
        double = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(inputs)))
        pooled = F.max_pool2d(inputs, 3, stride=2)
        return torch.cat([single, self.branch7x7x3_4(double), pooled], dim=1)


class Block8(nn.Module):
    """Mixed_7b and Mixed_7c; the latter takes a maximum in its pooling branch."""

    def __init__(self, inputs: int, *, maximum: bool) -> None:
        super().__init__()
        self.maximum = maximum
        self.branch1x1 = Unit(inputs, 320, 1)
        self.branch3x3_1 = Unit(inputs, 384, 1)
        self.branch3x3_2a = Unit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Unit(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Unit(inputs, 448, 1)
        self.branch3x3dbl_2 = Unit(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Unit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Unit(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = Unit(inputs, 192, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, 8, 8) in and out."""
        single = self.branch3x3_1(inputs)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(inputs))
        pooled = F.max_pool2d(inputs, 3, 1, 1) if self.maximum else _average(inputs)
        branches = [
            self.branch1x1(inputs),
            self.branch3x3_2a(single),
            self.branch3x3_2b(single),
            self.branch3x3dbl_3a(double),
            self.branch3x3dbl_3b(double),
            self.branch_pool(pooled),
        ]
        return torch.cat(branches, dim=1)


class Inception(nn.Module):
    """The network: pictures (N, 3, H, W) from 0 to 255 to features (N, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b = Block35(192, 32)
        self.Mixed_5c = Block35(256, 64)
        self.Mixed_5d = Block35(288, 64)
        self.Mixed_6a = To17(288)
        self.Mixed_6b = Block17(768, 128)
        self.Mixed_6c = Block17(768, 160)
        self.Mixed_6d = Block17(768, 160)
        self.Mixed_6e = Block17(768, 192)
        self.Mixed_7a = To8(768)
        self.Mixed_7b = Block8(1280, maximum=False)
        self.Mixed_7c = Block8(2048, maximum=True)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (N, 2048): the mean of the last block over its places."""
        maps = (resize_as_tensorflow(pictures.float(), SIZE) - 128) / 128
        maps = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(maps)))
        maps = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(maps, 3, stride=2)))
        maps = F.max_pool2d(maps, 3, stride=2)
        blocks: list[nn.Module] = [self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a]
        blocks += [self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e]
        blocks += [self.Mixed_7a, self.Mixed_7b, self.Mixed_7c]
        for block in blocks:
            maps = block(maps)
        return maps.mean(dim=(2, 3))


def resize_as_tensorflow(pictures: Tensor, size: int) -> Tensor:
    """Pictures (N, C, H, W) at size x size, bilinear: output i is read at i * H / size."""

    def places(count: int) -> Tensor:
        source = torch.arange(size, device=pictures.device) * (count / size)
        # grid_sample with aligned corners spans -1 to 1 from the first centre to the last
        return source.clamp_max(count - 1) * (2 / max(count - 1, 1)) - 1

    rows, columns = (places(count) for count in pictures.shape[-2:])
    where = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    where = where.to(pictures.dtype).expand(len(pictures), -1, -1, -1)
    return F.grid_sample(pictures, where, mode="bilinear", align_corners=True)


@cpu_by_default()
def load_inception(weights: str | Path | None = None) -> Inception:
    """The network with its weights, in evaluation mode.

    Args:
        weights: the state dict's file. None: the one that torch-fidelity or pytorch-fid has
            downloaded into torch.hub's folder before.

    Raises:
        FileNotFoundError: there are no such weights; the message names where to get them.
        ValueError: a file that is not those weights.
    """
    file = _cached() if weights is None else expanded(weights, "weights")
    if not file.is_file():
        raise FileNotFoundError(f"there are no Inception weights {str(file)!r}: {_HELP}")
    try:
        state = dict(torch.load(file, map_location="cpu", weights_only=True))
        # the classifier on top gives no features
        own = {name: value for name, value in state.items() if not name.startswith("fc.")}
        network = Inception()
        network.load_state_dict(own)
    except Exception as error:
        raise ValueError(f"{file.name} holds no weights of Inception: {error}") from error
    return network.to(torch.float32).eval().requires_grad_(requires_grad=False)


def _cached() -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    found = [folder / name for name in _FILES if (folder / name).is_file()]
    if not found:
        raise FileNotFoundError(f"no Inception weights were named: {_HELP}")
    return found[0]
