"""The `DragMethod` protocol, which each `settings` argument accepts; `DragSettings` is one."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

from dragstream.models.base import ModelSpec


@runtime_checkable
class DragMethod(Protocol):
    """A method that drags one block by optimising its latents at one denoising step."""

    @property
    def denoising_step(self) -> int | None:
        """Index of the denoising step to optimise at, from 0; None: the model's default."""

    @property
    def neighbours(self) -> int:
        """Number of preceding latent frames that drift is measured against."""

    @property
    def prediction_blocks(self) -> int:
        """Number of preceding blocks whose statistics predictions are normalised to; 0: none."""

    def resolve(self, spec: ModelSpec) -> Self:
        """Return a copy with the model's defaults in place of None.

        Raises:
            ValueError: Layers or a denoising step that the model lacks.
        """

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain values, for archives."""
