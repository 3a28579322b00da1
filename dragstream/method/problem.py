"""The optimisation problem of one block: `DragProblem`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.checks import check_finite, check_int
from dragstream.drags.geometry import Grid
from dragstream.method.block_drags import BlockDrag
from dragstream.models.base import VideoModel


@dataclass(frozen=True, eq=False)
class DragProblem:
    """The input of a method for one block.

    Args:
        model: The model that computes the features.
        latents: Noisy latents of the block at the method's denoising step, (1, F, C, h, w).
        context: The model's context (cache) of the preceding blocks.
        drags: The drags, at least one.
        keep: The region M that must not change, bool (H, W), or None.
        neighbours: Noisy latents of the preceding latent frames at the same step, (N, C, h, w),
            newest last, for rectification and drift; None at the start of a stream.
        generator: Random generator on the CPU for the cutoffs; required if there are several.

    Raises:
        TypeError: A mask that is not a boolean array, values that are not numbers.
        ValueError: No drags, shapes that do not fit, an empty mask, no driven frame.
    """

    model: VideoModel
    latents: Tensor
    context: Any
    drags: tuple[BlockDrag, ...]
    keep: NDArray[np.bool_] | None = None
    neighbours: Tensor | None = None
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "drags", tuple(self.drags))
        spec, latents = self.model.spec, self.latents
        shape = tuple(latents.shape)
        _require(
            latents.ndim == 5 and shape[0] == 1 and latents.is_floating_point(),
            "latents must be floats of shape (1, frames, channels, height, width)",
            f"{latents.dtype} of shape {shape}",
        )
        fitting = (spec.latent_channels, spec.grid.latent_height, spec.grid.latent_width)
        rule = f"latents of {spec.name!r} have (channels, height, width) {fitting}"
        _require(shape[2:] == fitting, rule, shape[2:])
        _require(bool(self.drags), "an optimisation needs at least one drag", "none")
        for drag in self.drags:
            _check_drag(drag, latents, spec.grid)
        if self.keep is not None:
            _check_mask(self.keep, spec.grid, "keep")
        if self.neighbours is not None:
            found = tuple(self.neighbours.shape)
            rule = f"neighbours must have shape (N, {', '.join(map(str, fitting))})"
            _require(found[1:] == fitting, rule, found)

    def recent(self, count: int) -> Tensor | None:
        """Return the last `count` of the neighbours, or None if there are none."""
        if self.neighbours is None or len(self.neighbours) == 0:
            return None
        return self.neighbours[-count:]


def _require(met: bool, rule: str, found: object) -> None:  # noqa: FBT001
    if not met:
        raise ValueError(f"{rule}, got {found}")


def _check_drag(drag: BlockDrag, latents: Tensor, grid: Grid) -> None:
    _check_mask(drag.mask, grid, "the handle mask")
    if not drag.mask.any():
        raise ValueError("the handle mask must cover at least one pixel, got an empty one")
    frames, size = latents.shape[1], tuple(latents.shape[2:])
    driven = [part for part in drag.fractions if part is not None]
    _require(
        len(drag.fractions) == frames and bool(driven),
        f"fractions must hold one entry for each of the block's {frames} latent frames, not all "
        "of them None",
        drag.fractions,
    )
    for part in driven:
        check_finite(part, "a fraction")
    check_finite(drag.start, "start")
    reference = drag.reference
    found = tuple(reference.latents.shape)
    rule = f"a reference's latents must have (channels, height, width) {size} as the block's"
    _require(len(found) == 5 and found[2:] == size, rule, found)
    check_int(reference.frame, "a reference's frame", least=0)
    rule = f"a reference's frame must be one of the {found[1]} of its block, counted from 0"
    _require(reference.frame < found[1], rule, reference.frame)
    if reference.clean is not None:
        found = tuple(reference.clean.shape)
        _require(found == size, f"a reference's clean latents must have shape {size}", found)


def _check_mask(mask: object, grid: Grid, name: str) -> None:
    """Check that a mask is bool (H, W)."""
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        found = mask.dtype if isinstance(mask, np.ndarray) else type(mask).__name__
        raise TypeError(f"{name} must be a boolean array, got {found}")
    size = (grid.height, grid.width)
    _require(mask.shape == size, f"{name} must have shape {size} as the video frames", mask.shape)
