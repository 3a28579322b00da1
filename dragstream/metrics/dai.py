"""DAI, dragging accuracy index (Eq. 11): distance of the target's patch from the handle's.

``DAI = mean_k' || z0^{k'}[Omega(p', r)] - z0^k[Omega(p, r)] || / (1 + 2 r)^2``: the patch of the
clean latents around the target point against the patch around the handle point before the drag.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dragstream.drags.checks import check_int, check_point
from dragstream.drags.geometry import Affine, Grid
from dragstream.drags.motions import Drag

PAPER_RADIUS = 20
"""r of the paper, in pixels of a frame that is PAPER_WIDTH wide."""
PAPER_WIDTH = 832


def patch_radius(grid: Grid) -> int:
    """The paper's r = 20 pixels at 832 pixels of width, scaled to another frame; at least 1."""
    return max(1, round(PAPER_RADIUS * grid.width / PAPER_WIDTH))


def handle_point(drag: Drag, height: int, width: int) -> tuple[float, float]:
    """The handle point p (x, y) of a drag in a frame of that size, in pixels.

    It is the middle of the handle; a rotation's lies away from the centre (`Motion.anchor`).
    """
    return drag.motion.anchor(drag.mask(height, width))


def dai(
    reference: Tensor,
    dragged: Tensor,
    handle: tuple[float, float],
    targets: Sequence[Affine],
    *,
    grid: Grid,
    radius: int = PAPER_RADIUS,
) -> float:
    """Dragging accuracy index of one drag; lower is better.

    Patches have 2 r + 1 by 2 r + 1 samples, one a pixel, read bilinearly from the latents (which
    are coarser), with the border repeated outside the frame. Each sample's place is mapped from
    the handle to the target by the drag, so that for a translation this is Eq. 11 as printed and
    for a rotation the patch turns with the object.

    Args:
        reference: clean latents (C, h, w) of the frame that holds the handle, before the drag.
        dragged: clean latents (K, C, h, w), one per trajectory point.
        handle: the handle point p (x, y) in pixels.
        targets: K maps of pixels, from the reference frame to each trajectory point.
        grid: pixel and latent sizes.
        radius: r, in pixels; the figures of different radii do not compare. See
            :func:`patch_radius` for frames of another size than the paper's.

    Raises:
        TypeError: a radius that is not an integer.
        ValueError: latents of another shape than the grid's, another number of targets, or a
            radius below 1.
    """
    x, y = check_point(handle, "handle")
    radius = check_int(radius, "radius", least=1)
    size = (grid.latent_height, grid.latent_width)
    if reference.ndim != 3 or tuple(reference.shape[1:]) != size:
        raise ValueError(
            f"reference must have shape (C, {size[0]}, {size[1]}), got {tuple(reference.shape)}"
        )
    if dragged.shape[1:] != reference.shape or not len(dragged):
        raise ValueError(
            f"dragged must have shape (K, {', '.join(map(str, reference.shape))}), "
            f"got {tuple(dragged.shape)}"
        )
    if len(targets) != len(dragged):
        raise ValueError(f"{len(dragged)} dragged latents need as many targets: {len(targets)}")
    reach = np.arange(-radius, radius + 1, dtype=np.float64)
    around = np.stack(np.meshgrid(x + reach, y + reach), axis=-1)
    source = _sample(reference, around, grid)
    distances = [
        torch.linalg.vector_norm(_sample(latents, target.apply(around), grid) - source)
        for latents, target in zip(dragged, targets, strict=True)
    ]
    return float(torch.stack(distances).mean()) / (1 + 2 * radius) ** 2


def _sample(latents: Tensor, points: np.ndarray, grid: Grid) -> Tensor:
    """Bilinear samples (C, rows, columns) of `latents` (C, h, w) at pixels (rows, columns, 2)."""
    size = np.array([grid.width, grid.height], np.float64)
    # Pixel (0, 0) is the centre of the corner pixel; grid_sample puts the frame's edges at -1, 1.
    normalised = torch.from_numpy((points + 0.5) / size * 2 - 1).float()
    sampled = functional.grid_sample(
        latents.detach().float().cpu()[None],
        normalised[None],
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return sampled[0]
