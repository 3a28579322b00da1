"""The model in the package: a small world, its captions, an autoencoder and a small causal Wan."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dragstream.models.playground.model import Playground

__all__ = ["load"]


def load() -> Playground:
    """Load the packaged model; needs no network.

    Raises:
        FileNotFoundError, ValueError: the package's weights are missing or damaged.
    """
    from dragstream.models.playground.model import Playground

    return Playground.from_folder()
