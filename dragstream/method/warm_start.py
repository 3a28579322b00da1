"""`warm_start`: begin the optimisation with the dragged objects already at their targets."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from dragstream.drags.geometry import Grid
from dragstream.method.block_drags import BlockDrag
from dragstream.method.target_cells import find_target_cells, sample


def warm_start(
    latents: Tensor,
    sigma: float,
    predicted: Tensor,
    *,
    drags: Sequence[BlockDrag],
    references: Sequence[Tensor],
    grid: Grid,
) -> Tensor:
    """Replace the clean part of noisy latents at the drags' targets by that of the references.

    At each target cell y (Eq. 1), z' = z + a (1 - sigma) (x0_ref(Π(y)) - x0(y)), where a is the
    share of the cell that the moved region covers. The noise in z stays as it is. This is not part
    of the paper: iterations then improve what is there instead of carrying it over. Where regions
    overlap, the later drag is in front.

    Args:
        latents: Noisy latents of the block, z, (1, F, C, h, w).
        sigma: Their noise level.
        predicted: Clean prediction x0 of the latents, (F, h, w, C).
        drags: The drags.
        references: For each drag, clean prediction x0 of its reference frame, (h, w, C).
        grid: Sizes of a frame.

    Returns:
        New latents, (1, F, C, h, w).
    """
    wanted = predicted.clone()
    for drag, reference in zip(drags, references, strict=True):
        where, share, values = carry_over(drag, reference, grid)
        wanted[where] += share * (values - wanted[where])
    return latents + (1 - sigma) * (wanted - predicted).movedim(-1, 1)[None]


def carry_over(
    drag: BlockDrag, reference: Tensor, grid: Grid
) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor, Tensor]:
    """Warp the clean latents of a drag's region from its reference frame to its targets (Eq. 1).

    Args:
        drag: The drag.
        reference: Clean latents of its reference frame, (h, w, C).
        grid: Sizes of a frame.

    Returns:
        The K target cells as (frames, rows, columns), the share of each that the moved region
        covers, (K, 1), and the warped latents there, (K, C).
    """
    cells = grid.latent_height, grid.latent_width
    area = grid.height * grid.width / (cells[0] * cells[1])
    targets = find_target_cells(drag.mask, drag.transforms(), cells).to(reference.device)
    where = targets.frames, targets.rows, targets.columns
    return where, (targets.areas / area)[:, None], sample(reference, targets.points)
