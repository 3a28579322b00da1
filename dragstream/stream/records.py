"""Records of blocks and of the calls that made them, as frozen values."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dragstream.drags.motions import Drag
from dragstream.method.base import DragMethod
from dragstream.method.iteration import Iteration
from dragstream.method.moments import Moments
from dragstream.stream.video import filmstrip_png

__all__ = ["Block", "Call", "Iteration", "Mode", "Timings"]


class Mode(Enum):
    """The kind of call that made a block."""

    STEP = "step"
    EDIT = "edit"
    ANIMATE = "animate"
    IMAGE = "image"


@dataclass(frozen=True)
class Call:
    """The arguments of the call that made a block."""

    mode: Mode
    """The kind of call that made it."""
    drags: tuple[Drag, ...] = ()
    """Its drags; none for a plain block."""
    keep: Any = None
    """Its non-editable region: a shape, a boolean mask (H, W) or None."""
    settings: DragMethod | None = None
    """Its settings, resolved for the model; None for a plain block."""
    part: tuple[int, int] = (0, 1)
    """(j, n): it made n blocks, and this was number j from 0."""


@dataclass(frozen=True)
class Timings:
    """Seconds that a block took.

    ``steps`` holds the denoiser's share of each denoising step that ran (an edit starts at the
    drag's step), ``drag`` all iterations together, ``commit`` the context pass, ``decode`` the
    decoder. Contexts recomputed before the block, say after a rewind, are not included.
    """

    steps: tuple[float, ...]
    drag: float
    commit: float
    decode: float

    @property
    def total(self) -> float:
        """The sum of all parts, in seconds."""
        return sum(self.steps) + self.drag + self.commit + self.decode


@dataclass(frozen=True, eq=False)
class Block:
    """One block of latent frames, with the call that made it.

    Tensors are float32 on the CPU and shared between forks: read them, copy before you change
    them. F is the number of latent frames, T that of video frames.
    """

    index: int
    """Number of the block in the stream, from 0."""
    mode: Mode
    """The kind of call that made it."""
    prompt: str
    """The caption it was generated under."""
    latents: torch.Tensor
    """Clean latents, (F, C, h, w)."""
    noisy: tuple[torch.Tensor, ...]
    """Noisy latents of each denoising step, (F, C, h, w) each; after the drag at the drag's."""
    frames: NDArray[np.uint8]
    """The video, (T, H, W, 3), read-only."""
    drift: tuple[float, ...]
    """Distance of each latent frame's moments from those of the latent frames before the block
    (as many as rectification uses); NaN in the first block, which has none."""
    timings: Timings
    """Seconds, part by part."""
    first_frame: int = 0
    """Number of the block's first video frame in the stream."""
    drags: tuple[Drag, ...] = ()
    """The drags of the call that made it; none for a plain block."""
    keep: Any = None
    """The non-editable region of that call: a shape, a boolean mask (H, W) or None."""
    settings: DragMethod | None = None
    """The settings of that call, resolved for the model; None for a plain block."""
    part: tuple[int, int] = (0, 1)
    """(j, n): this is block j, from 0, of the n that one call made."""
    iterations: tuple[Iteration, ...] = ()
    """The drag iterations, in order."""
    earlier: tuple[Call, ...] = ()
    """The calls that made the block before its last edit, in order; empty for other blocks."""
    picture: NDArray[np.uint8] | None = None
    """In the first block, the picture (H, W, 3) that the stream was started from; read-only."""
    footage: NDArray[np.uint8] | None = None
    """In the first block, the video (T, H, W, 3) that the stream was started from; read-only."""

    @property
    def call(self) -> Call:
        """The last call that made or edited the block."""
        return Call(self.mode, self.drags, self.keep, self.settings, self.part)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The call that first made the block, and those that edited it, in order."""
        return (*self.earlier, self.call)

    @property
    def given(self) -> bool:
        """True for blocks of the picture or video that the stream was started from."""
        return self.calls[0].mode is Mode.IMAGE

    @cached_property
    def moments(self) -> Moments:
        """Mean, standard deviation, minimum and maximum of the clean latents."""
        return Moments.of(self.latents)

    @cached_property
    def frame_moments(self) -> tuple[Moments, ...]:
        """The moments of each latent frame."""
        return tuple(Moments.of(frame) for frame in self.latents)

    @property
    def latent_frames(self) -> range:
        """The numbers of the block's latent frames in the stream."""
        count = len(self.latents)
        return range(self.index * count, (self.index + 1) * count)

    @property
    def video_frames(self) -> range:
        """The numbers of the block's video frames in the stream."""
        return range(self.first_frame, self.first_frame + len(self.frames))

    def __repr__(self) -> str:
        dragged = f", {len(self.drags)} drags" if self.drags else ""
        return f"Block({self.index}, {self.mode.value}, {len(self.frames)} frames{dragged})"

    def _repr_html_(self) -> str:
        strip = base64.b64encode(filmstrip_png(self.frames)).decode()
        caption = html.escape(f"{self!r}: {self.prompt}")
        return f'<img src="data:image/png;base64,{strip}" alt="{caption}"><br>{caption}'
