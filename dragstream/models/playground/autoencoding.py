"""Training of the packaged autoencoder on single frames, and fine-tuning of its decoder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from dragstream.drags.reading import located
from dragstream.models.defaults import autocast_bfloat16
from dragstream.models.playground import world
from dragstream.models.playground.autoencoder import Autoencoder
from dragstream.models.playground.clips import as_input, draw_frames

LATENT_NOISE = 0.045
"""Standard deviation of the noise added to latents (of unit variance) before decoding."""
_TOGETHER = 0.05
"""Weight of the equivariance loss: moved frames must have moved latents."""
_CROPS = 20
"""Number of crops in a batch of the autoencoder."""


@dataclass(frozen=True)
class TrainingBudget:
    """Training budget: sizes of pool and batch, minutes of the transformer's training."""

    minutes: float
    autoencoder_steps: int
    decoder_steps: int
    batch: int
    pool: int
    learning_rate: float
    device: torch.device


def train_autoencoder(
    folder: Path, budget: TrainingBudget, weights: Path | None = None
) -> Autoencoder:
    """Train the autoencoder, or read it from the folder if it is trained already."""
    path = folder / "autoencoder.pt"
    model = Autoencoder().to(budget.device)
    if path.is_file():
        with located(f"{path} is no autoencoder", Exception):
            model.load_state_dict(torch.load(path, map_location=budget.device, weights_only=True))
        return model
    if weights is not None and (weights / "autoencoder.safetensors").is_file():
        model.load_state_dict(load_file(weights / "autoencoder.safetensors"))
        return model
    generator = torch.Generator().manual_seed(1)
    frames = draw_frames(budget.pool // 2, generator).to(budget.device)
    for weight in model.parameters():
        if weight.ndim == 4:  # convolution kernels; twice as fast on a CPU
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, betas=(0.9, 0.98), weight_decay=0)
    steps = budget.autoencoder_steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, steps, pct_start=0.08)
    for _ in tqdm(range(steps), desc="autoencoder"):
        loss = _autoencoder_loss(model, _crops(frames, generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    _normalise(model, frames[:1024])
    torch.save(model.state_dict(), path)
    return model


def sharpen_decoder(model: Autoencoder, folder: Path, budget: TrainingBudget) -> None:
    """Fine-tune the decoder on the busiest crops, with fixed latents."""
    generator = torch.Generator().manual_seed(3)
    frames = draw_frames(budget.pool, generator).to(budget.device)
    weights = list(model.decoder.parameters())
    average = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.98), weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, budget.decoder_steps)
    for step in tqdm(range(budget.decoder_steps), desc="decoder"):
        crops = _crops(frames, generator)
        with autocast_bfloat16(budget.device):
            with torch.no_grad():
                latents = model.encode(crops)
            decoded = model.decode(latents + LATENT_NOISE * torch.randn_like(latents)).float()
        picture_loss(decoded, crops).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        keep = min(0.995, (1 + step) / (10 + step))
        for mean, weight in zip(average, weights, strict=True):
            mean.lerp_(weight.detach(), 1 - keep)
    for mean, weight in zip(average, weights, strict=True):
        weight.data.copy_(mean)
    torch.save(model.state_dict(), folder / "autoencoder.pt")


def _crops(frames: Tensor, generator: torch.Generator) -> Tensor:
    return busy_crops(frames, generator, _CROPS)[0]


def busy_crops(
    frames: Tensor, generator: torch.Generator, count: int
) -> tuple[Tensor, tuple[Tensor, slice, slice]]:
    """Select the busier half of random 96x96 crops: the autoencoder is independent of position.

    Returns the crops (count, 3, 96, 96) in -1..1, and the index that selects their latents from
    those of all frames (N, 8, H/8, W/8): of frames, rows and columns; the channels come second.
    """
    index = torch.randint(len(frames), (2 * count,), generator=generator)
    top, left = (
        8 * int(torch.randint((size - 96) // 8 + 1, (), generator=generator))
        for size in (world.HEIGHT, world.WIDTH)
    )
    crops = as_input(frames[index][:, :, top : top + 96, left : left + 96])
    slopes = sum(slope.abs().mean((1, 2, 3)) for slope in _slopes(crops))
    busy = torch.as_tensor(slopes).topk(count).indices
    rows, columns = (slice(first // 8, first // 8 + 12) for first in (top, left))
    chosen = crops[busy].contiguous(memory_format=torch.channels_last)
    return chosen, (index[busy.cpu()], rows, columns)


def _autoencoder_loss(model: Autoencoder, frames: Tensor) -> Tensor:
    """Loss of reconstruction, of latent variance, and of equivariance to motions.

    Half of the frames are shifted, rotated and scaled at random, and so are their latents: these
    must decode to the moved frames and be near the moved frames' own latents. A drag moves features
    over the latent grid, by fractions of a cell too, which requires equivariant latents.
    """
    half = len(frames) // 2
    motion = _motions(half).to(frames.device)
    moved = _moved(frames[:half], motion)
    with autocast_bfloat16(frames.device):
        encoded = model.encode(torch.cat([frames, moved])).float()
    latents, own = encoded[: len(frames)], encoded[len(frames) :]
    led = _moved(latents[:half], motion)
    given = torch.cat([led, latents[half:]])
    with autocast_bfloat16(frames.device):
        decoded = model.decode(given + LATENT_NOISE * torch.randn_like(given)).float()
    variance = (latents.pow(2).mean((0, 2, 3)) - 1).pow(2).mean()
    centre = latents.mean((0, 2, 3)).pow(2).mean()
    rough = sum(slope.pow(2).mean() for slope in _slopes(latents))
    picture = picture_loss(decoded, torch.cat([moved, frames[half:]]))
    together = (led - own).pow(2).mean()
    return picture + _TOGETHER * together + 0.02 * (variance + centre) + 0.002 * rough


def _motions(count: int) -> Tensor:
    """Draw random shifts, rotations and scales of crops, (count, 2, 3) as for `affine_grid`."""
    angle = 2 * math.pi * torch.rand(count)
    scale = torch.exp(0.3 * (2 * torch.rand(count) - 1))
    shift = 0.2 * (2 * torch.rand(count, 2) - 1)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)]
    return torch.stack(rows, dim=1)


def _moved(maps: Tensor, motions: Tensor) -> Tensor:
    """Apply motions to frames or latents (N, C, H, W), mirrored at the borders."""
    grid = nn.functional.affine_grid(motions, list(maps.shape), align_corners=False)
    moved: Tensor = nn.functional.grid_sample(
        maps, grid, padding_mode="reflection", align_corners=False
    )
    return moved


def picture_loss(decoded: Tensor, frames: Tensor) -> Tensor:
    """L1 loss of colours and of their spatial gradients."""
    slopes = zip(_slopes(decoded), _slopes(frames), strict=True)
    edges = sum((a - b).abs().mean() for a, b in slopes)
    return (decoded - frames).abs().mean() + 0.5 * edges


def _slopes(maps: Tensor) -> tuple[Tensor, Tensor]:
    return maps[..., 1:] - maps[..., :-1], maps[..., 1:, :] - maps[..., :-1, :]


@torch.no_grad()
def _normalise(model: Autoencoder, frames: Tensor) -> None:
    """Set the latents' mean and standard deviation per channel from frames."""
    latents = torch.cat([model.encoder(as_input(part)) for part in frames.split(32)])
    model.mean.copy_(latents.mean((0, 2, 3)))
    model.std.copy_(latents.std((0, 2, 3)))
