"""Where a drag's region lands and what belongs there: Eq. 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dragstream.drags.geometry import Affine
from dragstream.drags.regions import warp


class Moving(Protocol):
    """What the method asks of a motion."""

    @property
    def extent(self) -> tuple[float, float]:
        """Length of the whole motion in (pixels, degrees)."""
        ...

    def at(self, fraction: float) -> Affine:
        """The map from rest to `fraction` of the motion, in pixels."""
        ...


@dataclass(frozen=True, eq=False)
class Placement:
    """Target cells Y of one drag and the map Π back to its reference frame (Eq. 1).

    All tensors have K rows, one for each target cell of each driven frame.

    Args:
        frames: Latent frame within the driven block, (K,).
        rows: Row of the feature map, (K,).
        columns: Column of the feature map, (K,).
        areas: How much of the cell the moved region covers, in pixels, (K,).
        points: Where the cell's centre lies in the reference frame, as (x, y) from -1 to 1 across
            the frame, (K, 2).
    """

    frames: Tensor
    rows: Tensor
    columns: Tensor
    areas: Tensor
    points: Tensor

    @property
    def area(self) -> float:
        """Pixels that all targets cover."""
        return float(self.areas.sum())

    def to(self, device: torch.device) -> Placement:
        """The same on a device."""
        return Placement(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def place(
    mask: NDArray[np.bool_],
    transforms: dict[int, Affine],
    cells: tuple[int, int],
    *,
    nearest: bool = False,
) -> Placement:
    """The placement of a region in the frames it is dragged in.

    Args:
        mask: Handle region in the reference frame, (H, W).
        transforms: For each driven frame, the map from reference to target pixels.
        cells: Rows and columns of the maps, (rows, columns).
        nearest: Take a cell wholly or not at all, by its nearest pixel, instead of by the area
            that the region covers.
    """
    parts = [
        _place_frame(frame, warp(mask, affine), affine.inverse(), cells, nearest=nearest)
        for frame, affine in transforms.items()
    ]
    return Placement(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in parts[0].__dataclass_fields__
        )
    )


def _place_frame(
    frame: int,
    moved: NDArray[np.float32],
    back: Affine,
    shape: tuple[int, int],
    *,
    nearest: bool,
) -> Placement:
    coverage = resize(moved, *shape, nearest=nearest)
    rows, columns = torch.nonzero(coverage, as_tuple=True)
    height, width = moved.shape
    # Pixel centres are whole numbers: cell 0 begins at -0.5.
    x = (columns.double() + 0.5) * (width / shape[1]) - 0.5
    y = (rows.double() + 0.5) * (height / shape[0]) - 0.5
    source = torch.from_numpy(back.apply(torch.stack((x, y), dim=-1).numpy()))
    size = torch.tensor((width, height), dtype=torch.float64)
    points = 2.0 * (source + 0.5) / size - 1.0
    areas = coverage[rows, columns] * (height * width / coverage.numel())
    return Placement(torch.full_like(rows, frame), rows, columns, areas, points.float())


def resize(mask: NDArray[np.generic], rows: int, columns: int, *, nearest: bool = False) -> Tensor:
    """A mask (H, W) as the fraction of each of rows x columns cells that it covers, float32.

    With `nearest`, each cell is 0 or 1 as its nearest pixel is.
    """
    values = torch.from_numpy(np.asarray(mask, dtype=np.float32))[None, None]
    if nearest:
        return (F.interpolate(values, size=(rows, columns), mode="nearest")[0, 0] >= 0.5).float()
    return F.adaptive_avg_pool2d(values, (rows, columns))[0, 0]


def sample(maps: Tensor, points: Tensor) -> Tensor:
    """A map (rows, columns, channels) read bilinearly at points (K, 2), giving (K, channels).

    Points run from -1 to 1 across the frame; beyond its border the border's values continue.
    """
    planes = maps.permute(2, 0, 1)[None]
    where = points.to(maps.dtype)[None, None]
    read = F.grid_sample(planes, where, mode="bilinear", padding_mode="border", align_corners=False)
    return read[0, :, 0].T
