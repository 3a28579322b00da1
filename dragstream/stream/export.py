"""`StreamExport`: a stream as an archive, video, web page, notebook player or Python code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dragstream.stream import archive, video
from dragstream.stream.reader import StreamReader
from dragstream.stream.script import script
from dragstream.stream.web_page import Branch, write_page

_SHOWN = 240
"""Most video frames, about, that the display of a stream in a notebook encodes: the newest."""


class StreamExport(StreamReader):
    """Writes a stream to files and source code; changes nothing in it."""

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything but the model to one file, whole or not at all; returns the path.

        The file is a zip of JSON and safetensors. Its usual suffix is ``.dragstream``; ``~`` is the
        home folder. Temporary files that a killed process left from a save of the same file are
        deleted.

        Raises:
            TypeError: No path.
            ValueError: A folder that does not exist.
            OSError: The file cannot be written, as on a full disk.
        """
        return archive.save(self._state, self._seed, path, self.model)

    def to_mp4(self, path: str | os.PathLike[str], frame_rate: float | None = None) -> Path:
        """Write the video as mp4 (extra ``widgets``); returns the path.

        The file appears whole or not at all; an older one stays until the new one is complete.

        Args:
            path: Ending in ``.mp4``; ``~`` is the home folder.
            frame_rate: Frames a second; None means the model's own.

        Raises:
            ValueError: A stream without blocks, another suffix, no such folder, a bad rate.
            ImportError: Without imageio-ffmpeg.
            RuntimeError: ffmpeg cannot be run, has no x264, or failed, as on a full disk; the
                message repeats ffmpeg's. `to_gif` works without it.
            OSError: The file cannot be written.
        """
        return video.to_mp4(self.frames, path, self._rate(frame_rate))

    def to_gif(self, path: str | os.PathLike[str], frame_rate: float | None = None) -> Path:
        """Write the video as an endlessly looping gif; returns the path.

        The file holds every frame, and appears whole or not at all. Its times are hundredths of a
        second, which keep the rate on average; above 50 frames a second it has 50, with a warning.

        Args:
            path: Ending in ``.gif``; ``~`` is the home folder.
            frame_rate: Frames a second; None means the model's own.

        Raises:
            ValueError: A stream without blocks, another suffix, no such folder, a bad rate.
            OSError: The file cannot be written.
        """
        return video.to_gif(self.frames, path, self._rate(frame_rate))

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        name: str = "main",
        beside: Mapping[str, StreamExport] | None = None,
        megabytes: float = 3.0,
    ) -> Path:
        """Write the stream as a self-contained web page, to be sent and opened anywhere.

        It plays and scrubs the video, with drags drawn over the frames, and shows prompts,
        settings, drift and the code that makes the stream again. It needs no network and no
        kernel, and executes nothing that came from a text.

        Args:
            path: Ending in ``.html``; ``~`` is the home folder.
            name: Name of the stream on the page.
            beside: Other streams of the same model by name, such as forks, shown side by side.
            megabytes: Frames are scaled down, to 64 pixels of width at most, until they need no
                more than this, in units of 10^6 bytes.

        Raises:
            TypeError: A stream of another kind or model; ``megabytes`` is not a number.
            ValueError: A stream without blocks, two of one name, another suffix, no such folder,
                or a number that is not positive.
            OSError: The file cannot be written.
        """
        others: Mapping[str, Any] = beside or {}
        for other in others.values():
            if not isinstance(other, StreamExport) or other.model is not self.model:
                raise TypeError(f"beside must hold streams of the same model, got {other!r}")
        streams = [(name, self), *others.items()]
        return write_page(
            [_branch(stream, label) for label, stream in streams], self.model.spec, path, megabytes
        )

    def display(self, width: int | None = None) -> video.Clip:
        """A silent, looping player of the video, shown if it is the last line of a cell.

        Args:
            width: In CSS pixels; None means the frames' own, enlarged if they are small.

        Raises:
            ValueError: A stream without blocks, or a width below 1.
        """
        return video.Clip.of(self.frames, self._rate(None), width, label=self._state.prompt)

    def to_code(self, model: str | None = None) -> str:
        """Python source that makes the stream again, bit for bit on a CPU.

        It has the calls that made the stream's present blocks, with their drags, regions, settings
        and prompts, but not those of rewound blocks. The source needs no file beside it, and
        defines ``model`` and ``stream``.

        Args:
            model: The expression that gives the model, as in ``'ds.load("playground")'``, which
                is the default for models with a name in `ds.models.available()`.

        Raises:
            ValueError: A model of another name, without an expression for it; blocks
                from an older archive that does not hold all calls that made them.
        """
        state = self._state
        return script(
            self.model,
            blocks=state.blocks,
            prompt=state.prompt,
            seed=self._seed,
            prediction_blocks=state.prediction_blocks,
            load=model,
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        blocks = self.blocks
        if not blocks:
            return {"text/plain": repr(self)}
        shown = blocks[-max(1, _SHOWN // len(blocks[-1].frames)) :]
        frames = np.concatenate([block.frames for block in shown])
        clip = video.Clip.of(frames, self._rate(None), label=self._state.prompt)
        return {"text/plain": repr(self), "text/html": clip._repr_html_()}

    def _rate(self, frame_rate: float | None) -> float:
        return self.model.spec.clock.frame_rate if frame_rate is None else frame_rate


def _branch(stream: StreamExport, name: str) -> Branch:
    """A stream for a web page."""
    try:
        code = stream.to_code()
    except (TypeError, ValueError):  # a model or motion without an expression
        code = None
    return Branch(name, stream.seed, stream.blocks, code)
