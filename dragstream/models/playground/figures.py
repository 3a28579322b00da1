"""Outlines and surface marks of the objects of the playground's world.

An object has its own coordinates, u to its right and v downward, in radii from its centre.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dragstream.models.defaults import FLOAT
from dragstream.models.playground.names import COLORS, KINDS

_TIP = 1.12
_NOTCH = 0.56
"""Distances of a star's tips and notches from its centre, in radii."""
STRIPE = 0.20
"""Half the width of a box's stripe, in radii."""


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
    u: Tensor,
    v: Tensor,
    sx: Tensor,
    sy: Tensor,
    column: dict[str, Tensor],
    *,
    stride: int = 1,
) -> tuple[Tensor, Tensor]:
    """Compute outline distance (in radii, positive inside) and colour of each pixel.

    `u`, `v` are the object's own coordinates in radii, `sx`, `sy` those of the screen; edges of
    marks are blurred over `stride` pixels.
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
        cover = (where * column["radius"] / stride + 0.5).clamp(0, 1)[..., None] * strength
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
