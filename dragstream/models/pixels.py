"""Decoded images as uint8 frames, refused where they are not finite."""

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
    """Make sure that decoded images are numbers.

    Raises:
        FloatingPointError: A value is infinite or NaN; the message names the part.
    """
    if not bool(torch.isfinite(images).all()):
        raise FloatingPointError(f"the {part} gave pixels that are not finite: {ADVICE}")


def to_frames(images: Tensor, part: str) -> NDArray[np.uint8]:
    """Images (T, 3, H, W), 0 to 255 and beyond, as frames uint8 (T, H, W, 3).

    Args:
        images: What was decoded.
        part: What decoded it, for the error: "decoder", "small decoder".

    Raises:
        FloatingPointError: A value is infinite or NaN, which as uint8 would be black or white.
    """
    check_finite(images, part)
    pixels = images.float().round().clamp(0, 255).to(torch.uint8)
    frames: NDArray[np.uint8] = pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return frames
