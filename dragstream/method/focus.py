"""Spatial weight of the update: a Gaussian around each target (Section 4.2.2, Eq. 10)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dragstream.drags.checks import check_bool, check_fields, check_positive
from dragstream.drags.geometry import Affine, Grid
from dragstream.drags.regions import Extents, bounding_box
from dragstream.method.target_cells import move


@dataclass(frozen=True)
class Focus:
    """Coordinate-selective optimisation: concentrates the update on the targets.

    Args:
        alpha: Width of the Gaussian in half bounding boxes, `sigma_x = alpha W / 2` and
            `sigma_y = alpha H / 2` (the paper's α).
        padding: Factor by which the bounding box is enlarged beforehand.
        on_gradient: Multiply the gradient instead of the update (the release). AdamW mostly
            divides the factor out again, so this has little effect on the step.
        on_pixels: Evaluate the Gaussian on the pixels of the frame, around the part of the region
            within the frame, and resample it bilinearly with aligned corners to the latents (the
            release), instead of evaluating it at the latents' centres.
        across_frames: If only one frame of a block is driven, as in an edit, apply its map to all
            frames of the block (the release), instead of to that frame alone.

    Raises:
        TypeError: Not a number, or not a boolean.
        ValueError: Numbers that are not finite and above 0.
    """

    alpha: float = 1.0
    padding: float = 1.0
    on_gradient: bool = False
    on_pixels: bool = False
    across_frames: bool = False

    def __post_init__(self) -> None:
        check_fields(self, alpha=check_positive, padding=check_positive)
        check_fields(self, on_gradient=check_bool, on_pixels=check_bool, across_frames=check_bool)

    def of(self, moved: Sequence[tuple[NDArray[np.bool_], Affine]], grid: Grid) -> Tensor:
        """Compute the map of all regions with a target in a frame, (h, w) float64 in [0, 1]."""
        if not self.on_pixels:
            nothing = torch.zeros(grid.latent_height, grid.latent_width, dtype=torch.float64)
            boxes = [bounding_box(mask, affine) for mask, affine in moved]
            return combine([nothing, *(self.gaussian(bounds, grid) for bounds in boxes)])
        nothing = torch.zeros(grid.height, grid.width, dtype=torch.float64)
        whole = combine([nothing, *(self._in_sight(mask, affine) for mask, affine in moved)])
        size = (grid.latent_height, grid.latent_width)
        return F.interpolate(whole[None, None], size, mode="bilinear", align_corners=True)[0, 0]

    def moves(self, driven: Collection[int], frames: int) -> tuple[int, ...]:
        """Return the frames of a block that updates modify, given the driven ones."""
        if self.across_frames and len(driven) == 1:
            return tuple(range(frames))
        return tuple(sorted(driven))

    def _in_sight(self, mask: NDArray[np.bool_], affine: Affine) -> Tensor:
        """Compute the map of one target on the pixels (H, W), maximum 1; 0 outside the frame."""
        seen = move(mask, affine, nearest=True) > 0
        if not seen.any():
            return torch.zeros(mask.shape, dtype=torch.float64)
        left, top, right, bottom = bounding_box(seen)
        across = _profile(left, right, self.alpha * self.padding, mask.shape[1], 1.0)
        down = _profile(top, bottom, self.alpha * self.padding, mask.shape[0], 1.0)
        peaked = down[:, None] * across[None, :]
        return peaked / peaked.max()

    def gaussian(self, bounds: Extents, grid: Grid) -> Tensor:
        """Compute the map G of one target on the latent grid, (h, w), 1 at the box's centre.

        The bounds, in pixels, are those of the handle region at its target, and may lie outside
        the frame.
        """
        left, top, right, bottom = bounds
        scale_x, scale_y = grid.pixels_per_latent
        across = _profile(left, right, self.alpha * self.padding, grid.latent_width, scale_x)
        down = _profile(top, bottom, self.alpha * self.padding, grid.latent_height, scale_y)
        return down[:, None] * across[None, :]


def _profile(low: float, high: float, width: float, cells: int, scale: float) -> Tensor:
    """Evaluate a Gaussian along one axis at the centres of `cells` cells of `scale` pixels."""
    centres = (torch.arange(cells, dtype=torch.float64) + 0.5) * scale - 0.5
    sigma = width * (high - low) / 2
    return torch.exp(-(((centres - (low + high) / 2) / sigma) ** 2) / 2)


def combine(maps: Iterable[Tensor]) -> Tensor:
    """Combine at least one map into their soft union, `1 - (1 - G_1)(1 - G_2)...`."""
    return 1.0 - reduce(torch.mul, (1.0 - gaussian for gaussian in maps))
