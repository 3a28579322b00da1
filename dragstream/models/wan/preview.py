"""Small decoders for previews, from files in the layout of TAEHV, by name or path.

It is a convolutional network: three stages of three memory blocks, each followed by spatial
upsampling, temporal upsampling and a change of width. The inputs of a memory block are the present
and the previous frame, so the state is one frame per memory block.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from dragstream.drags.files import expanded
from dragstream.drags.reading import located
from dragstream.models.checkpoints import load_strictly
from dragstream.models.defaults import cpu_by_default
from dragstream.models.pixels import to_frames
from dragstream.models.state_dicts import State
from dragstream.models.weight_files import find_files, read_tree

Memory = tuple[Tensor, ...]
"""The last input of each memory block, (1, channels, rows, columns)."""

PREVIEWS = ("taew2_1", "taew2_2", "lighttaew2_1", "lighttaew2_2")
"""Names of small decoders: those of Wan 2.1 and of Wan 2.2 TI2V, by two authors."""

PREVIEW_REPOSITORY = "lightx2v/Autoencoders"
"""The hub repository of their files, `NAME.safetensors`."""

_UNNORMALISED = "lighttae"
"""Beginning of the names of decoders that take latents without the VAE's normalisation."""

_DECODER = "decoder."
_STAGES = ((3, 7), (9, 13), (15, 19))
"""Indices in the file: the first memory block of each stage, and its temporal upsampling."""


def _convolution(inward: int, outward: int, *, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inward, outward, 3, padding=1, bias=bias)


class _MemoryBlock(nn.Module):
    """A residual block over a frame and the previous frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            _convolution(2 * width, width),
            nn.ReLU(),
            _convolution(width, width),
            nn.ReLU(),
            _convolution(width, width),
        )

    def forward(self, frames: Tensor, before: Tensor) -> Tensor:
        """Process frames (n, width, rows, columns), after the frame before the first of them."""
        shifted = torch.cat([before, frames[:-1]])
        return F.relu(self.conv(torch.cat([frames, shifted], dim=1)) + frames)


class _Grow(nn.Module):
    """Temporal upsampling: each frame becomes `stride` frames."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width * stride, 1, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Map (n, width, rows, columns) to (n * stride, width, rows, columns)."""
        grown: Tensor = self.conv(frames)
        return grown.reshape(-1, frames.shape[1], *frames.shape[2:])


class PreviewDecoder(nn.Module):
    """A decoder of latents in a fraction of the VAE's time, with slightly softer frames.

    Latents are normalised, (1, F, C, h, w), as in the denoiser.
    """

    def __init__(
        self,
        channels: int,
        widths: tuple[int, int, int, int],
        strides: tuple[int, int, int],
        patch: int = 1,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Identity(),  # a layer without weights in the file's numbering
            _convolution(channels, widths[0]),
            nn.ReLU(),
        ]
        for stage, stride in enumerate(strides):
            width, following = widths[stage : stage + 2]
            layers += [_MemoryBlock(width) for _ in range(3)]
            layers += [nn.Upsample(scale_factor=2), _Grow(width, stride)]
            layers += [_convolution(width, following, bias=False)]
        layers += [nn.ReLU(), _convolution(widths[-1], 3 * patch**2), nn.PixelShuffle(patch)]
        self.decoder = nn.Sequential(*layers)
        self.channels = channels
        self.factors = (int(np.prod(strides)), 2 ** len(strides) * patch)
        self.statistics: tuple[Tensor, Tensor] | None = None

    @classmethod
    @cpu_by_default()
    def from_file(
        cls,
        path: str | Path,
        *,
        dtype: torch.dtype = torch.float32,
        statistics: tuple[Tensor, Tensor] | None = None,
    ) -> PreviewDecoder:
        """Read a released file, `.pth` or `.safetensors`; its encoder is ignored.

        `statistics` are mean and deviation of the VAE's latents, (1, 1, C, 1, 1): decoders named
        "lighttae..." need them, since they take latents without normalisation.
        """
        path = expanded(path)
        state = {
            name: weight
            for name, weight in read_tree(find_files(path)).items()
            if name.startswith(_DECODER) and isinstance(weight, Tensor)
        }
        prefix = f"{path.name} is no small decoder for Wan, as {', '.join(PREVIEWS)} are"
        with located(prefix, KeyError, ValueError):
            model = cls._shaped(state)
            load_strictly(model, _cut(state, model))
        if path.name.startswith(_UNNORMALISED):
            if statistics is None:
                raise ValueError(f"{path.name} needs the statistics of the VAE's latents")
            model.statistics = statistics
        return model.to(dtype).requires_grad_(False).eval()  # noqa: FBT003 - torch's signature

    @classmethod
    def _shaped(cls, state: Mapping[str, Tensor]) -> PreviewDecoder:
        """Make a decoder with the sizes of given weights; time-preserving layers may be larger."""
        first = state[f"{_DECODER}1.weight"]
        ends = [state[f"{_DECODER}{grow + 1}.weight"] for _, grow in _STAGES]
        widths = (first.shape[0], *(end.shape[0] for end in ends))
        patch = math.isqrt(state[f"{_DECODER}22.weight"].shape[0] // 3)
        # The first stage does not upsample in time; the file may hold weights for more.
        return cls(first.shape[1], widths, (1, 2, 2), patch)  # type: ignore[arg-type]

    @torch.no_grad()
    def decode(
        self, latents: Tensor, state: Memory | None = None
    ) -> tuple[NDArray[np.uint8], Memory]:
        """Return frames uint8 (T, H, W, 3), and the state; see `VideoAutoencoder.decode`."""
        weight = next(self.parameters())
        if self.statistics is not None:
            mean, std = (part.to(latents.device, latents.dtype) for part in self.statistics)
            latents = latents * std + mean
        frames = torch.tanh(latents[0].to(weight.device, weight.dtype) / 3) * 3
        memory: list[Tensor] = []
        for layer in self.decoder:
            if isinstance(layer, _MemoryBlock):
                place = len(memory)
                before = torch.zeros_like(frames[:1]) if state is None else state[place]
                memory.append(frames[-1:].clone())
                frames = layer(frames, before)
            else:
                frames = layer(frames)
        if state is None:  # a video's first latent frame gives one frame: the last upsampled
            frames = frames[self.factors[0] - 1 :]
        return to_frames(frames.float() * 255, "small decoder"), tuple(memory)


def _cut(state: Mapping[str, Tensor], model: PreviewDecoder) -> State:
    """Cut the weights of temporal upsampling to the last frames that the model makes."""
    cut = dict(state)
    for name, wanted in model.state_dict().items():
        held = cut.get(name)
        growth = any(name == f"{_DECODER}{grow}.conv.weight" for _, grow in _STAGES)
        if growth and held is not None and len(held) > len(wanted):
            cut[name] = held[-len(wanted) :]
    return cut
