"""Inception-v3 as Frechet inception distances use it: the 2015 TensorFlow network.

Unlike torchvision's, average pools do not count the padding, the last block takes a maximum in its
pooling branch, and pictures are resized as TensorFlow 1 does, pixel corners aligned. The weights
are those that torch-fidelity or pytorch-fid download, with the same names of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dragstream.drags.reading import located
from dragstream.metrics.weight_files import hub_file, read_state
from dragstream.models.defaults import cpu_by_default

SIZE = 299

_FILES = ("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth")
"""As torch-fidelity and pytorch-fid save them in torch.hub's folder."""

_HELP = (
    "download weights-inception-2015-12-05-6726825d.pth from "
    "https://github.com/toshas/torch-fidelity/releases and name it (weights=, --weights FILE)"
)

Kernel = int | tuple[int, int]

Branches = Mapping[str, Sequence[tuple[int, Kernel]]]
"""Channels and kernel of each convolution, by the branch's name."""


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


_average = partial(F.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=False)
_maximum = partial(F.max_pool2d, kernel_size=3, stride=1, padding=1)
_halve = partial(F.max_pool2d, kernel_size=3, stride=2)


class Mixed(nn.Module):
    """Branches of convolutions, and one of a pool, side by side.

    A kernel (1, 3) at the end of a branch has a twin (3, 1) beside it. "branch_pool" comes after
    the pool; without it the pool stands alone. `_halve` gives the last convolutions stride 2.
    """

    def __init__(
        self, inputs: int, branches: Branches, pool: Callable[[Tensor], Tensor] = _average
    ) -> None:
        super().__init__()
        self.pool = pool
        self.chains: list[list[tuple[str, ...]]] = []
        self.width = 0 if "branch_pool" in branches else inputs
        for branch, convolutions in branches.items():
            width, chain = inputs, []
            for number, (outputs, kernel) in enumerate(convolutions, start=1):
                name = branch if len(convolutions) == 1 else f"{branch}_{number}"
                twins = {f"{name}a": (1, 3), f"{name}b": (3, 1)} if kernel == (1, 3) else {}
                units: dict[str, Kernel] = {**twins} or {name: kernel}
                last = number == len(convolutions)
                for each, size in units.items():
                    rows, columns = (size, size) if isinstance(size, int) else size
                    place = (2, 0) if last and pool is _halve else (1, (rows // 2, columns // 2))
                    self.add_module(each, Unit(width, outputs, size, *place))
                chain.append(tuple(units))
                width = outputs
            self.chains.append(chain)
            self.width += width * len(chain[-1])

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C, H, W) in and out, H and W halved by `_halve`."""
        pooled = self.pool(inputs)
        outputs = []
        for chain in self.chains:
            maps = pooled if chain == [("branch_pool",)] else inputs
            for (name,) in chain[:-1]:
                maps = self.get_submodule(name)(maps)
            outputs += [self.get_submodule(name)(maps) for name in chain[-1]]
        if [("branch_pool",)] not in self.chains:
            outputs.append(pooled)
        return torch.cat(outputs, dim=1)


def _block35(pooled: int) -> Branches:
    return {
        "branch1x1": [(64, 1)],
        "branch5x5": [(48, 1), (64, 5)],
        "branch3x3dbl": [(64, 1), (96, 3), (96, 3)],
        "branch_pool": [(pooled, 1)],
    }


def _block17(width: int) -> Branches:
    row: Kernel = (1, 7)
    column: Kernel = (7, 1)
    double = [(width, 1), (width, column), (width, row), (width, column), (192, row)]
    return {
        "branch1x1": [(192, 1)],
        "branch7x7": [(width, 1), (width, row), (192, column)],
        "branch7x7dbl": double,
        "branch_pool": [(192, 1)],
    }


_TO_17: Branches = {"branch3x3": [(384, 3)], "branch3x3dbl": [(64, 1), (96, 3), (96, 3)]}
_TO_8: Branches = {
    "branch3x3": [(192, 1), (320, 3)],
    "branch7x7x3": [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)],
}
_BLOCK_8: Branches = {
    "branch1x1": [(320, 1)],
    "branch3x3": [(384, 1), (384, (1, 3))],
    "branch3x3dbl": [(448, 1), (384, 3), (384, (1, 3))],
    "branch_pool": [(192, 1)],
}


class Inception(nn.Module):
    """The network: pictures (N, 3, H, W) from 0 to 255 to features (N, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Unit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = Unit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = Unit(80, 192, 3)
        self.Mixed_5b = Mixed(192, _block35(32))
        self.Mixed_5c = Mixed(256, _block35(64))
        self.Mixed_5d = Mixed(288, _block35(64))
        self.Mixed_6a = Mixed(288, _TO_17, _halve)
        self.Mixed_6b = Mixed(768, _block17(128))
        self.Mixed_6c = Mixed(768, _block17(160))
        self.Mixed_6d = Mixed(768, _block17(160))
        self.Mixed_6e = Mixed(768, _block17(192))
        self.Mixed_7a = Mixed(768, _TO_8, _halve)
        self.Mixed_7b = Mixed(1280, _BLOCK_8)
        self.Mixed_7c = Mixed(2048, _BLOCK_8, _maximum)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (N, 2048): the mean of the last block over its places."""
        maps = (resize_as_tensorflow(pictures.float(), SIZE) - 128) / 128
        maps = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(maps)))
        maps = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(_halve(maps)))
        maps = _halve(maps)
        for block in self.children():
            if isinstance(block, Mixed):
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
    """The network with its weights, in evaluation mode."""
    file = hub_file(*_FILES) if weights is None else weights
    state = read_state(file, "Inception", _HELP)
    network = Inception()
    wrong = (AttributeError, RuntimeError, TypeError)
    with located(f"{str(file)!r} holds no weights of Inception", *wrong):
        # the classifier on top gives no features
        own = {name: value for name, value in state.items() if not name.startswith("fc.")}
        network.load_state_dict(own)
    return network.to(torch.float32).eval().requires_grad_(requires_grad=False)
