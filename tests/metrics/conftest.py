"""Small synthetic clips whose motion is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.drags.shapes import Shape

STEP = (3.0, -2.0)
"""How far the sliding patch moves a frame, pixels."""
CENTER = (70.0, 80.0)
"""Where the patch is at first."""
RADIUS = 30.0


def texture(seed: int, height: int = 128, width: int = 192) -> NDArray[np.float64]:
    """A smooth random picture, (H, W, 3) in 0..255."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    smooth = ndimage.gaussian_filter(noise, (2.0, 2.0, 0.0))
    return np.clip(128 + smooth * 300, 0, 255)


def moving_clip(poses: Sequence[Affine], noise: float = 0.0) -> NDArray[np.uint8]:
    """A textured disc over another texture, under a map from rest for each frame."""
    ground, patch = texture(0), texture(1)
    height, width = ground.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    rng = np.random.default_rng(2)
    frames = []
    for pose in poses:
        source = pose.inverse().apply(grid)
        distance = np.linalg.norm(source - np.array(CENTER), axis=-1)
        where = [source[..., 1], source[..., 0]]
        moved = np.stack(
            [ndimage.map_coordinates(patch[..., c], where, order=1) for c in range(3)], axis=-1
        )
        cover = np.clip(RADIUS - distance + 0.5, 0, 1)[..., None]
        frame = ground * (1 - cover) + moved * cover + rng.normal(size=ground.shape) * noise
        frames.append(np.clip(frame.round(), 0, 255).astype(np.uint8))
    return np.stack(frames)


@pytest.fixture
def clip() -> Callable[..., NDArray[np.uint8]]:
    """`moving_clip`: a frame for each pose."""
    return moving_clip


@pytest.fixture
def sliding() -> NDArray[np.uint8]:
    """Five frames in which the disc slides by STEP each."""
    return moving_clip([Affine.translation(i * STEP[0], i * STEP[1]) for i in range(5)])


@pytest.fixture
def step() -> tuple[float, float]:
    """How far the disc slides a frame in `sliding`."""
    return STEP


@pytest.fixture
def disc() -> Shape:
    """Where the disc is at rest, without its rim (where windows see the ground)."""
    return regions.disc(center=CENTER, radius=RADIUS - 12)


@pytest.fixture
def inner() -> NDArray[np.float64]:
    """Points (25, 2) well inside the disc at rest."""
    reach = np.linspace(-10, 10, 5)
    return np.stack(np.meshgrid(CENTER[0] + reach, CENTER[1] + reach), axis=-1).reshape(-1, 2)
