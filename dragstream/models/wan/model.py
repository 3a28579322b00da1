"""A public Wan with the `VideoModel` protocol: transformer, VAE, text encoder and schedule."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dragstream.models.base import LowPassFilter, ModelSpec, Reading
from dragstream.models.wan.context_policy import AnyContext, Rolling, inner_context
from dragstream.models.wan.device_map import DeviceMap
from dragstream.models.wan.release import TIMESTEPS

if TYPE_CHECKING:
    from dragstream.models.causal_wan import CausalWan
    from dragstream.models.wan.preview import PreviewDecoder
    from dragstream.models.wan.vae import VideoAutoencoder


class Text(Protocol):
    """A function from a prompt to embeddings."""

    def __call__(self, prompt: str, /) -> Tensor:
        """Return embeddings (1, tokens, text_dim)."""


class Wan(nn.Module):
    """A causal Wan with VAE, text encoder and schedule; see `VideoModel` for the methods.

    Args:
        spec: Sizes and schedule.
        wan: The transformer.
        vae: The VAE, on any device.
        text: A callable from prompts to embeddings.
        timesteps: The network's timestep by noise level of the spec, where it differs from sigma *
            1000.
        policy: The context policy; by default the transformer's window and sink.
        preview: A small decoder that replaces the VAE's for frames.
        undo: Default number of blocks that streams can undo.
    """

    def __init__(
        self,
        spec: ModelSpec,
        wan: CausalWan,
        vae: VideoAutoencoder,
        text: Text,
        *,
        timesteps: Mapping[float, float] | None = None,
        policy: Rolling | None = None,
        preview: PreviewDecoder | None = None,
        undo: int = DeviceMap.undo,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.wan = wan
        self.vae = vae
        self.text = text
        self.preview = preview
        self.undo = undo
        self.policy = Rolling(wan) if policy is None else policy
        self._timesteps = dict(timesteps or {})

    def extra_repr(self) -> str:
        """Return the model's name, printed before its parts."""
        return repr(self.spec.name)

    @property
    def device(self) -> torch.device:
        """The device of latents and contexts."""
        return self.wan.transformer.device

    @functools.cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256(self.wan.fingerprint().encode())
        digest.update(self.vae.digest().encode())
        digest.update(repr((self.spec.sigmas, sorted(self._timesteps.items()))).encode())
        if self.spec.first_sigmas is not None:
            digest.update(repr(self.spec.first_sigmas).encode())
        identity = getattr(self.text, "identity", None)
        if identity is not None:
            digest.update(identity().encode())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """Return a digest of weights, sizes and schedule, for archives; slow at the first call."""
        return self._digest

    # ------------------------------------------------------------------ text

    @torch.no_grad()
    def encode_text(self, prompt: str) -> Tensor:
        """Encode a prompt as (1, tokens, text_dim), 0 after the prompt's own length.

        Raises:
            TypeError: The prompt is not a string.
            ValueError: An empty prompt, or one that is too long.
        """
        if not isinstance(prompt, str):
            raise TypeError(f"prompt must be a string, got {prompt!r}")
        if not prompt.strip():
            raise ValueError("the prompt is empty; say what the video shows")
        return self.text(prompt).to(self.device)

    def new_context(self, text: Tensor) -> Any:
        """See `VideoModel`."""
        return self.policy.begin(text)

    def with_text(self, context: AnyContext, text: Tensor) -> Any:
        """See `VideoModel`."""
        return self.policy.with_text(context, text)

    # ------------------------------------------------------------------ denoising

    def _level(self, sigma: float) -> float:
        """Return the network's noise level for sigma."""
        return self._timesteps[sigma] / TIMESTEPS if sigma in self._timesteps else sigma

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
        level, inner = self._level(sigma), inner_context(context)
        found = self.wan.read(
            latents, level, inner, layers, filters, predict=predict, window=window
        )
        if found.x0 is None or sigma == level:
            return found
        # z - sigma * flow, given z - level * flow
        return replace(found, x0=latents - (latents - found.x0) * (sigma / level))

    @torch.no_grad()
    def denoise(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """Predict x0 without gradients, shaped and typed like the noisy `latents`.

        Raises:
            TypeError, ValueError: As in `read`.
        """
        return cast("Tensor", self.read(latents, sigma, context, predict=True).x0)

    def commit(self, latents: Tensor, context: Any) -> Any:
        """See `CausalWan.commit`."""
        return self.policy.extended(context, latents)

    # ------------------------------------------------------------------ pixels

    def decode(self, latents: Tensor, state: Any = None) -> tuple[NDArray[np.uint8], Any]:
        """Decode latents, see `VideoModel`: by the small decoder if set, else by the VAE."""
        return (self.preview or self.vae).decode(latents, state)

    def encode_image(self, image: NDArray[np.uint8]) -> Tensor:
        """Encode an image as a first block (1, F, C, h, w) without motion.

        The VAE encodes the image, repeated for all video frames of the block.

        Raises:
            TypeError: `image` is not a uint8 array.
            ValueError: Its shape is not the shape of a frame.
        """
        self._check_pixels(image, "an image", ())
        count = self.spec.clock.video_frames(self.spec.frames_per_block)
        return self.encode_video(np.repeat(np.asarray(image)[None], count, axis=0))

    def encode_video(self, frames: NDArray[np.uint8]) -> Tensor:
        """Encode a video from its beginning as latents (1, N, C, h, w), in whole blocks.

        Args:
            frames: uint8 (T, H, W, 3); T is the video frame count of one or more whole blocks.

        Raises:
            TypeError: `frames` is not a uint8 array.
            ValueError: Frames of another size, or not the number of whole blocks.
        """
        count = len(frames) if getattr(frames, "ndim", 0) == 4 else 0
        self._check_pixels(frames, "a video", (count,))
        clock, block = self.spec.clock, self.spec.frames_per_block
        latent, over = divmod(count - 1, clock.temporal_factor)
        if over or (latent + 1) % block or count < 1:
            fitting = [clock.video_frames(number * block) for number in (1, 2, 3)]
            raise ValueError(
                f"a video must have as many frames as whole blocks of {block} latent frames make, "
                f"{', '.join(map(str, fitting))} and so on, got {count}"
            )
        return self.vae.encode(frames).to(self.device)

    def _check_pixels(self, pixels: object, what: str, frames: tuple[int, ...]) -> None:
        kind = getattr(pixels, "dtype", type(pixels).__name__)
        if kind != np.uint8:
            raise TypeError(f"{what} must be a uint8 array, got {kind}")
        shape = (*frames, self.spec.grid.height, self.spec.grid.width, 3)
        found = tuple(getattr(pixels, "shape", ()))
        if found != shape:
            raise ValueError(f"{what} must have shape {shape}, got {found}")
