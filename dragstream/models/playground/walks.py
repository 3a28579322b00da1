"""Motion of the objects of the playground's world: random walks with jumps.

Units are those of `dragstream.models.playground.world`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dragstream.models.defaults import FLOAT
from dragstream.models.playground.names import HEIGHT, HORIZON, MOTIONS, WIDTH

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
