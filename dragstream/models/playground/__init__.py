"""The model in the package: a small world, its captions, an autoencoder and a small causal Wan."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dragstream.models.playground.model import Playground

__all__ = ["draw", "load"]


def load() -> Playground:
    """Load the packaged model; needs no network.

    Raises:
        FileNotFoundError, ValueError: the package's weights are missing or damaged.
    """
    from dragstream.models.playground.model import Playground

    return Playground.from_folder()


def draw(prompt: str, seed: int = 0) -> NDArray[np.uint8]:
    """Render a first frame for a caption; see `dragstream.models.playground.picture.draw`."""
    from dragstream.models.playground.picture import draw as render

    return render(prompt, seed)
