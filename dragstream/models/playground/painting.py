"""Rasterisation of the playground's world: backdrops, and objects composited over them.

Units are pixels (x right, y down) and degrees, positive clockwise; everything is vectorised. An
object has its own coordinates, u to its right and v downward, in radii from its centre.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dragstream.models.defaults import FLOAT
from dragstream.models.playground.names import COLORS, HEIGHT, HORIZON, KINDS, PLACES, WIDTH

_TIP = 1.12
_NOTCH = 0.56
"""Distances of a star's tips and notches from its centre, in radii."""
STRIPE = 0.20
"""Half the width of a box's stripe, in radii."""


def _pixels() -> tuple[Tensor, Tensor]:
    """Return the coordinates of pixels: y (1, H, 1) and x (1, 1, W)."""
    y, x = (torch.arange(size, **FLOAT) for size in (HEIGHT, WIDTH))
    return y[None, :, None], x[None, None, :]


def backdrop(place: Tensor, pan: Tensor) -> Tensor:
    """Draw empty frames of places (N,) for camera pans `pan` (N,): (N, H, W, 3) in 0..1."""
    y, x = _pixels()
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


def paint(image: Tensor, layer: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Composite one object per frame, with its shadow, over `image` (N, H, W, 3)."""
    column = {k: v[:, None, None] for k, v in layer.items()}
    y, x = _pixels()
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
    inside, shaded = shade(u, v, dx / radius, dy / radius, column)
    alpha = (inside * radius + 0.5).clamp(0, 1) * present
    return image * (1 - alpha[..., None]) + shaded * alpha[..., None], alpha


def outline(kind: str, u: Tensor, v: Tensor) -> Tensor:
    """Compute the signed distance to an object's outline in radii, positive inside."""
    if kind not in KINDS:
        raise ValueError(f"the playground has the kinds {KINDS}, not {kind!r}")
    if kind == "box":
        corner_u, corner_v = (u.abs() - 0.62).clamp(min=0), (v.abs() - 0.62).clamp(min=0)
        return 0.22 - torch.sqrt(corner_u**2 + corner_v**2 + 1e-6)
    distance = torch.sqrt(u * u + v * v + 1e-6)
    if kind == "critter":
        return 1 - distance
    sector = 2 * math.pi / 5
    phi = torch.atan2(u, -v)
    phi = (phi - (phi / sector).round() * sector).abs()
    # One edge of the star, from a tip at distance 1.12 to a notch at distance 0.56.
    end_x, end_y = _NOTCH * math.sin(sector / 2), _NOTCH * math.cos(sector / 2)
    edge_x, edge_y = end_x, end_y - _TIP
    px, py = distance * phi.sin(), distance * phi.cos() - _TIP
    return -(px * -edge_y + py * edge_x) / math.hypot(edge_x, edge_y)


def corners(kind: str) -> Tensor:
    """Return the corners of an outline in object coordinates (u, v), (n, 2); a critter has none."""
    if kind == "star":
        turn = torch.arange(5, **FLOAT) * (2 * math.pi / 5)
        return _TIP * torch.stack([turn.sin(), -turn.cos()], dim=1)
    if kind == "box":
        reach = 0.62 + 0.22 * math.sqrt(0.5)
        return reach * torch.tensor([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]], **FLOAT)
    return torch.empty(0, 2, **FLOAT)


def shade(
    u: Tensor, v: Tensor, sx: Tensor, sy: Tensor, column: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Compute outline distance (in radii, positive inside) and colour of each pixel.

    `u`, `v` are the object's own coordinates in radii, `sx`, `sy` those of the screen.
    """
    palette = torch.tensor(list(COLORS.values()), **FLOAT) / 255
    base = palette[column["color"][:, 0, 0]][:, None, None, :]
    kind = column["kind"]
    distance = torch.sqrt(u * u + v * v + 1e-6)
    critter, box, star = (outline(name, u, v) for name in KINDS)
    inside = torch.where(
        kind == KINDS.index("critter"),
        critter,
        torch.where(kind == KINDS.index("box"), box, star),
    )

    light = 1.0 - 0.22 * (0.6 * sx + sy).clamp(-1.2, 1.2)
    shaded = base * light[..., None]
    white, dark = torch.tensor([[1.0, 1.0, 1.0], [0.10, 0.10, 0.14]], **FLOAT)

    def spot(where: Tensor, color: Tensor, strength: float) -> None:
        nonlocal shaded
        cover = (where * column["radius"] + 0.5).clamp(0, 1)[..., None] * strength
        shaded = shaded * (1 - cover) + color * cover

    spot(torch.where(kind == KINDS.index("box"), STRIPE - u.abs(), -1.0), white, 0.75)
    spot(torch.where(kind == KINDS.index("star"), 0.26 - distance, -1.0), white, 0.75)
    for side in (-1.0, 1.0):
        facing = torch.deg2rad(column["yaw"]) + side * 0.45
        width = 0.27 * facing.cos().clamp(min=0.05)
        eye_u = (u - facing.sin() * 0.85) / width
        eye_v = (v + 0.20) / 0.30
        eye = (1 - torch.sqrt(eye_u**2 + eye_v**2 + 1e-6)) * width
        spot(torch.where(kind == KINDS.index("critter"), eye, -1.0), white, 1.0)
        pupil_u = (u - facing.sin() * 0.90) / (0.5 * width)
        pupil_v = (v + 0.18) / 0.15
        pupil = (1 - torch.sqrt(pupil_u**2 + pupil_v**2 + 1e-6)) * 0.5 * width
        spot(torch.where(kind == KINDS.index("critter"), pupil, -1.0), dark, 1.0)
    return inside, shaded.clamp(0, 1)
