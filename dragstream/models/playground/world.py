"""The playground's world: scenes with known ground truth, and their renderer.

Critters (balls with a face that turns), boxes with a stripe and stars stand on a floor in front of
a wall, sometimes seen by a panning camera. Their motion is *uncertain on purpose*: velocity, angle,
yaw and aspect are random walks with jumps that a caption only biases. A model trained on
predictable motion extrapolates the past and ignores its latents, and then no drag can move
anything.

Units are pixels of the video frame (x right, y down) and degrees, positive clockwise on screen;
time is counted in video frames. Everything is vectorised over scenes and frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dragstream.models.defaults import FLOAT, cpu_by_default
from dragstream.models.playground.names import (
    CAMERA_MOTIONS,
    COLORS,
    FRAME_RATE,
    HEIGHT,
    HORIZON,
    KINDS,
    MOTIONS,
    PLACES,
    WIDTH,
)
from dragstream.models.playground.painting import backdrop, paint

_VELOCITY_BIAS = torch.tensor(
    # x and y in pixels per frame, angle and yaw in degrees per frame, one row per motion
    [
        [0.0, 0.0, 0.0, 0.0],
        [-8.0, 0.0, 0.0, 0.0],
        [8.0, 0.0, 0.0, 0.0],
        [0.0, -5.0, 0.0, 0.0],
        [0.0, 5.0, 0.0, 0.0],
        [5.0, 6.0, 0.0, 0.0],
        [0.0, 0.0, 18.0, 0.0],
        [0.0, 0.0, 0.0, 18.0],
    ],
    **FLOAT,
)
# Standard deviations of the random walks, in the units above: calm, in a jump, in a rare leap.
_CALM = torch.tensor([2.0, 1.6, 3.0, 5.0], **FLOAT)
_JUMP = torch.tensor([10.5, 8.0, 18.0, 22.0], **FLOAT)
_LEAP = torch.tensor([24.0, 16.0, 36.0, 36.0], **FLOAT)
_JUMP_PROBABILITY = 0.35
_LEAP_PROBABILITY = 0.03
_INERTIA = 0.5
_YAW_LIMIT = 65.0
_ASPECT_LIMIT = 0.38
_PAN_SPEED = 2.5
"""Mean speed of a panning camera, in pixels per frame."""


def either(condition: Tensor, yes: float, no: float) -> Tensor:
    """Select one of two numbers by a condition, as `torch.where` in float32."""
    return torch.where(condition, torch.tensor(yes, **FLOAT), no)


def pan(generator: torch.Generator, frames: int, camera: Tensor) -> Tensor:
    """Draw the pan of cameras (B,): (B, T, 1), 0 in the first frame."""
    mean = torch.tensor([0.0, -_PAN_SPEED, _PAN_SPEED], **FLOAT)[camera, None]
    wavering = 0.4 * _PAN_SPEED * torch.randn(len(camera), frames, generator=generator, **FLOAT)
    speed = torch.where(mean == 0, 0.0, mean + wavering)
    speed[:, 0] = 0
    return speed.cumsum(dim=1)[..., None]


@dataclass(frozen=True)
class Start:
    """Initial values of walks: (B, K) each, the position (B, K, 2)."""

    motion: Tensor
    is_critter: Tensor
    radius: Tensor
    position: Tensor


def walk(
    generator: torch.Generator, frames: int, start: Start, panned: Tensor
) -> dict[str, Tensor]:
    """Draw random walks with jumps around the motion's bias, reflected at the frame's edges.

    A panning camera moves objects in the opposite direction, but never out of the frame.
    """
    motion, is_critter, radius = start.motion, start.is_critter, start.radius
    position = start.position

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, **FLOAT)

    def jumpy(scale: float, jump: float) -> Tensor:
        often = torch.rand(radius.shape, generator=generator, **FLOAT) < _JUMP_PROBABILITY
        return normal(*radius.shape) * either(often, jump, scale)

    bias = _VELOCITY_BIAS[motion]
    sign = either(torch.rand(bias.shape, generator=generator, **FLOAT) < 0.5, -1.0, 1.0)
    signed = (motion >= MOTIONS.index("bounces"))[..., None]
    bias = torch.where(signed, bias * sign, bias)
    velocity = bias + normal(*bias.shape) * _CALM
    angle = torch.where(is_critter, normal(*radius.shape) * 10, normal(*radius.shape) * 60)
    yaw = (normal(*radius.shape) * 30).clamp(-_YAW_LIMIT, _YAW_LIMIT)
    aspect = (normal(*radius.shape) * 0.1).clamp(-_ASPECT_LIMIT, _ASPECT_LIMIT)
    swing = either(is_critter, 0.35, 1.0)  # critters roll less than boxes and stars
    margin = torch.stack([radius * 0.9, radius * 0.8], dim=-1)
    lowest = torch.stack([margin[..., 0], HORIZON - 0.2 * radius], dim=-1)
    highest = torch.stack([WIDTH - margin[..., 0], HEIGHT - margin[..., 1]], dim=-1)

    rows: dict[str, list[Tensor]] = {k: [] for k in ("x", "y", "radius", "aspect", "angle", "yaw")}
    camera = torch.cat([panned[:, 1:] - panned[:, :-1], torch.zeros_like(panned[:, :1])], dim=1)
    for frame in range(frames):
        shown = (*position.unbind(dim=-1), radius, aspect, angle, yaw)
        for row, value in zip(rows.values(), shown, strict=True):
            row.append(value)
        luck = torch.rand(bias.shape, generator=generator, **FLOAT)
        scale = torch.where(luck < _JUMP_PROBABILITY, _JUMP, _CALM)
        noise = normal(*bias.shape) * torch.where(luck < _LEAP_PROBABILITY, _LEAP, scale)
        velocity = bias + _INERTIA * (velocity - bias) + noise
        moved = position + velocity[..., :2]
        moved[..., 0] -= camera[:, frame]
        outside = (moved < lowest) | (moved > highest)
        flip = either(outside, -1.0, 1.0)
        # A wall reverses the bias as well, so that sliding objects return.
        bias = torch.cat([bias[..., :2] * flip, bias[..., 2:]], dim=-1)
        velocity = torch.cat([velocity[..., :2] * flip, velocity[..., 2:]], dim=-1)
        position = moved.clamp(lowest, highest)
        angle = angle + velocity[..., 2] * swing
        angle = torch.where(is_critter, 0.85 * angle, angle)
        turned = yaw + velocity[..., 3]
        over = turned.abs() > _YAW_LIMIT
        turning = torch.where(over, -bias[..., 3], bias[..., 3])
        bias = torch.cat([bias[..., :3], turning[..., None]], dim=-1)
        yaw = turned.clamp(-_YAW_LIMIT, _YAW_LIMIT)
        aspect = (0.85 * aspect + jumpy(0.02, 0.1)).clamp(-_ASPECT_LIMIT, _ASPECT_LIMIT)
        radius = start.radius * (1 + (radius / start.radius - 1) * 0.7 + jumpy(0.005, 0.025)).clamp(
            0.88, 1.14
        )
    return {name: torch.stack(values, dim=1) for name, values in rows.items()}


__all__ = [
    "CAMERA_MOTIONS",
    "COLORS",
    "FRAME_RATE",
    "HEIGHT",
    "HORIZON",
    "KINDS",
    "MOTIONS",
    "PLACES",
    "WIDTH",
    "Scenes",
    "masks",
    "render",
    "render_with_masks",
    "sample_scenes",
]

_paint = paint
"""A variable, so that training can replace it by a compiled function."""

_RADIUS_RANGE = (30.0, 42.0)
_PAN_SHARE = 0.15
"""Share of scenes whose camera pans."""


@dataclass(frozen=True)
class Scenes:
    """A batch of scenes: B scenes of T frames with room for K objects each.

    `place` (B,) indexes PLACES; `kind`, `color`, `motion` (B, K) index KINDS, COLORS, MOTIONS;
    `present` (B, K) is False for an empty slot; `camera` (B,) indexes CAMERA_MOTIONS. Per frame,
    all (B, T, K): centre `x`, `y` and `radius` in pixels, `aspect` the log of the stretch along
    the object's own x axis, `angle` and `yaw` in degrees; and `pan` (B, T, 1), how far the camera
    has turned to the right since the first frame, in pixels of the picture.
    """

    place: Tensor
    kind: Tensor
    color: Tensor
    motion: Tensor
    present: Tensor
    camera: Tensor
    x: Tensor
    y: Tensor
    radius: Tensor
    aspect: Tensor
    angle: Tensor
    yaw: Tensor
    pan: Tensor

    def __len__(self) -> int:
        return int(self.place.shape[0])

    @property
    def frames(self) -> int:
        """Number of video frames T."""
        return int(self.x.shape[1])

    def __getitem__(self, index: slice) -> Scenes:
        """Select a slice of the scenes."""
        return Scenes(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def at(self, frames: Tensor) -> Scenes:
        """Select frames of each scene; `frames` is (B, T') int64."""
        values: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value.ndim == 3:
                value = value.gather(1, frames[:, :, None].expand(-1, -1, value.shape[2]))
            values[field.name] = value
        return Scenes(**values)


@cpu_by_default()
def sample_scenes(
    generator: torch.Generator, count: int, frames: int, objects: int | None = None
) -> Scenes:
    """Draw `count` scenes of `frames` video frames."""
    if count < 1 or frames < 1:
        raise ValueError(f"count and frames must be at least 1, got {count} and {frames}")
    if objects not in (None, 1, 2):
        raise ValueError(f"a scene holds 1 or 2 objects, got {objects!r}")

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, **FLOAT)

    def integers(high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=generator)

    slots = 2
    present = torch.ones(count, slots, dtype=torch.bool)
    second = uniform(count) < 0.6
    present[:, 1] = second if objects is None else objects > 1
    color = uniform(count, len(COLORS)).argsort(dim=1)[:, :slots]  # distinct within a scene
    kind = integers(len(KINDS), count, slots)
    motion = integers(len(MOTIONS), count, slots)
    # "turns" applies to faces, "spins" to boxes and stars.
    turning, spinning = MOTIONS.index("turns"), MOTIONS.index("spins")
    is_critter = kind == KINDS.index("critter")
    motion = torch.where((motion == turning) & ~is_critter, spinning, motion)
    motion = torch.where((motion == spinning) & is_critter, turning, motion)

    low, high = _RADIUS_RANGE
    radius = low + (high - low) * uniform(count, slots)
    left_first = uniform(count, 1) < 0.5
    half = torch.tensor([[0.0, 1.0]], **FLOAT).expand(count, 2)
    half = torch.where(left_first, half, 1 - half)
    spread = either(present.all(dim=1, keepdim=True), 0.5, 1.0)
    x = 32 + (WIDTH - 64) * spread * (uniform(count, slots) * 0.9 + half * (spread < 1))
    y = HORIZON + 12 + (HEIGHT - HORIZON - 38) * uniform(count, slots)
    place = integers(len(PLACES), count)
    camera = torch.where(uniform(count) < _PAN_SHARE, 1 + integers(2, count), 0)
    panned = pan(generator, frames, camera)
    start = Start(motion, is_critter, radius, torch.stack([x, y], dim=-1))
    return Scenes(
        place=place,
        kind=kind,
        color=color,
        motion=motion,
        present=present,
        camera=camera,
        pan=panned,
        **walk(generator, frames, start, panned),
    )


