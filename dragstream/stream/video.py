"""Video out: mp4 and gif files, and a small looping video inside a notebook."""

from __future__ import annotations

import base64
import html
import io
import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dragstream.drags.checks import positive, whole

Frames = NDArray[np.uint8]


def _checked_frames(frames: Frames) -> Frames:
    """Validate (T, H, W, 3) uint8 frames, at least one of them."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
        raise ValueError(
            f"frames must be uint8 of shape (T, H, W, 3), not {frames.dtype} {frames.shape}"
        )
    if len(frames) == 0:
        raise ValueError("there are no frames yet: generate a block first")
    return frames


def _checked_path(path: str | os.PathLike[str], suffix: str) -> Path:
    checked = Path(path)
    if checked.suffix.lower() != suffix:
        raise ValueError(f"the file name must end in {suffix!r}, not {str(checked)!r}")
    if not checked.parent.is_dir():
        raise ValueError(f"there is no folder {str(checked.parent)!r} to write to")
    if checked.is_dir():
        raise ValueError(f"{str(checked)!r} is a folder, it cannot become a file")
    return checked


def _encode_mp4(frames: Frames, path: Path, frame_rate: float) -> None:
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise ImportError(
            'mp4 needs imageio-ffmpeg: pip install "dragstream[lab]" (or write a .gif)'
        ) from error
    height, width = frames.shape[1:3]
    writer = imageio_ffmpeg.write_frames(
        str(path),
        (width, height),
        fps=frame_rate,
        codec="libx264",
        # Browsers play 4:2:0 only, which halves the chroma and so wants even sizes.
        pix_fmt_out="yuv420p",
        macro_block_size=2,
        quality=None,
        bitrate=None,
        output_params=["-crf", "18", "-movflags", "+faststart"],
        ffmpeg_log_level="error",
    )
    writer.send(None)
    try:
        for frame in frames:
            writer.send(np.ascontiguousarray(frame))
    finally:
        writer.close()


def _encode_gif(frames: Frames, target: Any, frame_rate: float) -> None:
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(
        target,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        # gif counts in hundredths of a second and players slow down below two of them
        duration=max(20, round(100 / frame_rate) * 10),
        loop=0,
    )


def _write(
    encode: Callable[[Frames, Path, float], None],
    frames: Frames,
    path: str | os.PathLike[str],
    suffix: str,
    frame_rate: float,
) -> Path:
    """Encode into a file that appears whole or not at all."""
    frames, frame_rate = _checked_frames(frames), positive(frame_rate, "frame_rate")
    target = _checked_path(path, suffix)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        partial = Path(folder) / f"partial{suffix}"
        encode(frames, partial, frame_rate)
        partial.replace(target)
    return target


def to_mp4(frames: Frames, path: str | os.PathLike[str], frame_rate: float) -> Path:
    """Write (T, H, W, 3) uint8 frames as H.264; returns the path.

    The file appears whole or not at all.

    Raises:
        TypeError: A frame rate that is no number.
        ValueError: No frames, another suffix than ``.mp4``, no such folder, a bad frame rate.
        ImportError: Without imageio-ffmpeg (extra ``lab``).
    """
    return _write(_encode_mp4, frames, path, ".mp4", frame_rate)


def to_gif(frames: Frames, path: str | os.PathLike[str], frame_rate: float) -> Path:
    """Write (T, H, W, 3) uint8 frames as an endlessly looping gif; returns the path.

    The file appears whole or not at all.

    Raises:
        TypeError: A frame rate that is no number.
        ValueError: No frames, another suffix than ``.gif``, no such folder, a bad frame rate.
    """
    return _write(_encode_gif, frames, path, ".gif", frame_rate)


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
        """Encode frames: as mp4 where imageio-ffmpeg is installed, as gif elsewhere.

        ``width`` defaults to the frames' own, times whatever makes it at least 320.

        Raises:
            TypeError: A rate or width that is not a number.
            ValueError: No frames, or a rate or width out of range.
        """
        frames, frame_rate = _checked_frames(frames), positive(frame_rate, "frame_rate")
        if width is None:
            own = frames.shape[2]
            width = own * max(1, math.ceil(320 / own))
        width = whole(width, "width", least=1)
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "clip.mp4"
                _encode_mp4(frames, path, frame_rate)
                return cls(path.read_bytes(), "video/mp4", width, label)
        except ImportError:
            buffer = io.BytesIO()
            _encode_gif(frames, buffer, frame_rate)
            return cls(buffer.getvalue(), "image/gif", width, label)

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
