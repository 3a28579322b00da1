"""Start of a case's stream: a frame that can be rendered again, or a picture."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import check_int, short_repr
from dragstream.models.playground import world
from dragstream.stream.noise import generator

MOST_PIXELS = 2**24
"""Of one picture; more is no video frame."""


@dataclass(frozen=True)
class RenderedStart:
    """A rendered first frame of the playground, by the numbers that it is drawn from.

    Args:
        seed: the benchmark's seed.
        scene: number of the scene, from 0.
        attempt: number of the draw for that scene, from 0; earlier ones did not suit its drag.
    """

    seed: int
    scene: int
    attempt: int

    def __post_init__(self) -> None:
        for name in ("seed", "scene", "attempt"):
            object.__setattr__(self, name, check_int(getattr(self, name), name, least=0))

    def scenes(self) -> world.Scenes:
        """The scene and its truth: a batch of one, one frame long.

        Training draws from generators with plain seeds; this one's is a digest of its name, so
        these scenes are held out.
        """
        return self._sampled(1)

    def film(self, frames: int) -> NDArray[np.uint8]:
        """The scene as it goes on by itself, rendered: uint8 (frames, H, W, 3)."""
        video: NDArray[np.uint8] = world.render(self._sampled(frames))[0]
        return video

    def _sampled(self, frames: int) -> world.Scenes:
        source = generator(self.seed, "revel", self.scene, self.attempt)
        return world.sample_scenes(source, 1, frames)

    def image(self) -> NDArray[np.uint8]:
        """The frame, uint8 (H, W, 3)."""
        frame: NDArray[np.uint8] = world.render(self.scenes())[0, 0]
        return frame


@dataclass(frozen=True)
class ImageStart:
    """A first frame as it is, kept as PNG.

    Args:
        png: the bytes of a PNG; see `ImageStart.of`.

    Raises:
        ValueError: no PNG, or one that is too large.
    """

    png: bytes

    def __post_init__(self) -> None:
        self.image()

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> ImageStart:
        """A picture, uint8 (H, W, 3)."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(
                f"a picture must be uint8 (H, W, 3), got {image.dtype} {tuple(image.shape)}"
            )
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, format="PNG", optimize=True)
        return cls(buffer.getvalue())

    def image(self) -> NDArray[np.uint8]:
        """The frame, uint8 (H, W, 3)."""
        try:
            with Image.open(io.BytesIO(self.png), formats=("PNG",)) as image:
                size = image.width * image.height
                pixels = np.asarray(image.convert("RGB")) if size <= MOST_PIXELS else None
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise ValueError(f"the picture that a case starts from is damaged: {error}") from error
        if pixels is None:
            raise ValueError(f"a picture may have {MOST_PIXELS} pixels, got one with {size}")
        return pixels


def to_json(start: RenderedStart | ImageStart | None) -> dict[str, Any] | None:
    """A document of strings and numbers; None for a stream that starts from its caption."""
    match start:
        case None:
            return None
        case ImageStart():
            return {"png": base64.b64encode(start.png).decode("ascii")}
        case RenderedStart():
            return {"seed": start.seed, "scene": start.scene, "attempt": start.attempt}


def from_json(document: object) -> RenderedStart | ImageStart | None:
    """The inverse of `to_json`."""
    if document is None:
        return None
    if isinstance(document, Mapping) and set(document) == {"png"}:
        try:
            return ImageStart(base64.b64decode(document["png"], validate=True))
        except (binascii.Error, TypeError, ValueError) as error:
            raise ValueError(f"start.png: {error}") from error
    if isinstance(document, Mapping) and set(document) == {"seed", "scene", "attempt"}:
        return RenderedStart(**document)
    raise ValueError(
        f"a start has either seed, scene and attempt, or png, got {short_repr(document)}"
    )
