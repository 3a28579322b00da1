"""Frames that a model has made, as the renderer would have drawn them.

What is where is the model's choice: positions, sizes, angles and where faces look are fitted to its
frames by gradient descent through the renderer. How things look is the renderer's: the fitted
scenes have corners where boxes have corners, and two eyes to a critter.
"""

from __future__ import annotations

from dataclasses import fields, replace

import torch
from torch import Tensor, nn

from dragstream.models.defaults import FLOAT, cpu_by_default
from dragstream.models.playground import world
from dragstream.models.playground.painting import pixels

_STRIDE = 4
"""Pixels from sample to sample in the pictures that are compared."""
_ROUNDS = 2
_ITERATIONS = 30
"""Of a round, after angles have been sought."""
_RATE = 0.15
_UNITS = {"x": 3.0, "y": 3.0, "radius": 2.0, "aspect": 0.06, "angle": 8.0, "yaw": 10.0}
"""What a step of the descent moves, per unit of its learning rate."""
_LIMITS = {"radius": (26.0, 48.0), "aspect": (-0.45, 0.45), "yaw": (-65.0, 65.0)}
_ANGLES = torch.arange(-84.0, 85.0, 12.0, **FLOAT)
"""From where angles are sought, beside the last one that is known."""
_YAWS = torch.linspace(-60.0, 60.0, len(_ANGLES), **FLOAT)
_CHROMA = 0.12
"""A pixel less colourful than that, as the length of its colour without the gray, has no hue."""
_ALIKE = 0.95
"""Cosine between hues of one colour."""
_FEW = 5
"""Samples of a colour that are too few for an object."""


@cpu_by_default()
def fit_scenes(frames: Tensor, before: world.Scenes) -> world.Scenes:
    """Scenes that look like given frames.

    Args:
        frames: of a model, (N, F, 3, H, W) in -1..1.
        before: the N scenes that the frames go on from; their last frame is where the fit begins.

    Returns:
        N scenes of F frames with the same objects.

    Raises:
        ValueError: frames of another size or number.
    """
    size = (len(before), 3, world.HEIGHT, world.WIDTH)
    if frames.ndim != 5 or (frames.shape[0], *frames.shape[2:]) != size:
        raise ValueError(
            f"frames must be ({len(before)}, F, 3, {world.HEIGHT}, {world.WIDTH}), "
            f"got {tuple(frames.shape)}"
        )
    wanted = nn.functional.avg_pool2d(frames.float().flatten(0, 1), _STRIDE)
    wanted = (wanted / 2 + 0.5).unflatten(0, frames.shape[:2]).permute(0, 1, 3, 4, 2)
    scenes = _placed(_continued(before, frames.shape[1]), wanted)
    # A renderer that was compiled for whole frames would be compiled again for coarse ones.
    with torch.compiler.set_stance("force_eager"):
        for _ in range(_ROUNDS):
            scenes = _descended(replace(scenes, **_turned(scenes, wanted)), wanted)
    return scenes


def _descended(scenes: world.Scenes, wanted: Tensor) -> world.Scenes:
    """The scenes after some steps of gradient descent on all of a pose at once."""
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
    """Squared difference of coarse pictures, (N, F)."""
    return (world.sketch(scenes, _STRIDE) - wanted).square().sum((2, 3, 4))


def _continued(before: world.Scenes, frames: int) -> world.Scenes:
    """Scenes that stand still where they have come to, before a camera that pans on."""
    last = torch.full((len(before), frames), before.frames - 1)
    speed = before.pan[:, -1:] - before.pan[:, -2:-1] if before.frames > 1 else 0 * before.pan
    ahead = torch.arange(1, frames + 1)[None, :, None]
    return replace(before.at(last), pan=before.pan[:, -1:] + speed * ahead)


def _placed(scenes: world.Scenes, wanted: Tensor) -> world.Scenes:
    """The scenes with their objects in the middle of what has their colour."""
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
    """Colours (..., 3) less their gray."""
    return colors - colors.mean(dim=-1, keepdim=True)


@torch.no_grad()
def _turned(scenes: world.Scenes, wanted: Tensor) -> dict[str, Tensor]:
    """The best of some angles, of critters the best of some yaws: "angle" and "yaw" (N, F, K)."""
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
    """Each of the scenes several times over, one after the other."""
    return world.Scenes(
        **{f.name: getattr(scenes, f.name).repeat_interleave(times, 0) for f in fields(scenes)}
    )
