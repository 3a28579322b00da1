"""A model without weights, quick enough for a take of 500 blocks, that answers to seeds and drags.

A disc wanders over a backdrop whose colour turns with time; where it wanders follows the latents.
The features are the latents themselves, so that the optimisation of a drag has a gradient.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional as F

from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.motions import Drag, Translation
from dragstream.drags.regions import disc
from dragstream.models.base import ModelSpec, Reading
from dragstream.stream.stream import Stream

DRAG = Drag(disc((40, 30), 12), Translation.by(20, 5))
"""A pull that fits their frame."""


@dataclass(frozen=True, eq=False)
class Past:
    """The context of the model: its length and the text."""

    frames: int
    text: torch.Tensor


class Swatches:
    """Video of 96 x 64 pixels, or any multiple of 16, in blocks of 3 latent frames."""

    def __init__(self, width=96, height=64, temporal_factor=4, frame_rate=16.0):
        self.spec = ModelSpec(
            name="swatches",
            grid=Grid.of(height, width),
            clock=FrameClock(temporal_factor=temporal_factor, frame_rate=frame_rate),
            latent_channels=4,
            frames_per_block=3,
            sigmas=(1.0, 0.7),
            denoising_step=1,
            learning_rate=0.1,
            layers=(0,),
            num_layers=1,
        )
        self._rows, self._columns = np.mgrid[:height, :width].astype(np.float32)

    def encode_text(self, prompt):
        if not prompt.strip():
            raise ValueError(f"a prompt must say something, got {prompt!r}")
        return torch.full((1, 1, 4), float(len(prompt)))

    def new_context(self, text):
        return Past(0, text)

    def with_text(self, context, text):
        return replace(context, text=text)

    def denoise(self, latents, sigma, context):  # noqa: ARG002 - as models have it
        return latents * (1 - 0.4 * sigma)

    def commit(self, latents, context):
        return replace(context, frames=context.frames + latents.shape[1])

    def read(self, latents, sigma, context, layers=(), filters=(None,), *, predict=False, **_):
        tokens = F.avg_pool2d(latents[0], 2)[None].movedim(2, -1)
        taps = [dict.fromkeys(layers, low(tokens) if low else tokens) for low in filters]
        return Reading(taps, self.denoise(latents, sigma, context) if predict else None)

    def decode(self, latents, state=None):
        first, place = (0, np.zeros(2)) if state is None else state
        frames = []
        for number, latent in enumerate(latents[0], start=first):
            count = 1 if number == 0 else self.spec.clock.temporal_factor
            pull = latent.mean(dim=(1, 2))[:2].double().numpy()
            place = place * 0.95 + pull
            frames += [self._draw(number, place)] * count
        return np.stack(frames), (first + latents.shape[1], place)

    def _draw(self, number, place):
        height, width = self._rows.shape
        sky = np.array(colorsys.hsv_to_rgb((0.55 + number / 60) % 1, 0.45, 0.8), np.float32)
        frame = sky * (1 - 0.35 * self._rows[..., None] / height)
        frame[self._rows > 0.75 * height] *= 0.6
        x, y = width * (0.5 + 0.4 * np.tanh(place[0])), height * (0.5 + 0.3 * np.tanh(place[1]))
        far = np.hypot(self._columns - x, self._rows - y) - height / 7
        disc = np.clip(0.5 - far, 0, 1)[..., None]
        frame = frame * (1 - disc) + np.array([0.95, 0.42, 0.22], np.float32) * disc
        return (frame * 255).astype(np.uint8)

    def encode_image(self, image):
        pixels = torch.from_numpy(image).float().movedim(-1, 0)[None] / 127.5 - 1
        latents = F.avg_pool2d(pixels, 8)
        latents = torch.cat([latents, latents[:, :1]], dim=1)
        return latents[:, None].expand(1, self.spec.frames_per_block, -1, -1, -1).clone()

    def fingerprint(self):
        return f"swatches {self.spec.grid}"


def dragged_stream(before, after):
    """A stream of so many plain blocks, two animated ones, and so many plain ones again."""
    stream = Stream(Swatches(), "a disc wanders", seed=5)
    stream.run(before, progress=False)
    stream.animate([DRAG], blocks=2)
    stream.run(after, progress=False)
    return stream
