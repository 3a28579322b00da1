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

    def at(self, fraction: float) -> Affine:
        """The map from rest to `fraction` of the motion, in pixels."""
        ...

    def partway(self, fraction: float, share: float) -> Affine:
        """The map from rest to `share` of the displacement at `fraction` of the motion."""
        ...

    def displacement(self, fraction: float, mask: NDArray[np.bool_]) -> tuple[float, float]:
        """The distance of a region (H, W) from rest at `fraction`, in (pixels, degrees)."""
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
    from_nearest: bool = False,
) -> Placement:
    """The placement of a region in the frames it is dragged in.

    Args:
        mask: Handle region in the reference frame, (H, W).
        transforms: For each driven frame, the map from reference to target pixels.
        cells: Rows and columns of the maps, (rows, columns).
        nearest: Take a cell wholly or not at all, by its first pixel in the mask moved by nearest
            pixels, instead of by the area that the region covers (the release).
        from_nearest: What belongs in a cell is that of the nearest cell of the reference, where
            cell 0 lies on pixel 0 (the release), instead of that at the cell's centre.
    """
    parts = [
        _place_frame(
            frame,
            move(mask, affine, nearest=nearest),
            affine.inverse(),
            cells,
            nearest=nearest,
            from_nearest=from_nearest,
        )
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
    from_nearest: bool,
) -> Placement:
    coverage = resize(moved, *shape, nearest=nearest)
    rows, columns = torch.nonzero(coverage, as_tuple=True)
    height, width = moved.shape
    cells = torch.stack((columns, rows), dim=-1).double().numpy()
    size = np.array((width, height)) / (shape[1], shape[0])  # pixels of a cell, x and y
    if from_nearest:
        source = np.rint(back.apply(cells * size) / size)
    else:  # pixel centres are whole numbers: cell 0 begins at -0.5
        source = (back.apply((cells + 0.5) * size - 0.5) + 0.5) / size - 0.5
    points = torch.from_numpy(2.0 * (source + 0.5) / (shape[1], shape[0]) - 1.0)
    areas = coverage[rows, columns] * (height * width / coverage.numel())
    return Placement(torch.full_like(rows, frame), rows, columns, areas, points.float())


def move(mask: NDArray[np.bool_], affine: Affine, *, nearest: bool = False) -> NDArray[np.float32]:
    """How much of each pixel a mask (H, W) covers once moved, float32 in [0, 1].

    What leaves the frame is lost. With `nearest`, each pixel is 0 or 1 as the nearest one is that
    it comes from.
    """
    if not nearest:
        return warp(mask, affine)
    y, x = np.indices(mask.shape)
    source = np.rint(affine.inverse().apply(np.stack((x, y), axis=-1)))
    inside = np.logical_and(source >= 0, source < (mask.shape[1], mask.shape[0])).all(axis=-1)
    found = source[inside].astype(np.intp)
    moved = np.zeros(mask.shape, np.float32)
    moved[inside] = mask[found[:, 1], found[:, 0]]
    return moved


def resize(mask: NDArray[np.generic], rows: int, columns: int, *, nearest: bool = False) -> Tensor:
    """A mask (H, W) as the fraction of each of rows x columns cells that it covers, float32.

    With `nearest`, each cell is 0 or 1 as its nearest pixel is.
    """
    values = torch.from_numpy(np.asarray(mask, dtype=np.float32))[None, None]
    if nearest:
        return (F.interpolate(values, size=(rows, columns), mode="nearest")[0, 0] >= 0.5).float()
    return F.adaptive_avg_pool2d(values, (rows, columns))[0, 0]


def sample(maps: Tensor, points: Tensor, *, nearest: bool = False) -> Tensor:
    """A map (rows, columns, channels) read at points (K, 2), giving (K, channels).

    Points run from -1 to 1 across the frame. Between cells the map is read bilinearly, and beyond
    its border the border's values continue; with `nearest`, the nearest cell is read, and 0 beyond.
    """
    planes = maps.permute(2, 0, 1)[None]
    where = points.to(maps.dtype)[None, None]
    mode, padding = ("nearest", "zeros") if nearest else ("bilinear", "border")
    read = F.grid_sample(planes, where, mode=mode, padding_mode=padding, align_corners=False)
    return read[0, :, 0].T


def enlarge(maps: Tensor, factor: int, *, corners: bool = False) -> Tensor:
    """Maps (F, rows, columns, channels) with `factor` cells for each, along either axis.

    Values in between are bilinear. Cells divide those that they come from, so that a place of the
    frame stays the same share of the map; with `corners`, the maps' outermost cells lie on one
    another instead, as in the release, and what is in between is stretched by up to half a cell.
    """
    if factor == 1:
        return maps
    larger = F.interpolate(
        maps.movedim(-1, 1), scale_factor=float(factor), mode="bilinear", align_corners=corners
    )
    return larger.movedim(1, -1)
