"""A tiny causal Wan with random weights, and a block of it to drag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.motions import Translation
from dragstream.method.optimization import Optimization, Pull, Reference
from dragstream.method.settings import DragSettings
from dragstream.models.base import ModelSpec
from dragstream.models.causal_wan import CausalWan

SIZES = {
    "num_layers": 4,
    "num_heads": 2,
    "head_dim": 24,
    "ffn_dim": 48,
    "text_dim": 8,
    "freq_dim": 32,
    "latent_channels": 4,
    "frames_per_block": 3,
}


class TinyModel:
    """As much of a video model as the method uses; counts the passes it is asked for."""

    def __init__(self):
        torch.manual_seed(0)
        self.wan = CausalWan.from_config(SIZES)
        self.calls = []
        self.spec = ModelSpec(
            name="tiny",
            grid=Grid.of(64, 96),
            clock=FrameClock(1, 8.0),
            latent_channels=4,
            frames_per_block=3,
            sigmas=(1.0, 0.9, 0.75, 0.5),
            denoising_step=1,
            learning_rate=0.05,
            layers=(1, 2),
            num_layers=4,
        )

    def features(self, latents, sigma, context, layers, low_pass=None):
        self.calls.append(("features", low_pass))
        return self.wan.features(latents, sigma, context, layers, low_pass)

    def predict(self, latents, sigma, context):
        self.calls.append(("predict", None))
        return self.wan.predict(latents, sigma, context)


class ReadingOnce(TinyModel):
    """The same, and able to read features under several low-passes in one pass."""

    def filtered_features(self, latents, sigma, context, layers, low_passes):
        self.calls.append(("filtered_features", tuple(low_passes)))
        return self.wan.filtered_features(latents, sigma, context, layers, low_passes)


class Observing(ReadingOnce):
    """The same, and able to predict in that pass, too."""

    def observe(self, latents, sigma, context, layers, low_passes):
        self.calls.append(("observe", tuple(low_passes)))
        return self.wan.observe(latents, sigma, context, layers, low_passes)


@dataclass
class Scene:
    """One block after a committed one, and a drag that refers to the committed block."""

    model: TinyModel
    latents: torch.Tensor
    context: object
    reference: Reference
    neighbours: torch.Tensor
    mask: np.ndarray

    def pull(self, motion=None, fractions=(1 / 3, 2 / 3, 1.0), **kwargs):
        motion = Translation.by(24, 8) if motion is None else motion
        kwargs = {"reference": self.reference, "mask": self.mask, **kwargs}
        return Pull(motion=motion, fractions=fractions, **kwargs)

    def run(self, settings=None, pulls=None, *, seed=0, **kwargs):
        kwargs = {"neighbours": self.neighbours, **kwargs}
        return Optimization(
            self.model,
            kwargs.pop("latents", self.latents),
            self.context,
            [self.pull()] if pulls is None else pulls,
            settings=DragSettings.paper() if settings is None else settings,
            generator=torch.Generator().manual_seed(seed),
            **kwargs,
        )


@pytest.fixture
def scene():
    return make_scene(TinyModel())


@pytest.fixture
def scene_reading_once():
    return make_scene(ReadingOnce())


@pytest.fixture
def scene_observing():
    return make_scene(Observing())


def make_scene(model):
    generator = torch.Generator().manual_seed(1)

    def noise():
        return torch.randn(1, 3, 4, 8, 12, generator=generator)

    empty = model.wan.new_context(torch.randn(1, 5, 8, generator=generator))
    context = model.wan.commit(noise(), empty)
    before, latents = noise(), 1.1 * noise() + 0.2
    return Scene(
        model=model,
        latents=latents,
        context=context,
        reference=Reference(before, 0.9, empty, frame=2),
        neighbours=before[0],
        mask=regions.rasterise(regions.disc(center=(32, 28), radius=13), 64, 96),
    )
