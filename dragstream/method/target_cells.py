"""Target cells of a drag and their source points in the reference frame (Eq. 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from dragstream.drags.geometry import Affine
from dragstream.drags.regions import warp


@dataclass(frozen=True, eq=False)
class TargetCells:
    """The K target cells Y of one drag and the map Π back to its reference frame (Eq. 1)."""

    frames: Tensor  # latent frame within the driven block, (K,)
    rows: Tensor  # row of the feature map, (K,)
    columns: Tensor  # column of the feature map, (K,)
    areas: Tensor  # area of the cell that the moved region covers, in pixels, (K,)
    points: Tensor  # its centre in the reference frame, (x, y) from -1 to 1 across it, (K, 2)

    @property
    def area(self) -> float:
        """Total area of the targets, in pixels."""
        return float(self.areas.sum())

    def to(self, device: torch.device) -> TargetCells:
        """Return a copy on a device."""
        return TargetCells(*(getattr(self, name).to(device) for name in self.__dataclass_fields__))


def find_target_cells(
    mask: NDArray[np.bool_],
    transforms: dict[int, Affine],
    cells: tuple[int, int],
    *,
    nearest: bool = False,
    from_nearest: bool = False,
) -> TargetCells:
    """Compute the target cells of a region in its driven frames, with their source points.

    `cells` are the rows and columns of the maps. As in the release, `nearest` weights each cell 0
    or 1, by its first pixel in the mask moved by nearest pixels, instead of by the covered area;
    `from_nearest` takes nearest cells, with cell 0 on pixel 0, instead of transformed centres.
    """
    parts = [
        _cells_of_frame(
            frame,
            move(mask, affine, nearest=nearest),
            affine.inverse(),
            cells,
            nearest=nearest,
            from_nearest=from_nearest,
        )
        for frame, affine in transforms.items()
    ]
    return TargetCells(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in parts[0].__dataclass_fields__
        )
    )


def _cells_of_frame(
    frame: int,
    moved: NDArray[np.float32],
    back: Affine,
    shape: tuple[int, int],
    *,
    nearest: bool,
    from_nearest: bool,
) -> TargetCells:
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
    return TargetCells(torch.full_like(rows, frame), rows, columns, areas, points.float())


def move(mask: NDArray[np.bool_], affine: Affine, *, nearest: bool = False) -> NDArray[np.float32]:
    """Warp a mask (H, W): the coverage of each pixel, or 0 or 1 by the nearest source pixel."""
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
    """Resize a mask (H, W): the covered fraction of each cell, or 0 or 1 by its nearest pixel."""
    values = torch.from_numpy(np.asarray(mask, dtype=np.float32))[None, None]
    if nearest:
        return (F.interpolate(values, size=(rows, columns), mode="nearest")[0, 0] >= 0.5).float()
    return F.adaptive_avg_pool2d(values, (rows, columns))[0, 0]


def sample(maps: Tensor, points: Tensor, *, nearest: bool = False) -> Tensor:
    """Sample a map (rows, columns, channels) at K points from -1 to 1, giving (K, channels)."""
    planes = maps.permute(2, 0, 1)[None]
    where = points.to(maps.dtype)[None, None]
    mode, padding = ("nearest", "zeros") if nearest else ("bilinear", "border")
    read = F.grid_sample(planes, where, mode=mode, padding_mode=padding, align_corners=False)
    return read[0, :, 0].T


def enlarge(maps: Tensor, factor: int, *, corners: bool = False) -> Tensor:
    """Upsample maps (F, rows, columns, channels) bilinearly by `factor` along both axes.

    New cells subdivide the old ones. With `corners`, the centres of the corner cells are aligned
    instead, as in the release, which shifts positions by up to half a cell.
    """
    if factor == 1:
        return maps
    larger = F.interpolate(
        maps.movedim(-1, 1), scale_factor=float(factor), mode="bilinear", align_corners=corners
    )
    return larger.movedim(1, -1)
