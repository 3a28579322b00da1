"""Encodes frames as H.264 in an mp4 file, with the ffmpeg of imageio-ffmpeg."""

from __future__ import annotations

import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.extras import needed

_MOST_OUTPUT = 600
"""Most characters of ffmpeg's output in an error message."""
_ALTERNATIVE = "to_gif, or a file name that ends in .gif, works without ffmpeg"


class FFmpegError(RuntimeError):
    """ffmpeg is missing, cannot be run, or failed; the message repeats its output."""


def encode_mp4(frames: NDArray[np.uint8], path: Path, frame_rate: float) -> None:
    """Write frames (T, H, W, 3) as H.264; ``path`` may have any suffix."""
    command = [find_ffmpeg(), *_arguments(frames, frame_rate), str(path.absolute())]
    try:
        # A separate process group: an interrupt of the kernel should reach Python only.
        done = subprocess.run(  # noqa: S603 - no shell, and the path is absolute
            command,
            input=np.ascontiguousarray(frames).data.cast("B"),
            capture_output=True,
            check=False,
            process_group=0,
        )
    except OSError as error:
        raise FFmpegError(f"{command[0]!r} cannot be run: {error}; {_ALTERNATIVE}") from error
    if done.returncode:
        output = done.stderr.decode(errors="replace").strip() or "nothing"
        raise FFmpegError(
            f"{command[0]!r} ended with status {done.returncode} and the output: "
            f"{output[-_MOST_OUTPUT:]}; {_ALTERNATIVE}"
        )


def mp4_bytes(frames: NDArray[np.uint8], frame_rate: float) -> bytes:
    """Frames (T, H, W, 3) as the content of an mp4 file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "film.mp4"
        encode_mp4(frames, file, frame_rate)
        return file.read_bytes()


def find_ffmpeg() -> str:
    """The path of ffmpeg: that of imageio-ffmpeg, or `IMAGEIO_FFMPEG_EXE`."""
    what = "mp4 needs imageio-ffmpeg"
    imageio_ffmpeg = needed("imageio_ffmpeg", what, "widgets", f"; {_ALTERNATIVE}")
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise FFmpegError(f"there is no ffmpeg: {error}; {_ALTERNATIVE}") from error


def _arguments(frames: NDArray[np.uint8], frame_rate: float) -> list[str]:
    """The options of the command, between the executable and the file."""
    height, width = frames.shape[1:3]
    rate = Fraction(frame_rate).limit_denominator()
    arguments = ["-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    arguments += ["-s", f"{width}x{height}", "-r", str(rate), "-i", "-", "-an"]
    # Browsers play 4:2:0 only, which halves the chroma and needs even sizes.
    arguments += ["-vcodec", "libx264", "-pix_fmt", "yuv420p"]
    if width % 2 or height % 2:
        arguments += ["-vf", f"scale={width + width % 2}:{height + height % 2}"]
    return [*arguments, "-crf", "18", "-movflags", "+faststart", "-f", "mp4"]
