# ruff: noqa: ARG002 - a model's methods have the arguments of `VideoModel`
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from dragstream.drags.geometry import FrameClock, Grid
from dragstream.models.base import LowPassFilter, ModelSpec, Reading
from dragstream.models.playground import world
from dragstream.revel.cases import Case
from dragstream.revel.scenes import sample_scene_case, scene_specs
from dragstream.stream.records import Block, Mode, Timings

SIDE = 8
CHANNELS = 3 * SIDE * SIDE


class Remembered:
    """A context: the newest latent frame, and how many there have been."""

    def __init__(self, text: torch.Tensor, frames: int = 0, last: torch.Tensor | None = None):
        self.text, self.frames, self.last = text, frames, last


class PictureModel:
    """A video model whose latents are the pixels themselves and whose world stands still.

    Each block repeats the newest frame; features are mean colours of tokens.
    """

    def __init__(self) -> None:
        self.spec = ModelSpec(
            name="picture",
            grid=Grid.of(world.HEIGHT, world.WIDTH),
            clock=FrameClock(temporal_factor=1, frame_rate=8.0),
            latent_channels=CHANNELS,
            frames_per_block=3,
            sigmas=(1.0, 0.5),
            denoising_step=1,
            learning_rate=0.05,
            layers=(0,),
            num_layers=1,
        )

    def encode_text(self, prompt: str) -> torch.Tensor:
        if not prompt:
            raise ValueError("empty prompt")
        return torch.zeros(1, 1, 1)

    def new_context(self, text: torch.Tensor) -> Remembered:
        return Remembered(text)

    def with_text(self, context: Remembered, text: torch.Tensor) -> Remembered:
        return Remembered(text, context.frames, context.last)

    def denoise(self, latents: torch.Tensor, sigma: float, context: Remembered) -> torch.Tensor:
        last = torch.zeros_like(latents[:, -1]) if context.last is None else context.last
        return last[:, None].expand_as(latents).clone()

    def commit(self, latents: torch.Tensor, context: Remembered) -> Remembered:
        return Remembered(context.text, context.frames + latents.shape[1], latents[:, -1].clone())

    def read(
        self,
        latents: torch.Tensor,
        sigma: float,
        context: Remembered,
        layers: Sequence[int] = (),
        filters: Sequence[LowPassFilter | None] = (None,),
        *,
        predict: bool = False,
        window: int | None = None,
    ) -> Reading:
        pooled = torch.nn.functional.avg_pool2d(latents[0], 2)
        tokens = pooled.permute(0, 2, 3, 1)[None]
        taps = [dict.fromkeys(layers, low(tokens) if low else tokens) for low in filters]
        return Reading(taps, self.denoise(latents, sigma, context) if predict else None)

    def decode(self, latents: torch.Tensor, state: Any = None) -> tuple[np.ndarray, None]:
        pixels = torch.nn.functional.pixel_shuffle(latents[0], SIDE)
        frames = ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return frames.permute(0, 2, 3, 1).contiguous().numpy(), None

    def encode(self, frames: np.ndarray) -> torch.Tensor:
        """Latents (F, C, h, w) of frames (F, H, W, 3)."""
        pixels = torch.from_numpy(frames.copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
        return torch.nn.functional.pixel_unshuffle(pixels, SIDE)

    def encode_image(self, image: np.ndarray) -> torch.Tensor:
        return self.encode(np.stack([image] * 3))[None]

    def fingerprint(self) -> str:
        return "picture"


@pytest.fixture(scope="session")
def model() -> PictureModel:
    return PictureModel()


@pytest.fixture(scope="session")
def drawn_scenes(model: PictureModel) -> Callable[..., list[Case]]:
    """The cases of the first scenes of the short benchmark."""

    def draw(count: int = 1, seed: int = 3, warm_up: int = 1, **options: Any) -> list[Case]:
        found = scene_specs(count, seed, warm_up=warm_up, **options)
        return [sample_scene_case(model, scene)[0] for scene in found]

    return draw


def make_scene(kind: str = "box", color: str = "red", **tracks: Sequence[float]) -> world.Scenes:
    """One object of the world in the middle of the room, under tracks of equal length.

    Tracks: x, y, radius, aspect, angle, yaw; those left out stand still.
    """
    rest = {"x": 96.0, "y": 84.0, "radius": 20.0, "aspect": 0.0, "angle": 0.0, "yaw": 0.0}
    frames = max([len(track) for track in tracks.values()], default=1)
    values = {
        name: torch.tensor(tracks.get(name, [value] * frames), dtype=torch.float32)
        for name, value in rest.items()
    }
    return world.Scenes(
        place=torch.zeros(1, dtype=torch.int64),
        kind=torch.tensor([[world.KINDS.index(kind)]]),
        color=torch.tensor([[list(world.COLORS).index(color)]]),
        motion=torch.zeros(1, 1, dtype=torch.int64),
        present=torch.ones(1, 1, dtype=torch.bool),
        camera=torch.zeros(1, dtype=torch.int64),
        pan=torch.zeros(1, frames, 1),
        **{name: value[None, :, None] for name, value in values.items()},
    )


@pytest.fixture
def scene() -> Callable[..., world.Scenes]:
    return make_scene


@pytest.fixture
def film() -> Callable[..., np.ndarray]:
    """Frames (T, H, W, 3) of one object under tracks, see `make_scene`."""
    return lambda *args, **tracks: world.render(make_scene(*args, **tracks))[0]


@pytest.fixture
def surface() -> Callable[[world.Scenes, int, np.ndarray], np.ndarray]:
    """Where points (N, 2) on the first object of frame 0 are in another frame: the truth."""

    def pose(scenes: world.Scenes, frame: int) -> tuple[np.ndarray, np.ndarray]:
        value = {
            name: float(getattr(scenes, name)[0, frame, 0])
            for name in ("x", "y", "radius", "aspect", "angle")
        }
        turn, stretch = math.radians(value["angle"]), math.exp(value["aspect"])
        cos, sin = math.cos(turn), math.sin(turn)
        size = np.diag([value["radius"] * stretch, value["radius"] / stretch])
        return np.array([[cos, -sin], [sin, cos]]) @ size, np.array([value["x"], value["y"]])

    def move(scenes: world.Scenes, frame: int, points: np.ndarray) -> np.ndarray:
        (first, start), (now, place) = pose(scenes, 0), pose(scenes, frame)
        return np.linalg.solve(first, (points - start).T).T @ now.T + place

    return move


@pytest.fixture
def block_of(model: PictureModel) -> Callable[..., Block]:
    """A block that shows given frames."""

    def make(frames: np.ndarray, index: int = 0, mode: Mode = Mode.STEP, **rest: Any) -> Block:
        latents = model.encode(frames)
        return Block(
            index=index,
            mode=mode,
            prompt="a box",
            latents=latents,
            noisy=(torch.zeros_like(latents), 2 * latents),  # drags are at step 1
            frames=frames,
            drift=(),
            timings=Timings(steps=(0.1, 0.1), drag=0.2, commit=0.05, decode=0.05),
            first_frame=3 * index,
            **rest,
        )

    return make
