"""Blocks, iterations and a stream of them, made by hand for the plots to draw."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from dragstream.drags import regions
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.motions import Drag, Translation
from dragstream.method.moments import Moments
from dragstream.stream.records import Block, Iteration, Mode, Timings

HEIGHT, WIDTH = 64, 96
GRID = Grid.of(HEIGHT, WIDTH)
DISC = regions.disc(center=(30, 20), radius=8)
PULL = Drag(DISC, Translation.by(24, 12))
FLAT = Moments((0.0,), (1.0,), (-1.0,), (1.0,))


def iteration(index: int, loss: float, *, cutoff: float = 1.0, segment: int = 0) -> Iteration:
    return Iteration(
        index=index,
        segment=segment,
        loss=loss,
        loss_rec=0.75 * loss,
        loss_cst=0.25 * loss,
        cutoff=cutoff,
        gradient_norm=1.0,
        moments_before=FLAT,
        moments=FLAT,
        drift_before=0.5,
        drift=0.1 * (index + 1),
        seconds=0.1,
    )


def block(index: int, mode: Mode = Mode.STEP, **fields: Any) -> Block:
    """Three latent frames that are three video frames; every pixel says which frame it is in."""
    frames = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
    frames += np.arange(3 * index, 3 * index + 3, dtype=np.uint8)[:, None, None, None] * 10
    drift = (0.1 * index, 0.2 * index, 0.3 * index) if index else (math.nan,) * 3
    return Block(
        index=index,
        mode=mode,
        prompt="a red box rests",
        latents=torch.zeros(3, 4, GRID.latent_height, GRID.latent_width),
        noisy=(),
        timings=Timings((0.1,), 0.0, 0.1, 0.1),
        **({"drift": drift, "frames": frames, "first_frame": 3 * index} | fields),
    )


def dragged(index: int, mode: Mode = Mode.ANIMATE, **fields: Any) -> Block:
    iterations = tuple(
        iteration(number, 4.0 - number, cutoff=cutoff, segment=number // 2)
        for number, cutoff in enumerate((0.2, 1.0, 0.2, 0.6))
    )
    return block(index, mode, drags=(PULL,), iterations=iterations, **fields)


def stream_of(*blocks: Block) -> Any:
    """What plots read of a stream."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(3, GRID.token_height, GRID.token_width, 12, generator=generator)

    def features(block: int, layers: object, cutoff: float) -> dict[int, torch.Tensor]:
        assert -len(blocks) <= block < len(blocks)
        smooth = tokens * cutoff + tokens.mean(dim=(1, 2), keepdim=True) * (1 - cutoff)
        return {0: smooth[..., :6], 1: smooth[..., 6:]} if layers is None else {0: smooth}

    frames = [b.frames for b in blocks] or [np.zeros((0, HEIGHT, WIDTH, 3), np.uint8)]
    spec = SimpleNamespace(grid=GRID, clock=FrameClock(1, 8.0))
    return SimpleNamespace(
        blocks=blocks,
        frames=np.concatenate(frames),
        features=features,
        model=SimpleNamespace(spec=spec),
    )
