"""LPIPS: perceptual distance of two pictures (Zhang et al., CVPR 2018), with AlexNet.

The five layers' weights of the metric itself come with torchmetrics; those of the network below,
torchvision's AlexNet, are a named file, or the one that torchvision has downloaded before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from dragstream.drags.checks import truncate
from dragstream.metrics.weight_files import hub_file, read_state
from dragstream.models.defaults import cpu_by_default

_FILE = "alexnet-owt-7be5be79.pth"
_HELP = (
    f"download https://download.pytorch.org/models/{_FILE} and name it (weights=, --weights FILE)"
)

_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)
"""Shift and scale of colours from -1 to 1 before the network."""


@dataclass(frozen=True)
class LPIPS:
    """The distance of pictures under AlexNet; 0 for equal ones.

    Attributes:
        weights: torchvision's AlexNet, a state dict's file. None: the one in torch.hub's folder.
        device: the torch device.
    """

    weights: str | Path | None = None
    device: str = "cpu"

    @property
    def name(self) -> str:
        """The metric's name, reported with every figure."""
        return "LPIPS (AlexNet, v0.1)"

    def __call__(self, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
        """One distance a pair of pictures, (N,).

        Args:
            first: (N, H, W, 3) uint8, at least 31 pixels high and wide.
            second: an equal number of pictures of the same size.

        Raises:
            FileNotFoundError: there are no weights; the message names where to get them.
            ImportError: without torchmetrics.
            ValueError: pictures of different or too small sizes, or other weights.
        """
        pairs = np.asarray(first), np.asarray(second)
        right = all(part.dtype == np.uint8 and part.ndim == 4 for part in pairs)
        if not right or pairs[0].shape != pairs[1].shape or pairs[0].shape[-1] != 3:
            raise ValueError(
                "two uint8 arrays of one shape (N, H, W, 3) are compared, got "
                f"{pairs[0].dtype} {pairs[0].shape} and {pairs[1].dtype} {pairs[1].shape}"
            )
        if min(pairs[0].shape[1:3]) < 31:
            raise ValueError(f"pictures must be at least 31 x 31 pixels, got {pairs[0].shape[1:3]}")
        with cpu_by_default(), torch.inference_mode():
            network, heads = self._loaded
            layers = [self._layers(network, part) for part in pairs]
            distance = torch.zeros(len(pairs[0]), dtype=torch.float64)
            for one, other, head in zip(*layers, heads, strict=True):
                difference = (_unit(one) - _unit(other)).square()
                distance += F.conv2d(difference, head).mean(dim=(1, 2, 3)).double().cpu()
        return np.asarray(distance)

    @cached_property
    def _loaded(self) -> tuple[nn.Sequential, list[Tensor]]:
        network = _alexnet()
        file = hub_file(_FILE) if self.weights is None else self.weights
        state = read_state(file, "AlexNet", _HELP)
        features = "features."
        own = {n.removeprefix(features): v for n, v in state.items() if n.startswith(features)}
        heads = read_state(_heads(), "LPIPS", "they come with torchmetrics", "heads")
        try:
            network.load_state_dict(own)
            weights = [heads[f"lin{n}.model.1.weight"].to(self.device) for n in range(5)]
        except (KeyError, RuntimeError, AttributeError) as error:
            message = f"these are not the weights of LPIPS with AlexNet: {error}"
            raise ValueError(truncate(message)) from error
        return network.to(self.device, torch.float32).eval(), weights

    def _layers(self, network: nn.Sequential, pictures: NDArray[np.uint8]) -> list[Tensor]:
        """Output of each ReLU, (N, C, h, w)."""
        maps = torch.from_numpy(pictures.copy()).to(self.device).permute(0, 3, 1, 2)
        maps = maps.float() / 127.5 - 1
        shift, scale = (torch.tensor(row).view(3, 1, 1).to(maps) for row in (_SHIFT, _SCALE))
        maps = (maps - shift) / scale
        found = []
        for layer in network:
            maps = layer(maps)
            if isinstance(layer, nn.ReLU):
                found.append(maps)
        return found


def _alexnet() -> nn.Sequential:
    """The convolutions of torchvision's AlexNet, numbered as there."""
    layers: list[nn.Module] = []
    for index, (inputs, outputs, kernel, stride, padding) in enumerate(
        ((3, 64, 11, 4, 2), (64, 192, 5, 1, 2), (192, 384, 3, 1, 1), (384, 256, 3, 1, 1))
    ):
        layers += [nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.ReLU()]
        layers += [nn.MaxPool2d(3, stride=2)] if index < 2 else []
    return nn.Sequential(*layers, nn.Conv2d(256, 256, 3, padding=1), nn.ReLU())


def _heads() -> Path:
    """The file of the metric's own weights."""
    found = find_spec("torchmetrics")
    if found is None or not found.submodule_search_locations:
        raise ImportError('LPIPS needs torchmetrics: pip install "dragstream[metrics]"')
    package = Path(found.submodule_search_locations[0])
    return package / "functional" / "image" / "lpips_models" / "alex.pth"


def _unit(maps: Tensor) -> Tensor:
    """Every place's channels at length 1."""
    length = torch.sqrt(maps.square().sum(dim=1, keepdim=True) + 1e-8)
    unit: Tensor = maps / length
    return unit
