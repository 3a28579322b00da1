"""Conversion of decoded images to uint8 frames, with a check for finite values."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ADVICE = (
    'half precision overflows there with some weights: load the model with vae_dtype="float32"; '
    "if that is what it has, its weights are damaged"
)


def check_finite(images: Tensor, part: str) -> None:
    """Check that decoded images are finite."""
    if not bool(torch.isfinite(images).all()):
        raise FloatingPointError(f"the {part} gave pixels that are not finite: {ADVICE}")


def to_frames(images: Tensor, part: str) -> NDArray[np.uint8]:
    """Convert images (T, 3, H, W), nominally 0 to 255 and finite, to uint8 (T, H, W, 3)."""
    check_finite(images, part)
    pixels = images.float().round().clamp(0, 255).to(torch.uint8)
    frames: NDArray[np.uint8] = pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return frames
