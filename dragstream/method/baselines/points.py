"""Handle points in feature maps: selection, motion supervision and tracking.

Feature maps are (rows, columns, channels); positions are pixels (x, y), and may lie between cells.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.method.target_cells import sample


def handle_points(mask: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Select at most `count` pixels (x, y) of a region, (N, 2): its middle, then farthest points.

    Only the inner half of the region is used (by distance from its edge), so that the patch around
    a point lies on the object.
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
    """Return the offsets (K, 2) in pixels of a square of cells around one, row by row."""
    reach = torch.arange(-radius, radius + 1, dtype=torch.float64)
    x, y = torch.meshgrid(reach * cell[0], reach * cell[1], indexing="xy")
    return torch.stack((x, y), dim=-1).reshape(-1, 2).to(device)


def read(features: Tensor, positions: Tensor, grid: Grid) -> Tensor:
    """Sample a map bilinearly at pixels (..., 2), giving (..., channels)."""
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
    """Compute motion supervision: `mean |F(q + d) - sg F(q)|` over patches around the points.

    d points from a point towards its target and is at most `step` pixels long, so minimising the
    loss moves the patch around the point a small step towards the target. The map `features` is
    differentiable; positions and targets have shape (N, 2), the offsets of a patch `around` (K, 2).
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
    """Track points: find the place near each point whose features are nearest to its template.

    Templates have shape (N, channels), previous and new positions (N, 2), and the offsets of the
    candidate places `around` (K, 2). Places are clamped to the frame.
    """
    places = positions[:, None] + around
    for axis, end in enumerate((grid.width - 1, grid.height - 1)):
        places[..., axis].clamp_(0, end)
    distances = (read(features, places, grid) - templates[:, None]).abs().sum(dim=-1)
    best = distances.argmin(dim=1)
    return places[torch.arange(len(places), device=places.device), best]
