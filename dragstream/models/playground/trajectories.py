"""Guided trajectories of a teacher from noise to clean latents, computed once and cached.

A trajectory follows the teacher's flow by plain Euler steps, with its guidance, and is a function
of its initial noise. So it can be stored: a student trains on the file many times, and the teacher,
thirteen passes per trajectory, runs once. The renderer may correct the end of a trajectory: see
`corrected`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from dragstream.drags.files import replacing
from dragstream.drags.reading import located
from dragstream.models.defaults import autocast_bfloat16
from dragstream.models.playground import world
from dragstream.models.playground.autoencoder import FACTOR
from dragstream.models.playground.clips import (
    BLOCK,
    as_input,
    draw_clips_and_scenes,
    encode_frames,
)
from dragstream.models.playground.correction import fit_scenes, repeated
from dragstream.models.playground.model import Playground

# Paths are kept in float16: the student learns from differences between neighbouring levels, and
# bfloat16 would round them eight times as coarsely.
_SINKS = (1, 0, 1, 0, 1, 0, 1, None)
"""Sinks of a shard's pasts, by the shard's number; None for first blocks of a stream."""
_FAR = 2000.0
"""Largest distance in frames between the sink and the past that follows it."""
_NEXT = 0.25
"""Share of clips whose past directly follows the sink."""
_CORRECTED_BELOW = 0.87
"""The noise level at which a corrected path leaves the teacher's."""
_UNLIKE = 0.15
"""Share of trajectories dropped from a file: those with the largest corrections, for example where
the teacher has blended two objects and no scene matches."""
_CHROMA = 0.66
"""Minimum range of an object pixel's channels (-1..1)."""
_AROUND = 2
"""Margin around an object, in latent cells, with the object's weight."""


@dataclass(frozen=True)
class Trajectories:
    """N trajectories of a block, each after a past of S frames: a sink and a block, or less."""

    past: Tensor  # clean latents before the block, (N, S, C, h, w); S may be 0
    path: Tensor  # the block at each level and clean, (N, levels + 1, BLOCK, C, h, w)
    near: Tensor  # 1 on and near objects, else 0, (N, 1, h, w)
    counts: Tensor  # the captions' word counts, (N, phrases, words)
    frames: Tensor  # absolute frame indices of past and block, (N, S + BLOCK)

    def __len__(self) -> int:
        return len(self.path)

    def sample(self, count: int, generator: torch.Generator) -> Trajectories:
        """Draw trajectories at random, in float32."""
        index = torch.randint(len(self), (count,), generator=generator)
        chosen = {field.name: getattr(self, field.name)[index] for field in fields(self)}
        frames = chosen.pop("frames")
        return Trajectories(**{name: x.float() for name, x in chosen.items()}, frames=frames)

    def save(self, path: Path) -> None:
        """Write a file atomically."""
        with replacing(path) as part:
            torch.save({field.name: getattr(self, field.name) for field in fields(self)}, part)

    @classmethod
    def load(cls, path: Path) -> Trajectories:
        """Open a file; its tensors are read from disk at use."""
        with located(f"{path} holds no trajectories", Exception):
            return cls(**torch.load(path, mmap=True, weights_only=True))


def flow_of_blocks(
    model: Playground,
    past: Tensor,
    blocks: Tensor,
    *,
    sigmas: Tensor,
    text: Tensor,
    frames: Tensor,
) -> Tensor:
    """Compute the flow of K alternative blocks after one past, in one pass.

    Each block attends to the past and itself; they share frame indices and the cost of the past.
    `past` is clean (N, S, C, h, w), S being 1 + BLOCK with a sink, BLOCK without, or 0; `blocks`
    (N, K, BLOCK, C, h, w), `sigmas` (N, K), `text` (N, phrases, text_dim) and `frames` (N, S +
    BLOCK) absolute. The flow is float32 in the shape of `blocks`.
    """
    count, known = blocks.shape[1], past.shape[1]
    sink = max(known - BLOCK, 0)
    stage = [0] * sink + [1] * (known - sink)
    stage += [2 + block for block in range(count) for _ in range(BLOCK)]
    of, to = torch.tensor(stage)[:, None], torch.tensor(stage)[None]
    visible = (of == to) | ((to < 2) & (to < of))
    levels = torch.cat([sigmas.new_zeros(len(past), known), sigmas.repeat_interleave(BLOCK, 1)], 1)
    times = torch.cat([frames[:, :known], frames[:, known:].repeat(1, count)], 1)
    with autocast_bfloat16(past.device):
        clips = torch.cat([past, blocks.flatten(1, 2)], 1)
        flow: Tensor = model.wan(clips, levels, text, times, visible)
    of_blocks: Tensor = flow[:, known:].float().unflatten(1, (count, BLOCK))
    return of_blocks


