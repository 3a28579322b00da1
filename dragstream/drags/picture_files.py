"""Reads pictures of untrusted files: `read_picture`, `picture_size`."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.reading import located

MOST_PIXELS = 2**25
"""Most pixels of one picture or mask: a frame of 8K."""

BROKEN = (
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""Exceptions of Pillow for damaged, truncated or oversized pictures."""


def read_picture(file: Path) -> NDArray[np.uint8]:
    """Read a picture as RGB, uint8 (H, W, 3).

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no picture, damaged, or larger than `MOST_PIXELS`; the message names the
            file.
    """
    with _opened(file) as image:
        return np.array(image.convert("RGB"), np.uint8)


def picture_size(file: Path) -> tuple[int, int]:
    """Read height and width of a picture, in pixels; errors are those of `read_picture`."""
    with _opened(file) as image:
        return image.height, image.width


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    if not file.is_file():
        raise FileNotFoundError(f"there is no picture {str(file)!r}")
    with located(f"{file}: a picture is expected", *BROKEN), Image.open(file) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise ValueError(f"at most {MOST_PIXELS} pixels are read, got {width} x {height}")
        yield image
