"""Points of a handle, and where they are in a feature map: motion supervision and tracking.

Feature maps are (rows, columns, channels); positions are pixels (x, y), and may lie between cells.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.method.placement import sample

__all__ = ["handle_points", "patch", "read", "supervise", "track"]


def handle_points(mask: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """At most `count` pixels (x, y) of a region, (N, 2): its middle, then far from one another.

    Only the inner half of the region is used (by distance from its edge), so that what is read
    around a point is the object.
    """
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    rows, columns = np.nonzero(depth >= depth.max() / 2)
    inner = np.stack((columns, rows), axis=-1).astype(np.float64)
    gaps = np.linalg.norm(inner - inner.mean(axis=0), axis=-1)
    chosen = [inner[gaps.argmin()]]
    nearest = np.linalg.norm(inner - chosen[0], axis=-1)
    while len(chosen) < count and nearest.max() > 0:
        chosen.append(inner[nearest.argmax()])
        nearest = np.minimum(nearest, np.linalg.norm(inner - chosen[-1], axis=-1))
    return np.stack(chosen)


def patch(radius: int, cell: tuple[float, float], device: torch.device) -> Tensor:
    """The offsets (K, 2) in pixels of a square of cells around one, row by row."""
    reach = torch.arange(-radius, radius + 1, dtype=torch.float64)
    x, y = torch.meshgrid(reach * cell[0], reach * cell[1], indexing="xy")
    return torch.stack((x, y), dim=-1).reshape(-1, 2).to(device)


def read(features: Tensor, positions: Tensor, grid: Grid) -> Tensor:
    """A map read bilinearly at pixels (..., 2), giving (..., channels)."""
    size = torch.tensor((grid.width, grid.height), dtype=positions.dtype, device=positions.device)
    flat = (2 * (positions + 0.5) / size - 1).reshape(-1, 2)
    return sample(features, flat).reshape(*positions.shape[:-1], -1)


def supervise(
    features: Tensor,
    positions: Tensor,
    targets: Tensor,
    around: Tensor,
    *,
    grid: Grid,
    step: float,
) -> Tensor:
    """Motion supervision: `mean |F(q + d) - sg F(q)|` over the patches around the points.

    d leads from a point towards its target, at most `step` pixels far, so that the loss asks for
    what is around the point to be found a small step nearer to the target.

    Args:
        features: (rows, columns, channels), that the loss is differentiated in.
        positions: Where the points are, pixels (N, 2).
        targets: Where they shall be, pixels (N, 2).
        around: Offsets of a patch, pixels (K, 2).
        grid: Sizes of a frame.
        step: Pixels.
    """
    way = targets - positions
    length = torch.linalg.vector_norm(way, dim=-1, keepdim=True)
    move = way * (step / length.clamp_min(step))
    square = positions[:, None] + around
    held = read(features.detach(), square, grid)
    return (read(features, square + move[:, None], grid) - held).abs().mean()


def track(
    features: Tensor, templates: Tensor, positions: Tensor, around: Tensor, grid: Grid
) -> Tensor:
    """Point tracking: the place near each point whose features are nearest to its template's.

    Args:
        features: (rows, columns, channels).
        templates: What each point looks like, (N, channels).
        positions: Where the points were, pixels (N, 2).
        around: Offsets to look at, pixels (K, 2).
        grid: Sizes of a frame.

    Returns:
        The positions now, pixels (N, 2); they stay in the frame.
    """
    places = positions[:, None] + around
    for axis, end in enumerate((grid.width - 1, grid.height - 1)):
        places[..., axis].clamp_(0, end)
    distances = (read(features, places, grid) - templates[:, None]).abs().sum(dim=-1)
    best = distances.argmin(dim=1)
    return places[torch.arange(len(places), device=places.device), best]