@torch.no_grad()
def draw_trajectories(
    teacher: Playground, shard: int, clips: int, noises: int = 2, *, correct: bool = True
) -> Trajectories:
    """Generate the teacher's guided trajectories on fresh clips: the same ones for one `shard`.

    A small teacher draws boxes without corners even after a perfect past. With `correct`, the
    renderer redraws the teacher's result, the path is changed to end there, and `_UNLIKE` of the
    clips * noises trajectories are dropped.
    """
    generator = torch.Generator().manual_seed(500_000 + shard)
    device = teacher.device
    drawn, scenes = draw_clips_and_scenes(clips, generator, teacher.autoencoder)
    sink = _SINKS[shard % len(_SINKS)]
    known = 0 if sink is None else sink + BLOCK
    past = drawn.latents[:, 1 - (sink or 0) :][:, :known].float()
    far = _FAR ** torch.rand(clips, 1, generator=generator) * BLOCK
    far = torch.where(torch.rand(clips, 1, generator=generator) < _NEXT, BLOCK, far)
    first = far.floor().long() * (sink or 0)
    frames = first + torch.arange(max(known - (sink or 0), 0) + BLOCK)
    frames = torch.cat([torch.zeros(clips, sink or 0, dtype=torch.long), frames], 1).to(device)
    shape = (clips, noises, BLOCK, *drawn.latents.shape[2:])
    text, silence = teacher.captions(drawn.counts), teacher.captions.silence()
    guidance = teacher.guidance

    def flow(blocks: Tensor, sigma: float) -> Tensor:
        levels = torch.full((clips, noises), sigma, device=device)
        conditional = flow_of_blocks(teacher, past, blocks, sigmas=levels, text=text, frames=frames)
        if not guidance.acts(sigma):
            return conditional
        silent = silence.expand(clips, -1, -1)
        unconditional = flow_of_blocks(
            teacher, past, blocks, sigmas=levels, text=silent, frames=frames
        )
        return unconditional + guidance.scale * (conditional - unconditional)

    noisy = [torch.randn(shape, generator=generator).to(device)]
    for level, lower in itertools.pairwise((*teacher.spec.sigmas, 0.0)):
        noisy.append(noisy[-1] - (level - lower) * flow(noisy[-1], level))
    path = torch.stack(noisy, 2).flatten(0, 1)
    found = Trajectories(
        past=_each(past, noises).to(torch.bfloat16),
        path=path.to(torch.float16),
        near=near_objects(decode_blocks(teacher, path[:, -1])).to(torch.bfloat16),
        counts=_each(drawn.counts, noises),
        frames=_each(frames, noises),
    )
    if not correct or not known:
        return found
    before = scenes.at(torch.arange(1 + BLOCK).expand(clips, -1))
    return _as_rendered(found, path, repeated(before, noises), teacher)


def _as_rendered(
    found: Trajectories, path: Tensor, before: world.Scenes, teacher: Playground
) -> Trajectories:
    """Correct trajectories, and drop those whose last frames the renderer fits worst."""
    fitted = fit_scenes(decode_blocks(teacher, path[:, -1]).cpu(), before)
    video = torch.from_numpy(world.render(fitted))
    clean = encode_frames(video, teacher.autoencoder).float().unflatten(0, (len(path), BLOCK))
    near = near_objects(as_input(video.to(path.device)).permute(0, 1, 4, 2, 3))
    error = (clean - path[:, -1]).square().mean((1, 2)) * near[:, 0]
    order = (error.sum((1, 2)) / near.sum((1, 2, 3)).clamp(min=1)).argsort()
    kept = order[: math.ceil((1 - _UNLIKE) * len(order))].sort().values
    led = corrected(path, clean, (*teacher.spec.sigmas, 0.0))
    changed = replace(found, path=led.to(torch.float16), near=near.to(torch.bfloat16))
    return Trajectories(**{each.name: getattr(changed, each.name)[kept] for each in fields(found)})


def corrected(path: Tensor, clean: Tensor, levels: Sequence[float]) -> Tensor:
    """Change a path to end in other clean latents, with the same start.

    At high noise the final errors are not visible yet: the correction starts at `_CORRECTED_BELOW`,
    and then grows evenly. `path` is (N, levels, BLOCK, C, h, w), `clean` (N, BLOCK, C, h, w); the
    last of the levels is 0.
    """
    share = (1 - torch.tensor(levels, device=path.device) / _CORRECTED_BELOW).clamp(min=0)
    return path + share[:, None, None, None, None] * (clean - path[:, -1])[:, None]


def decode_blocks(model: Playground, latents: Tensor) -> Tensor:
    """Decode clean latents (N, BLOCK, C, h, w) to frames (N, BLOCK, 3, H, W), about -1..1."""
    with autocast_bfloat16(latents.device):
        frames = [model.autoencoder.decode(part) for part in latents.flatten(0, 1).split(16)]
    decoded: Tensor = torch.cat(frames).float().unflatten(0, latents.shape[:2])
    return decoded


def _each(values: Tensor, times: int) -> Tensor:
    return values.repeat_interleave(times, 0)


def near_objects(frames: Tensor) -> Tensor:
    """Mask objects (saturated pixels) and a margin in frames (N, BLOCK, 3, H, W): (N, 1, h, w)."""
    chroma = frames.amax(2) - frames.amin(2)
    cells = nn.functional.avg_pool2d((chroma > _CHROMA).float(), FACTOR) > 0.25
    shown = cells.float().amax(1, keepdim=True)
    near: Tensor = nn.functional.max_pool2d(shown, 2 * _AROUND + 1, stride=1, padding=_AROUND)
    return near
