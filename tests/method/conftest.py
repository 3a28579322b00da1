"""A tiny causal Wan with random weights, and a block of it to drag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.motions import Translation
from dragstream.method.block_drags import BlockDrag, Reference
from dragstream.method.dispatch import create_optimizer
from dragstream.method.problem import DragProblem
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
    """As much of a video model as the method uses; records the arguments of each pass."""

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

    def read(self, latents, sigma, context, layers=(), filters=(None,), **kwargs):
        self.calls.append({"filters": tuple(filters), "predict": False, **kwargs})
        return self.wan.read(latents, sigma, context, layers, filters, **kwargs)


@dataclass
class Scene:
    """One block after a committed one, and a drag that refers to the committed block."""

    model: TinyModel
    latents: torch.Tensor
    context: object
    reference: Reference
    neighbours: torch.Tensor
    mask: np.ndarray

    def drag(self, motion=None, fractions=(1 / 3, 2 / 3, 1.0), **kwargs):
        motion = Translation.by(24, 8) if motion is None else motion
        kwargs = {"reference": self.reference, "mask": self.mask, **kwargs}
        return BlockDrag(motion=motion, fractions=fractions, **kwargs)

    def problem(self, drags=None, **kwargs):
        given = {
            "latents": self.latents,
            "context": self.context,
            "neighbours": self.neighbours,
            "generator": torch.Generator().manual_seed(kwargs.pop("seed", 0)),
            "drags": (self.drag(),) if drags is None else tuple(drags),
        }
        return DragProblem(self.model, **given | kwargs)

    def run(self, settings=None, drags=None, **kwargs):
        settings = DragSettings.paper() if settings is None else settings
        return create_optimizer(settings, self.problem(drags, **kwargs))


@pytest.fixture
def scene():
    return make_scene(TinyModel())


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
