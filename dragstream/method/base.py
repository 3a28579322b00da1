"""What a way of dragging is to the rest of the package: `DragMethod`.

A method is a value: its constants, and how it starts on a block. `DragSettings` is DragStream's;
`dragstream.method.baselines` holds those that it is compared with. Whatever takes `settings`
takes any of them.
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
    """A way to drag one block by optimising its latents at one denoising step."""

    @property
    def denoising_step(self) -> int | None:
        """At which denoising step, counted from 0; None: what suits the model."""
        ...

    @property
    def neighbours(self) -> int:
        """How many preceding latent frames drift is measured against."""
        ...

    @property
    def prediction_blocks(self) -> int:
        """Predictions take on the statistics of this many preceding blocks; 0: of none."""
        ...

    def resolve(self, spec: ModelSpec) -> Self:
        """The same with what suits the model in place of None.

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
        """The iterations that drag one block; see `dragstream.method.optimization.Optimization`."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain values, for archives."""
        ...
