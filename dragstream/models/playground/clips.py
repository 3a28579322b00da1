"""Training clips of the playground: an unlimited rendered supply, stored as latents."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dragstream.models.defaults import autocast_bfloat16
from dragstream.models.playground import world
from dragstream.models.playground.autoencoder import FACTOR, Autoencoder
from dragstream.models.playground.captions import caption, word_counts

BLOCK = 3
"""Latent frames of a block."""

ROUGH_PAST = 0.12
"""Maximum noise (a sigma) of a past at nominal level 0."""
OBJECTS = 3.0
"""Weight of errors around objects, which fill a sixth of a frame and are the hard part."""

_AROUND = 2
"""Margin around objects, in latent cells and all frames, with the same weight. A larger weight on
an object than beside it would bias the model towards drawing objects, and enlarge them."""
_FAR = 2000.0
"""Largest distance in frames, in training, between the sink and the frames that attend to it."""
_NEXT = 0.25
"""Share of clips whose frames directly follow the sink."""
_HORIZON = 40
"""Maximum video frames simulated between a clip's first frame and its last two blocks."""
_STILL = 0.12
"""Share of clips with a motionless past, as after an image start."""
_SILENT = 0.2
"""Share of phrases without a motion in the caption; likewise of captions without a place."""


@dataclass
class Clips:
    """Clips in the layout of the causal Wan's streams: sink frame, previous block, block.

    `latents` is (N, 1 + 2 * BLOCK, C, h, w) in bfloat16, `cover` the share of each latent cell
    that objects fill, (N, 1 + 2 * BLOCK, 1, h, w), `counts` the captions' word counts.
    """

    latents: Tensor
    cover: Tensor
    counts: Tensor

    def __len__(self) -> int:
        return len(self.latents)

    def sample(self, count: int, generator: torch.Generator) -> Clips:
        """Draw clips at random, latents and cover in float32."""
        index = torch.randint(len(self), (count,), generator=generator)
        return Clips(self.latents[index].float(), self.cover[index].float(), self.counts[index])

    def replace(self, fresh: Clips, generator: torch.Generator) -> None:
        """Replace random clips by fresh ones."""
        index = torch.randperm(len(self), generator=generator)[: len(fresh)]
        self.latents[index] = fresh.latents
        self.cover[index] = fresh.cover
        self.counts[index] = fresh.counts


def draw_frames(count: int, generator: torch.Generator) -> Tensor:
    """Render single frames for the autoencoder: uint8 (count, 3, H, W)."""
    frames = world.render(world.sample_scenes(generator, count, 1))[:, 0]
    return torch.from_numpy(frames).permute(0, 3, 1, 2)


def as_input(frames: Tensor) -> Tensor:
    """Convert uint8 frames to the autoencoder's input: float32 in -1..1."""
    return frames.float() / 127.5 - 1


@torch.no_grad()
def draw_clips(count: int, generator: torch.Generator, autoencoder: Autoencoder) -> Clips:
    """Render and encode fresh clips, on the autoencoder's device."""
    device = autoencoder.mean.device
    scenes = world.sample_scenes(generator, count, _HORIZON + 2 * BLOCK)
    start = torch.randint(BLOCK, _HORIZON + 1, (count, 1), generator=generator)
    steps = torch.arange(2 * BLOCK)
    still = torch.rand(count, 1, generator=generator) < _STILL
    steps = torch.where(still, (steps - BLOCK + 1).clamp(min=0), steps)
    picked = torch.cat([torch.zeros(count, 1, dtype=torch.int64), start + steps], dim=1)
    video, masks = world.render_with_masks(scenes.at(picked))
    latents = encode_frames(torch.from_numpy(video), autoencoder)
    objects = torch.from_numpy(masks).any(dim=2).flatten(0, 1)[:, None]
    cover = nn.functional.avg_pool2d(objects.float().to(device), FACTOR)
    latents, cover = (
        part.unflatten(0, (count, -1)).to(torch.bfloat16) for part in (latents, cover)
    )
    counts = word_counts(_captions(scenes, generator)).to(device)
    return Clips(latents, cover, counts)


def near_objects(cover: Tensor) -> Tensor:
    """Return how far objects fill a cell or one near it, in any frame of (N, F, 1, h, w): 0..1."""
    shown = cover.amax(1)
    near: Tensor = nn.functional.max_pool2d(shown, 2 * _AROUND + 1, stride=1, padding=_AROUND)
    return near


def draw_frame_indices(count: int, sink: int, frames: int, generator: torch.Generator) -> Tensor:
    """Draw absolute frame indices (count, sink + frames), the frames at any distance from the sink.

    Without a sink (0) they begin at 0.
    """
    far = _FAR ** torch.rand(count, 1, generator=generator) * BLOCK
    far = torch.where(torch.rand(count, 1, generator=generator) < _NEXT, BLOCK, far)
    after = far.floor().long() * sink + torch.arange(frames)
    return torch.cat([torch.zeros(count, sink, dtype=torch.long), after], 1)


@torch.no_grad()
def encode_frames(video: torch.Tensor, autoencoder: Autoencoder) -> torch.Tensor:
    """Encode rendered clips, uint8 (B, T, H, W, 3), as latents (B T, C, h, w)."""
    device = autoencoder.mean.device
    pixels = as_input(video.flatten(0, 1).to(device).permute(0, 3, 1, 2))
    with autocast_bfloat16(device):
        return torch.cat([autoencoder.encode(part) for part in pixels.split(64)])


def _captions(scenes: world.Scenes, generator: torch.Generator) -> list[str]:
    """Write captions that leave some attributes open, so that prompts may do so, too."""
    motions = re.compile(f" ({'|'.join(world.MOTIONS)})")
    texts = []
    for index in range(len(scenes)):
        silent = torch.rand(3, generator=generator) < _SILENT
        parts = caption(scenes, index, place=not silent[2]).split(" and ")
        texts.append(
            " and ".join(
                motions.sub("", part) if quiet else part
                for part, quiet in zip(parts, silent.tolist(), strict=False)
            )
        )
    return texts
