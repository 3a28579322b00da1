"""`StreamedWan`: the base of the packaged and the public models, without text and pixels."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dragstream.models.base import LowPassFilter, ModelSpec, Reading
from dragstream.models.causal_wan import CausalWan
from dragstream.models.wan.context_policy import AnyContext, Rolling, inner_context
from dragstream.models.wan.release import TIMESTEPS


class StreamedWan(nn.Module, ABC):
    """A causal Wan with a schedule and a context policy; see `VideoModel` for the methods.

    Args:
        spec: Sizes and schedule.
        wan: The transformer.
        timesteps: The network's timestep by noise level of the spec, where it differs from sigma *
            1000.
        policy: The context policy; by default the transformer's window and sink.
    """

    def __init__(
        self,
        spec: ModelSpec,
        wan: CausalWan,
        timesteps: Mapping[float, float] | None = None,
        policy: Rolling | None = None,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.wan = wan
        self.policy = policy or Rolling(wan)
        self._timesteps = dict(timesteps or {})

    @property
    def device(self) -> torch.device:
        """The device of latents and contexts."""
        return self.wan.transformer.device

    @abstractmethod
    def digest(self) -> str:
        """Compute a digest of weights, sizes and schedule."""

    @functools.cached_property
    def _digest(self) -> str:
        return self.digest()

    def fingerprint(self) -> str:
        """Return a digest of weights, sizes and schedule, for archives; slow at the first call."""
        return self._digest

    def new_context(self, text: Tensor) -> Any:
        """See `VideoModel`."""
        return self.policy.begin(text)

    def with_text(self, context: AnyContext, text: Tensor) -> Any:
        """See `VideoModel`."""
        return self.policy.with_text(context, text)

    def read(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int] = (),
        filters: Sequence[LowPassFilter | None] = (None,),
        *,
        predict: bool = False,
        window: int | None = None,
    ) -> Reading:
        """See `VideoModel.read`."""
        level = self._timesteps[sigma] / TIMESTEPS if sigma in self._timesteps else sigma
        inner = inner_context(context)
        found = self.wan.read(
            latents, level, inner, layers, filters, predict=predict, window=window
        )
        if found.x0 is None or sigma == level:
            return found
        # z - sigma * flow, given z - level * flow
        return replace(found, x0=latents - (latents - found.x0) * (sigma / level))

    @torch.no_grad()
    def denoise(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """Predict x0 without gradients, shaped and typed like the noisy `latents`."""
        return cast("Tensor", self.read(latents, sigma, context, predict=True).x0)

    def commit(self, latents: Tensor, context: Any) -> Any:
        """See `CausalWan.commit`."""
        return self.policy.extended(context, latents)

    def encode_video(self, frames: NDArray[np.uint8]) -> Tensor:
        """Encode a video from its beginning, uint8 (T, H, W, 3), as latents (1, N, C, h, w).

        T is the video frame count of one or more whole blocks; a ValueError refuses another.
        """
        count = len(frames) if getattr(frames, "ndim", 0) == 4 else 0
        self.check_pixels(frames, "a video", (count,))
        clock, block = self.spec.clock, self.spec.frames_per_block
        latent, over = divmod(count - 1, clock.temporal_factor)
        if over or (latent + 1) % block or count < 1:
            fitting = [clock.video_frames(number * block) for number in (1, 2, 3)]
            raise ValueError(
                f"a video must have as many frames as whole blocks of {block} latent frames make, "
                f"{', '.join(map(str, fitting))} and so on, got {count}"
            )
        return self.encode_frames(frames)

    @abstractmethod
    def encode_frames(self, frames: NDArray[np.uint8]) -> Tensor:
        """Encode checked frames (T, H, W, 3) as latents (1, N, C, h, w) on the model's device."""

    def check_pixels(self, pixels: object, what: str, frames: tuple[int, ...]) -> None:
        """Raise a TypeError or ValueError unless pixels are uint8 (*frames, H, W, 3)."""
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        if kind != np.uint8:
            raise TypeError(f"{what} must be a uint8 array, got {kind}")
        shape = (*frames, self.spec.grid.height, self.spec.grid.width, 3)
        found = tuple(getattr(pixels, "shape", ()))
        if found != shape:
            raise ValueError(f"{what} must be {shape}, got {found}")
