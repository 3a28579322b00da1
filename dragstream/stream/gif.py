"""Encodes frames as a gif that keeps every frame."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from PIL.GifImagePlugin import getdata, getheader

SHORTEST, LONGEST = 2, 2**16 - 1
"""Limits of a frame's duration, in hundredths of a second: players slow down below two, and the
format stores 16 bits."""

FASTEST = 100 / SHORTEST
"""Highest frame rate of a gif, frames a second."""
SLOWEST = 100 / LONGEST
"""Lowest frame rate of a gif, frames a second."""


def durations(count: int, frame_rate: float) -> list[int]:
    """The duration of each frame in hundredths of a second, the unit of gif.

    Durations differ by one where the rate does not divide 100, so that each frame begins within
    half a hundredth of its exact time. Rates are clamped to `SLOWEST` and `FASTEST`.
    """
    rate = min(max(frame_rate, SLOWEST), FASTEST)
    ends = [round(100 * (number + 1) / rate) for number in range(count)]
    return [end - begin for begin, end in itertools.pairwise([0, *ends])]


def encode_gif(frames: NDArray[np.uint8], frame_rate: float) -> bytes:
    """Frames (T, H, W, 3), at least one, as an endlessly looping gif of T frames.

    Pillow's `save` drops a frame that equals the one before. Here each frame holds the box of
    changed pixels, or a single pixel if nothing changed.
    """
    times = [10 * hundredths for hundredths in durations(len(frames), frame_rate)]
    before = Image.fromarray(frames[0])
    first = _with_palette(before)
    parts = [*getheader(first, info={"loop": 0})[0], *getdata(first, duration=times[0])]
    for frame, time in zip(frames[1:], times[1:], strict=True):
        image = Image.fromarray(frame)
        box = ImageChops.difference(before, image).getbbox() or (0, 0, 1, 1)
        changed = _with_palette(image.crop(box))
        parts += getdata(changed, box[:2], duration=time, include_color_table=True)
        before = image
    return b"".join([*parts, b";"])


def _with_palette(image: Image.Image) -> Image.Image:
    return image.convert("P", palette=Image.Palette.ADAPTIVE)
