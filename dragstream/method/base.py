"""The `DragMethod` protocol: the interface that an optimisation method must provide.

A method is a value that holds its constants; `dispatch.create_optimizer` creates its optimiser of
a block. `DragSettings` is DragStream's method; `dragstream.method.baselines` contains the methods
that it is compared with. Every `settings` argument accepts any of them.
"""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

from dragstream.models.base import ModelSpec


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

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain values, for archives."""
        ...
