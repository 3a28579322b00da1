"""A per-frame autoencoder, 8x smaller in space, with fast decoding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

CHANNELS = 8
FACTOR = 8


class Residual(nn.Module):
    """A residual block of two convolutions, initialised as the identity."""

    def __init__(self, width: int, hidden: int | None = None) -> None:
        super().__init__()
        hidden = width if hidden is None else hidden
        self.first = nn.Conv2d(width, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        if self.second.bias is not None:
            nn.init.zeros_(self.second.bias)

    def inside(self, x: Tensor) -> Tensor:
        """Compute the hidden channels."""
        return nn.functional.silu(self.first(nn.functional.silu(x)))

    def forward(self, x: Tensor) -> Tensor:
        """Add what the block changes."""
        change: Tensor = self.second(self.inside(x))
        return x + change


@dataclass(frozen=True)
class DecoderSize:
    """Sizes of a decoder at 1/2, 1/4 and 1/8 of the frame's size."""

    widths: tuple[int, int, int] = (48, 96, 128)  # channels between the residual blocks
    hidden: tuple[int, int, int] = (48, 96, 128)  # channels inside them
    blocks: tuple[int, int, int] = (2, 2, 3)  # number of residual blocks

    def build(self) -> nn.Sequential:
        """Make the decoder, from raw latents (N, 8, H/8, W/8) to frames (N, 3, H, W)."""
        fine, middle, coarse = self.widths
        at_fine, at_middle, at_coarse = (
            [Residual(width, hidden) for _ in range(count)]
            for width, hidden, count in zip(self.widths, self.hidden, self.blocks, strict=True)
        )
        return nn.Sequential(
            nn.Conv2d(CHANNELS, coarse, 3, padding=1),
            *at_coarse,
            nn.Conv2d(coarse, 4 * middle, 1),
            nn.PixelShuffle(2),
            *at_middle,
            nn.Conv2d(middle, 4 * fine, 1),
            nn.PixelShuffle(2),
            *at_fine,
            nn.SiLU(),
            nn.Conv2d(fine, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )


LIGHT = DecoderSize(hidden=(24, 32, 64), blocks=(2, 2, 2))
"""A lighter decoder for the same latents, with 43 % of the arithmetic; see `lighter`."""


class Autoencoder(nn.Module):
    """An autoencoder of single frames.

    Frames are (N, 3, H, W) in -1..1, latents (N, 8, H/8, W/8), normalised per channel to about
    mean 0 and standard deviation 1 over the training frames. No normalisation layers: each decoded
    pixel depends only on its neighbourhood, so a change of the latents stays local.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = DecoderSize.widths
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, fine, 3, padding=1),
            Residual(fine),
            nn.Conv2d(fine, middle, 4, stride=2, padding=1),
            Residual(middle),
            nn.Conv2d(middle, coarse, 4, stride=2, padding=1),
            Residual(coarse),
            Residual(coarse),
            nn.SiLU(),
            nn.Conv2d(coarse, CHANNELS, 3, padding=1),
        )
        self.decoder = DecoderSize().build()
        self.register_buffer("mean", torch.zeros(CHANNELS))
        self.register_buffer("std", torch.ones(CHANNELS))

    def encode(self, frames: Tensor) -> Tensor:
        """Encode frames (N, 3, H, W) in -1..1 as latents (N, 8, H/8, W/8)."""
        raw: Tensor = self.encoder(frames)
        return (raw - self.mean[:, None, None]) / self.std[:, None, None]

    def raw(self, latents: Tensor) -> Tensor:
        """Undo the normalisation of latents, for the decoder."""
        return latents * self.std[:, None, None] + self.mean[:, None, None]

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (N, 8, H/8, W/8) to frames (N, 3, H, W), about -1..1."""
        raw = self.raw(latents)
        dtype = next(self.decoder.parameters()).dtype
        # Channels last: convolutions on a CPU need less time.
        frames: Tensor = self.decoder(raw.to(dtype=dtype, memory_format=torch.channels_last))
        return frames.to(raw.dtype)
