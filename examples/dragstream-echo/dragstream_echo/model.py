"""A model that repeats what it saw last: all that a `VideoModel` needs, and no more."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dragstream.drags import FrameClock, Grid
from dragstream.models import ModelSpec, Reading
from dragstream.models.base import LowPassFilter

WORDS = {"red": (0.8, -0.6, -0.6), "green": (-0.6, 0.6, -0.4), "blue": (-0.6, -0.4, 0.8)}
"""All that it understands, and the picture that it makes of it."""


@dataclass(frozen=True, eq=False)
class Echoes:
    """What the model remembers: a value that never changes.

    Args:
        text: The text in force, (1, 1, 3).
        last: The newest clean latent frame, (1, 1, C, h, w); None before the first block.
        frames: Latent frames committed so far.
    """

    text: Tensor
    last: Tensor | None = None
    frames: int = 0


class Echo:
    """Latents are the picture itself, one an eighth of its size; frames repeat the newest one."""

    def __init__(self) -> None:
        self.spec = ModelSpec(
            name="echo",
            grid=Grid.of(64, 96, spatial_factor=8, patch=(2, 2)),
            clock=FrameClock(temporal_factor=1, frame_rate=8.0),
            latent_channels=3,
            frames_per_block=3,
            sigmas=(1.0, 0.6, 0.3),
            denoising_step=1,
            learning_rate=0.1,
            layers=(0,),
            num_layers=1,
        )

    def encode_text(self, prompt: str) -> Tensor:
        """The mean colour of the prompt's words.

        Raises:
            ValueError: No words, or other words than `WORDS`.
        """
        words = prompt.split()
        unknown = [word for word in words if word not in WORDS]
        if unknown or not words:
            raise ValueError(f"the echo knows {', '.join(WORDS)}; got {prompt!r}")
        return torch.tensor([WORDS[word] for word in words]).mean(dim=0)[None, None]

    def new_context(self, text: Tensor) -> Echoes:
        """A stream that has no blocks yet."""
        return Echoes(text)

    def with_text(self, context: Echoes, text: Tensor) -> Echoes:
        """The same past under another text."""
        return Echoes(text, context.last, context.frames)

    def commit(self, latents: Tensor, context: Echoes) -> Echoes:
        """A context that remembers these latents too."""
        return Echoes(context.text, latents[:, -1:].clone(), context.frames + latents.shape[1])

    @torch.no_grad()
    def denoise(self, latents: Tensor, sigma: float, context: Echoes) -> Tensor:
        """The clean latents, without gradients."""
        return self._clean(latents, sigma, context)

    def _clean(self, latents: Tensor, sigma: float, context: Echoes) -> Tensor:
        """The newest frame again, and of the latents as much as there is in them besides noise."""
        echo = context.text[..., None, None] if context.last is None else context.last
        smooth = F.avg_pool2d(latents[0], 3, stride=1, padding=1, count_include_pad=False)
        return torch.lerp(echo.expand_as(latents), smooth[None], 1 - sigma)

    def read(
        self,
        latents: Tensor,
        sigma: float,
        context: Echoes,
        layers: Sequence[int] = (),
        filters: Sequence[LowPassFilter | None] = (None,),
        *,
        predict: bool = False,
        window: int | None = None,  # noqa: ARG002 - there is no attention to the past
    ) -> Reading:
        """A token's features are its own latents: 2 x 2 of them with all their channels."""
        patches = F.pixel_unshuffle(latents[0], 2).permute(0, 2, 3, 1)[None]
        taps = [dict.fromkeys(layers, low(patches) if low else patches) for low in filters]
        return Reading(taps, self._clean(latents, sigma, context) if predict else None)

    def decode(self, latents: Tensor, state: None = None) -> tuple[NDArray[np.uint8], None]:
        """Frames (F, H, W, 3), each for itself, so that there is nothing to remember."""
        pictures = F.interpolate(latents[0], scale_factor=8.0, mode="bilinear")
        pixels = ((pictures + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        frames: NDArray[np.uint8] = pixels.permute(0, 2, 3, 1).contiguous().numpy()
        return frames, state

    def encode_image(self, image: NDArray[np.uint8]) -> Tensor:
        """A first block in which the picture stands still."""
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1
        frame = F.avg_pool2d(pixels, 8)[None]
        return frame.expand(-1, self.spec.frames_per_block, -1, -1, -1).clone()

    def fingerprint(self) -> str:
        """Archives of other versions are not taken for this one's."""
        return hashlib.sha256(b"echo 1").hexdigest()
