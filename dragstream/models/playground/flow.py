"""Flow matching on clips: the loss of the transformer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dragstream.models.defaults import autocast_bfloat16
from dragstream.models.playground.clips import BLOCK, Clips
from dragstream.models.playground.model import Playground

_FAR = 2000.0
"""Largest distance in frames, in training, between the sink and the blocks that attend to it."""
_CLEAN_PAST = {0: 0.5, 1: 0.75}
"""Share of clips with a clean past, by number of sinks: early blocks often have no past at all."""
_WORDLESS = 0.1
"""Share of clips without a caption, for classifier-free guidance."""
_ROUGH_PAST = 0.12
"""Maximum noise (a sigma) of a past at nominal level 0."""
_LEAST_NOISE = 0.1
_OBJECTS = 3.0
"""Weight of errors around objects, which fill a sixth of a frame and are the hard part."""
_AROUND = 2
"""Margin around objects, in latent cells and all frames, with the same weight. A larger weight on
an object than beside it would bias the model towards drawing objects, and enlarge them."""


def levels_between(
    steps: Sequence[float], shape: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    """Draw noise levels in the sampler's proportions: pure noise, or between two steps."""
    sigmas = torch.tensor([*steps, _LEAST_NOISE])
    step = torch.randint(len(sigmas) - 1, shape, generator=generator)
    level = sigmas[step].lerp(sigmas[step + 1], torch.rand(shape, generator=generator))
    return torch.where(step > 0, level, 1.0)


@dataclass(frozen=True)
class Batch:
    """Clips as model inputs: (B, F, ...) with `sink` frames before the two blocks."""

    latents: Tensor
    text: Tensor
    frames: Tensor
    sink: int

    def flow(self, model: Playground, noisy: Tensor, sigmas: Tensor) -> Tensor:
        """Compute the model's flow for the first frames of the batch, as many as `noisy` has."""
        known = noisy.shape[1]
        stage = torch.tensor([0] * self.sink + [1] * BLOCK + [2] * BLOCK)[:known]
        visible = stage[:, None] >= stage[None, :]  # the sink and each block's past
        with autocast_bfloat16(noisy.device):
            flow = model.wan(noisy, sigmas, self.text, self.frames[:, :known], visible)
        return torch.as_tensor(flow).float()


def mix(latents: Tensor, noise: Tensor, sigmas: Tensor) -> Tensor:
    """Mix latents with noise at noise levels (B, F)."""
    scale = sigmas[..., None, None, None]
    return (1 - scale) * latents + scale * noise


def flow_loss(
    model: Playground, clips: Clips, generator: torch.Generator, *, self_fed: bool
) -> Tensor:
    """Compute the flow matching loss of a batch: mean squared error of the flow of noisy frames."""
    device, count = clips.latents.device, len(clips)
    sink = int(torch.rand((), generator=generator) < 0.5)
    latents = clips.latents[:, 1 - sink :]
    far = _FAR ** torch.rand(count, 1, generator=generator) * BLOCK
    far = torch.where(torch.rand(count, 1, generator=generator) < 0.25, BLOCK, far)
    first = far.floor().long() * sink
    frames = torch.cat([torch.zeros(count, sink), first + torch.arange(2 * BLOCK)], 1).long()
    captioned = (torch.rand(count, 1, 1, generator=generator) >= _WORDLESS).to(device)
    batch = Batch(latents, model.captions(clips.counts * captioned), frames.to(device), sink)

    clean = torch.rand(count, 1, generator=generator) < _CLEAN_PAST[sink]
    past = torch.where(clean, 0.0, levels_between(model.spec.sigmas, (count, 1), generator))
    block = levels_between(model.spec.sigmas, (count, 1), generator)
    levels = [torch.zeros(count, sink), past.expand(-1, BLOCK), block.expand(-1, BLOCK)]
    sigmas = torch.cat(levels, 1).to(device)
    noise = torch.randn(latents.shape, generator=generator).to(device)
    # Noise in a past at nominal level 0 teaches the model to correct imperfect pasts.
    if self_fed:
        noisy = mix(regenerated(model, batch, clean.to(device), generator), noise, sigmas)
    else:
        rough = torch.rand(count, 1, generator=generator).to(device) * _ROUGH_PAST
        noisy = mix(latents, noise, torch.where(sigmas > 0, sigmas, rough))
    error = (batch.flow(model, noisy, sigmas) - (noise - latents)).pow(2).mean(2, keepdim=True)
    shown = clips.cover[:, 1:].amax(1)
    near = nn.functional.max_pool2d(shown, 2 * _AROUND + 1, stride=1, padding=_AROUND)[:, None]
    weight = (sigmas > 0)[..., None, None, None] * (1 + _OBJECTS * near)
    return (error * weight).sum() / weight.sum()


@torch.no_grad()
def regenerated(
    model: Playground, batch: Batch, clean: Tensor, generator: torch.Generator
) -> Tensor:
    """Replace the clean past (B, 1) by the model's own prediction, for most clips."""
    latents, known = batch.latents, batch.sink + BLOCK
    past = latents[:, :known]
    level = 0.35 + 0.45 * torch.rand(len(past), 1, generator=generator).to(past.device)
    sigmas = torch.cat([level.new_zeros(len(past), batch.sink), level.expand(-1, BLOCK)], 1)
    noisy = mix(past, torch.randn(past.shape, generator=generator).to(past.device), sigmas)
    flow = batch.flow(model, noisy, sigmas)
    guess = noisy - sigmas[..., None, None, None] * flow
    replaced = clean & (torch.rand(clean.shape, generator=generator).to(clean.device) < 0.6)
    mixed = torch.where(replaced[..., None, None, None], guess, past)
    return torch.cat([mixed, latents[:, known:]], dim=1)
