"""A per-frame autoencoder, 8x smaller in space, with fast decoding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CHANNELS = 8
FACTOR = 8


class _Residual(nn.Module):
    """A residual block of two convolutions, initialised as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        if self.second.bias is not None:
            nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.second(nn.functional.silu(self.first(nn.functional.silu(x))))
        return x + hidden


class Autoencoder(nn.Module):
    """An autoencoder of single frames.

    Frames are (N, 3, H, W) in -1..1, latents (N, 8, H/8, W/8), normalised per channel to about
    mean 0 and standard deviation 1 over the training frames. No normalisation layers: each decoded
    pixel depends only on its neighbourhood, so a change of the latents stays local.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, widths: tuple[int, int, int] = (48, 96, 128)) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, fine, 3, padding=1),
            _Residual(fine),
            nn.Conv2d(fine, middle, 4, stride=2, padding=1),
            _Residual(middle),
            nn.Conv2d(middle, coarse, 4, stride=2, padding=1),
            _Residual(coarse),
            _Residual(coarse),
            nn.SiLU(),
            nn.Conv2d(coarse, CHANNELS, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(CHANNELS, coarse, 3, padding=1),
            _Residual(coarse),
            _Residual(coarse),
            _Residual(coarse),
            nn.Conv2d(coarse, 4 * middle, 1),
            nn.PixelShuffle(2),
            _Residual(middle),
            _Residual(middle),
            nn.Conv2d(middle, 4 * fine, 1),
            nn.PixelShuffle(2),
            _Residual(fine),
            _Residual(fine),
            nn.SiLU(),
            nn.Conv2d(fine, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.register_buffer("mean", torch.zeros(CHANNELS))
        self.register_buffer("std", torch.ones(CHANNELS))

    def encode(self, frames: Tensor) -> Tensor:
        """Encode frames (N, 3, H, W) in -1..1 as latents (N, 8, H/8, W/8)."""
        raw: Tensor = self.encoder(frames)
        return (raw - self.mean[:, None, None]) / self.std[:, None, None]

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (N, 8, H/8, W/8) to frames (N, 3, H, W), about -1..1."""
        raw = latents * self.std[:, None, None] + self.mean[:, None, None]
        dtype = next(self.decoder.parameters()).dtype
        # Channels last: convolutions on a CPU need less time.
        frames: Tensor = self.decoder(raw.to(dtype=dtype, memory_format=torch.channels_last))
        return frames.to(raw.dtype)
