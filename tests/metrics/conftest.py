"""Small synthetic clips whose motion is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
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


def save_video(file: Path, frames: np.ndarray) -> Path:
    height, width = frames.shape[1:3]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"mp4v"), 16, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return file


def save_label(folder: Path, mode: str, deltas: list[object], *, turns: bool = False) -> Path:
    """A label of block 1 on a 192x128 video whose handle is the clips' disc."""
    folder.mkdir()
    y, x = np.mgrid[:128, :192]
    handle = np.hypot(x - CENTER[0], y - CENTER[1]) < 16
    Image.fromarray(handle.astype(np.uint8) * 255).save(folder / "handle.png")
    part = {"is_rotation": turns, "deltas": deltas, "start_point": [70, 80]}
    if turns:
        part["rotation_center"] = [70, 80]
    document = {
        "block_number": 1,
        "prompt": "a textured disc",
        "drag_or_animation_select": mode,
        "movable_area_mask_file": None,
        "trajectories": [
            {
                "original_trajectory": {
                    "is_rotation": turns,
                    "points": [[70, 80], [CENTER[0] + 10, CENTER[1]]],
                },
                "block_trajectories": [part],
                "mask_file": "handle.png",
            }
        ],
    }
    (folder / f"block_1_{mode}_trajectory.json").write_text(json.dumps(document))
    return folder


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    """Frames (T, H, W, 3) as an mp4 file."""
    return save_video


@pytest.fixture(scope="session")
def write_label() -> Callable[..., Path]:
    """A folder with a label of block 1."""
    return save_label


HUBCONF = '''
dependencies = ["torch"]

import torch


class Predictor(torch.nn.Module):
    """Moves every point by `model.speed` a frame; hides those beyond x = 100."""

    def __init__(self):
        super().__init__()
        self.model = torch.nn.Module()
        self.model.speed = torch.nn.Parameter(torch.zeros(2))

    def forward(self, video, queries):
        assert video.dtype == torch.float32 and video.shape[2] == 3
        assert queries.shape[-1] == 3 and not queries[..., 0].any()
        time = torch.arange(video.shape[1])[None, :, None, None]
        tracks = queries[:, None, :, 1:] + time * self.model.speed
        return tracks, tracks[..., 0] <= 100


def cotracker3_offline(*, pretrained=True, **kwargs):
    predictor = Predictor()
    if pretrained:
        raise OSError("no network")
    return predictor


'''


@pytest.fixture
def hub_folder(tmp_path: Path) -> Path:
    """A folder laid out as CoTracker's repository."""
    place = tmp_path / "co-tracker"
    place.mkdir()
    (place / "hubconf.py").write_text(HUBCONF)
    return place
