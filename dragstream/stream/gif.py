"""Frames to a gif that holds every one of them."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from PIL.GifImagePlugin import getdata, getheader

SHORTEST, LONGEST = 2, 2**16 - 1
"""Hundredths of a second that a frame may be shown: players slow down below two of them, and a file
holds no larger number."""

FASTEST = 100 / SHORTEST
"""Frames a second."""
SLOWEST = 100 / LONGEST
"""Frames a second."""


def durations(count: int, frame_rate: float) -> list[int]:
    """How long each frame is shown, in hundredths of a second, the unit of gif.

    They differ by one where the rate does not divide 100, so that each frame begins within half a
    hundredth of when it should. Rates beyond `SLOWEST` and `FASTEST` count as those.
    """
    rate = min(max(frame_rate, SLOWEST), FASTEST)
    ends = [round(100 * (number + 1) / rate) for number in range(count)]
    return [end - begin for begin, end in itertools.pairwise([0, *ends])]


def encode_gif(frames: NDArray[np.uint8], frame_rate: float) -> bytes:
    """Frames (T, H, W, 3), at least one, as an endlessly looping gif of T frames.

    Pillow's own way to save drops a frame that equals the one before. Here each frame is what
    changed since, or a single pixel where nothing did.
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
