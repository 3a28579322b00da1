"""The packaged model: a synthetic world, its captions, an autoencoder and a small causal Wan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dragstream.models.playground.model import Playground

__all__ = ["NAMES", "draw", "load", "owns"]

NAMES = {
    "playground": "a small world, in the package",
    "playground-fast": "the same, distilled to four denoising steps, with a lighter decoder",
}
"""Descriptions of the packaged models, by the names that `dragstream.models.load` takes."""

_PARTS = ("config.json", "transformer.safetensors", "autoencoder.safetensors")


def load(folder: Path | None = None, *, fast: bool = False, **options: Any) -> Playground:
    """Load the packaged model, or weights from its training script; needs no network."""
    from dragstream.models.playground.model import WEIGHTS, Playground

    unknown = set(options) - {"dtype", "attention"}
    if unknown:
        raise TypeError(
            f"the playground takes dtype and attention, got {', '.join(sorted(unknown))}"
        )
    return Playground.from_folder(WEIGHTS if folder is None else folder, fast=fast, **options)


def owns(folder: Path) -> bool:
    """Check that a folder holds output of the playground's training."""
    return all((folder / part).is_file() for part in _PARTS)


def draw(prompt: str, seed: int = 0) -> NDArray[np.uint8]:
    """Render a first frame for a caption; see `dragstream.models.playground.picture.draw`."""
    from dragstream.models.playground.picture import draw as render

    return render(prompt, seed)
