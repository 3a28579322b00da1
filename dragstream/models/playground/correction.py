"""Correction of generated frames: scenes are fitted to them, and drawn by the renderer.

The poses come from the model: positions, sizes, angles and yaws of faces are fitted to its frames
by gradient descent through the renderer. The appearance comes from the renderer: boxes of the
fitted scenes have sharp corners, and critters two eyes.
"""

from __future__ import annotations

from dataclasses import fields, replace

import torch
from torch import Tensor, nn

from dragstream.models.defaults import FLOAT, cpu_by_default
from dragstream.models.playground import world
from dragstream.models.playground.painting import pixels

_STRIDE = 4
"""Sampling distance of the compared images, in pixels."""
_ROUNDS = 2
_ITERATIONS = 30
"""Iterations of a round of descent, after the search of angles."""
_RATE = 0.15
_UNITS = {"x": 3.0, "y": 3.0, "radius": 2.0, "aspect": 0.06, "angle": 8.0, "yaw": 10.0}
"""Step size of each pose parameter, per unit of the learning rate."""
_LIMITS = {"radius": (26.0, 48.0), "aspect": (-0.45, 0.45), "yaw": (-65.0, 65.0)}
_ANGLES = torch.arange(-84.0, 85.0, 12.0, **FLOAT)
"""Candidates in the search of angles, in addition to the last known angle."""
_YAWS = torch.linspace(-60.0, 60.0, len(_ANGLES), **FLOAT)
_CHROMA = 0.12
"""Minimum length of a pixel's colour minus its gray; less saturated pixels have no hue."""
_ALIKE = 0.95
"""Minimum cosine between two hues of the same colour."""
_FEW = 5
"""Number of samples of a colour that is too small for an object."""


@cpu_by_default()
def fit_scenes(frames: Tensor, before: world.Scenes) -> world.Scenes:
    """Fit scenes to frames (N, F, 3, H, W) in -1..1, from the last frame of the N scenes before."""
    size = (len(before), 3, world.HEIGHT, world.WIDTH)
    if frames.ndim != 5 or (frames.shape[0], *frames.shape[2:]) != size:
        raise ValueError(
            f"frames must be ({len(before)}, F, 3, {world.HEIGHT}, {world.WIDTH}), "
            f"got {tuple(frames.shape)}"
        )
    wanted = nn.functional.avg_pool2d(frames.float().flatten(0, 1), _STRIDE)
    wanted = (wanted / 2 + 0.5).unflatten(0, frames.shape[:2]).permute(0, 1, 3, 4, 2)
    scenes = _placed(_continued(before, frames.shape[1]), wanted)
    # A renderer compiled for whole frames would be recompiled for coarse ones.
    with torch.compiler.set_stance("force_eager"):
        for _ in range(_ROUNDS):
            scenes = _descended(replace(scenes, **_turned(scenes, wanted)), wanted)
    return scenes


def _descended(scenes: world.Scenes, wanted: Tensor) -> world.Scenes:
    """Optimise all pose parameters of the scenes by gradient descent."""
    start = {name: getattr(scenes, name) for name in _UNITS}
    moves = {name: torch.zeros_like(value, requires_grad=True) for name, value in start.items()}
    optimizer = torch.optim.Adam(list(moves.values()), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _ITERATIONS, 0.1 * _RATE)

    def moved() -> world.Scenes:
        poses = {name: start[name] + _UNITS[name] * move for name, move in moves.items()}
        limited = {name: poses[name].clamp(*limits) for name, limits in _LIMITS.items()}
        return replace(scenes, **(poses | limited))

    with torch.enable_grad():
        for _ in range(_ITERATIONS):
            optimizer.zero_grad()
            _error(moved(), wanted).sum().backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return moved()


def _error(scenes: world.Scenes, wanted: Tensor) -> Tensor:
    """Compute the squared difference of coarse images, (N, F)."""
    return (world.sketch(scenes, _STRIDE) - wanted).square().sum((2, 3, 4))


def _continued(before: world.Scenes, frames: int) -> world.Scenes:
    """Extend the last frame of scenes without motion, under a camera that continues to pan."""
    last = torch.full((len(before), frames), before.frames - 1)
    speed = before.pan[:, -1:] - before.pan[:, -2:-1] if before.frames > 1 else 0 * before.pan
    ahead = torch.arange(1, frames + 1)[None, :, None]
    return replace(before.at(last), pan=before.pan[:, -1:] + speed * ahead)


def _placed(scenes: world.Scenes, wanted: Tensor) -> world.Scenes:
    """Move each object to the centre of the pixels with its colour."""
    palette = torch.tensor(list(world.COLORS.values()), **FLOAT) / 255
    hues = _hue(palette)[scenes.color]
    chroma = _hue(wanted)
    colorful = chroma.norm(dim=-1) > _CHROMA
    cosine = nn.functional.cosine_similarity(chroma[:, :, None], hues[:, None, :, None, None], -1)
    mine = ((cosine > _ALIKE) & colorful[:, :, None]).float()
    rows, columns = pixels(_STRIDE)
    count = mine.sum((-2, -1))
    seen = count >= _FEW
    x = (mine * columns).sum((-2, -1)) / count.clamp(min=1)
    y = (mine * rows).sum((-2, -1)) / count.clamp(min=1)
    return replace(scenes, x=torch.where(seen, x, scenes.x), y=torch.where(seen, y, scenes.y))


def _hue(colors: Tensor) -> Tensor:
    """Subtract the gray from colours (..., 3)."""
    return colors - colors.mean(dim=-1, keepdim=True)


@torch.no_grad()
def _turned(scenes: world.Scenes, wanted: Tensor) -> dict[str, Tensor]:
    """Search the best angles, and the best yaws of critters: "angle" and "yaw" (N, F, K)."""
    critter = (scenes.kind == world.KINDS.index("critter"))[:, None]
    best = {"angle": scenes.angle, "yaw": scenes.yaw}
    for slot in range(scenes.kind.shape[1]):
        this = torch.zeros_like(scenes.present[:1, None], dtype=torch.bool)
        this[..., slot] = True
        least = _error(replace(scenes, **best), wanted)
        for angle, yaw in zip(_ANGLES, _YAWS, strict=True):
            tried = {
                "angle": torch.where(this & ~critter, scenes.angle + angle, best["angle"]),
                "yaw": torch.where(this & critter, yaw, best["yaw"]),
            }
            error = _error(replace(scenes, **tried), wanted)
            better = (error < least)[..., None] & this
            best = {name: torch.where(better, tried[name], best[name]) for name in best}
            least = torch.minimum(error, least)
    return best


def repeated(scenes: world.Scenes, times: int) -> world.Scenes:
    """Repeat each scene several times, consecutively."""
    return world.Scenes(
        **{f.name: getattr(scenes, f.name).repeat_interleave(times, 0) for f in fields(scenes)}
    )