def render(scenes: Scenes, chunk: int = 64) -> np.ndarray:
    """Render scenes to video, uint8 (B, T, H, W, 3), `chunk` frames at once."""
    return render_with_masks(scenes, chunk)[0]


def masks(scenes: Scenes) -> np.ndarray:
    """Render the visible part of each object: bool (B, T, K, H, W); all False for empty slots."""
    return render_with_masks(scenes)[1]


@cpu_by_default()
def render_with_masks(scenes: Scenes, chunk: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return `render` and `masks` at the cost of one."""
    images, owners = [], []
    for image, owner in _painted(scenes, chunk):
        images.append((image * 255).round().clamp(0, 255).to(torch.uint8))
        owners.append(owner)
    size, slots = (len(scenes), scenes.frames), range(scenes.kind.shape[1])
    seen = torch.stack([torch.cat(owners) == k for k in slots], dim=1)
    return torch.cat(images).unflatten(0, size).numpy(), seen.unflatten(0, size).numpy()


def _painted(scenes: Scenes, chunk: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Paint all frames, at most `chunk` at once, the farthest objects first.

    Yields images (N, H, W, 3) in 0..1, and the index of each pixel's object (or -1).
    """
    frames, slots = scenes.frames, scenes.kind.shape[1]
    order = scenes.y.masked_fill(~scenes.present[:, None], -1.0).argsort(dim=-1)

    def flat(value: Tensor) -> Tensor:
        if value.ndim == 2:
            value = value[:, None].expand(-1, frames, -1)
        return value.gather(2, order).reshape(-1, slots)

    values = {
        name: flat(getattr(scenes, name))
        for name in ("kind", "color", "present", "x", "y", "radius", "aspect", "angle", "yaw")
    }
    place = scenes.place[:, None].expand(-1, frames).reshape(-1)
    panned, slot = scenes.pan.reshape(-1), order.reshape(-1, slots)
    for start in range(0, len(place), chunk):
        part = slice(start, start + chunk)
        image = backdrop(place[part], panned[part])
        owner = torch.full(image.shape[:3], -1, dtype=torch.int64)
        for k in range(slots):
            layer = {name: value[part, k] for name, value in values.items()}
            image, alpha = _paint(image, layer)
            owner = torch.where(alpha > 0.5, slot[part, k, None, None], owner)
        yield image, owner
