"""Rasterisation of the playground's world: backdrops, and objects composited over them.

Units are pixels (x right, y down) and degrees, positive clockwise; everything is vectorised.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dragstream.models.defaults import FLOAT
from dragstream.models.playground.figures import shade
from dragstream.models.playground.names import HEIGHT, HORIZON, PLACES, WIDTH


def pixels(stride: int = 1) -> tuple[Tensor, Tensor]:
    """Return the coordinates of pixels, or `stride`-pixel squares: y (1, H, 1) and x (1, 1, W)."""
    first = (stride - 1) / 2
    y, x = (torch.arange(first, size, stride, **FLOAT) for size in (HEIGHT, WIDTH))
    return y[None, :, None], x[None, None, :]


def backdrop(place: Tensor, pan: Tensor, stride: int = 1) -> Tensor:
    """Draw empty frames of places (N,) for camera pans `pan` (N,): (N, H, W, 3) in 0..1."""
    y, x = pixels(stride)
    x = x + pan[:, None, None]
    colors = torch.tensor(list(PLACES.values()), **FLOAT)[place] / 255
    wall, floor = colors[:, :, None, None].unbind(dim=1)
    depth = ((y - HORIZON) / (HEIGHT - HORIZON)).clamp(0, 1)
    # Floorboards converge to a vanishing point above the horizon, for perspective.
    lane = (x - WIDTH / 2) / (y - HORIZON + 34).clamp(min=1) * 1.6
    boards = torch.cos(lane * math.pi).pow(2).pow(8) * 0.05 * (y > HORIZON)
    share = (y - HORIZON + 0.5).clamp(0, 1)[..., None]
    wall = wall * (0.96 + 0.04 * (y / HORIZON).clamp(0, 1))[..., None]
    return wall * (1 - share) + floor * (0.92 + 0.08 * depth - boards)[..., None] * share


def paint(image: Tensor, layer: dict[str, Tensor], stride: int = 1) -> tuple[Tensor, Tensor]:
    """Composite one object per frame, with its shadow, over `image` (N, H, W, 3)."""
    column = {k: v[:, None, None] for k, v in layer.items()}
    y, x = pixels(stride)
    radius, present = column["radius"], column["present"].float()
    stretch_x, stretch_y = column["aspect"].exp(), (-column["aspect"]).exp()
    dx, dy = x - column["x"], y - column["y"]

    # Soft shadow on the floor below the object.
    shadow = (dx / (1.05 * radius * stretch_x)) ** 2
    shadow = shadow + ((dy - 0.92 * radius * stretch_y) / (0.34 * radius)) ** 2
    image = image * (1 - 0.30 * present * torch.exp(-1.4 * shadow))[..., None]

    turn = torch.deg2rad(column["angle"])
    cos, sin = turn.cos(), turn.sin()
    u = (cos * dx + sin * dy) / (radius * stretch_x)
    v = (cos * dy - sin * dx) / (radius * stretch_y)
    inside, shaded = shade(u, v, dx / radius, dy / radius, column, stride=stride)
    alpha = (inside * radius / stride + 0.5).clamp(0, 1) * present
    return image * (1 - alpha[..., None]) + shaded * alpha[..., None], alpha
