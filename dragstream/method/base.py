"""The `DragMethod` protocol: the interface that an optimisation method must provide.

A method is a value that holds its constants and creates the optimisation of a block.
`DragSettings` is DragStream's method; `dragstream.method.baselines` contains the methods that it
is compared with. Every `settings` argument accepts any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from dragstream.method.descent import Descent
    from dragstream.method.pulls import Pull
    from dragstream.models.base import ModelSpec, VideoModel

__all__ = ["DragMethod"]


@runtime_checkable
class DragMethod(Protocol):
    """A method that drags one block by optimising its latents at one denoising step."""

    @property
    def denoising_step(self) -> int | None:
        """Index of the denoising step to optimise at, from 0; None: the model's default."""
        ...

    @property
    def neighbours(self) -> int:
        """Number of preceding latent frames that drift is measured against."""
        ...

    @property
    def prediction_blocks(self) -> int:
        """Number of preceding blocks whose statistics predictions are normalised to; 0: none."""
        ...

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with the model's defaults in place of None.

        Raises:
            ValueError: Layers or a denoising step that the model lacks.
        """
        ...

    def optimization(
        self,
        model: VideoModel,
        latents: torch.Tensor,
        context: Any,
        pulls: Sequence[Pull],
        *,
        keep: NDArray[np.bool_] | None = None,
        neighbours: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Descent:
        """Create the optimisation of one block; see `optimization.Optimization` for arguments."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain values, for archives."""
        ...
