"""Writes mp4 and gif files, and encodes the small looping video of a notebook."""

from __future__ import annotations

import base64
import html
import io
import itertools
import logging
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from PIL.GifImagePlugin import getdata, getheader

from dragstream.drags.checks import check_int, check_positive
from dragstream.drags.files import checked_target, replacing
from dragstream.stream.mp4 import FFmpegError, encode_mp4, mp4_bytes

Frames = NDArray[np.uint8]

_log = logging.getLogger(__name__)

_SHORTEST, _LONGEST = 2, 2**16 - 1
"""Limits of a frame's duration, in hundredths of a second: players slow down below two, and the
format stores 16 bits."""

_FASTEST = 100 / _SHORTEST
"""Highest frame rate of a gif, frames a second."""
_SLOWEST = 100 / _LONGEST
"""Lowest frame rate of a gif, frames a second."""


def _checked_frames(frames: Frames) -> Frames:
    """Raise unless there is a frame."""
    if len(frames) == 0:
        raise ValueError("there are no frames yet: generate a block first")
    return frames


def _checked(
    frames: Frames, path: str | os.PathLike[str], suffix: str, frame_rate: float
) -> tuple[Frames, Path, float]:
    return (
        _checked_frames(frames),
        checked_target(path, suffix),
        check_positive(frame_rate, "frame_rate"),
    )


def to_mp4(frames: Frames, path: str | os.PathLike[str], frame_rate: float) -> Path:
    """Write (T, H, W, 3) uint8 frames as H.264; returns the path.

    The file appears whole or not at all: an older one stays until the new one is complete.
    """
    frames, target, frame_rate = _checked(frames, path, ".mp4", frame_rate)
    with replacing(target) as part:
        encode_mp4(frames, part, frame_rate)
    return target


def to_gif(frames: Frames, path: str | os.PathLike[str], frame_rate: float) -> Path:
    """Write (T, H, W, 3) uint8 frames as an endlessly looping gif; returns the path.

    The file holds every frame, also those that equal the one before, and appears whole or not at
    all. A gif counts in hundredths of a second, so at 16 frames a second three frames of four are
    shown for 0.06 s and one for 0.07 s.
    """
    frames, target, frame_rate = _checked(frames, path, ".gif", frame_rate)
    if not _SLOWEST <= frame_rate <= _FASTEST:
        warnings.warn(
            f"a gif has {_SLOWEST:.3g} to {_FASTEST:g} frames a second: "
            f"{min(max(frame_rate, _SLOWEST), _FASTEST):.3g} instead of {frame_rate:.6g}",
            stacklevel=2,
        )
    with replacing(target) as part:
        part.write_bytes(_encode_gif(frames, frame_rate))
    return target


def _durations(count: int, frame_rate: float) -> list[int]:
    """The duration of each frame in hundredths of a second, the unit of gif.

    Durations differ by one where the rate does not divide 100, so that each frame begins within
    half a hundredth of its exact time. Rates are clamped to `_SLOWEST` and `_FASTEST`.
    """
    rate = min(max(frame_rate, _SLOWEST), _FASTEST)
    ends = [round(100 * (number + 1) / rate) for number in range(count)]
    return [end - begin for begin, end in itertools.pairwise([0, *ends])]


def _encode_gif(frames: NDArray[np.uint8], frame_rate: float) -> bytes:
    """Frames (T, H, W, 3), at least one, as an endlessly looping gif of T frames.

    Pillow's `save` drops a frame that equals the one before. Here each frame holds the box of
    changed pixels, or a single pixel if nothing changed.
    """
    times = [10 * hundredths for hundredths in _durations(len(frames), frame_rate)]
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


@dataclass(frozen=True)
class Clip:
    """An encoded video that notebooks show inline, looping and silent.

    ``width`` is in CSS pixels; the height follows.
    """

    data: bytes
    mime: str
    width: int
    label: str = "video"

    @classmethod
    def of(
        cls, frames: Frames, frame_rate: float, width: int | None = None, label: str = "video"
    ) -> Clip:
        """Encode frames as mp4, or as gif without a working ffmpeg.

        ``width`` defaults to the smallest multiple of the frames' width that is at least 320.
        """
        frames, frame_rate = _checked_frames(frames), check_positive(frame_rate, "frame_rate")
        if width is None:
            own = frames.shape[2]
            width = own * max(1, math.ceil(320 / own))
        width = check_int(width, "width", least=1)
        try:
            return cls(mp4_bytes(frames, frame_rate), "video/mp4", width, label)
        except (ImportError, FFmpegError) as error:
            _log.info("shown as a gif: %s", error)
            return cls(_encode_gif(frames, frame_rate), "image/gif", width, label)

    def _repr_html_(self) -> str:
        source = f"data:{self.mime};base64,{base64.b64encode(self.data).decode()}"
        label = html.escape(self.label)
        if self.mime == "image/gif":
            return f'<img src="{source}" width="{self.width}" alt="{label}">'
        return (
            f'<video src="{source}" width="{self.width}" aria-label="{label}"'
            " autoplay loop muted playsinline controls></video>"
        )

    def __repr__(self) -> str:
        return f"Clip({self.mime}, {len(self.data)} bytes)"


def filmstrip_png(frames: Frames, height: int = 96) -> bytes:
    """The frames side by side, ``height`` pixels high, as a PNG."""
    frames = _checked_frames(frames)
    width = max(1, round(frames.shape[2] * height / frames.shape[1]))
    strip = Image.new("RGB", ((width + 2) * len(frames) - 2, height), "white")
    for number, frame in enumerate(frames):
        strip.paste(Image.fromarray(frame).resize((width, height)), (number * (width + 2), 0))
    buffer = io.BytesIO()
    strip.save(buffer, format="PNG")
    return buffer.getvalue()
