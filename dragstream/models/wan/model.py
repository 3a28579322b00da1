"""A public Wan with the `VideoModel` protocol: transformer, VAE, text encoder and schedule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.drags.checks import check_kind
from dragstream.models.base import ModelSpec
from dragstream.models.streamed import StreamedWan
from dragstream.models.wan.device_map import DeviceMap

if TYPE_CHECKING:
    from dragstream.models.causal_wan import CausalWan
    from dragstream.models.wan.preview import PreviewDecoder
    from dragstream.models.wan.vae import VideoAutoencoder


class Wan(StreamedWan):
    """A causal Wan with VAE, text encoder and schedule; see `VideoModel` for the methods.

    Args:
        spec: Sizes and schedule.
        wan: The transformer.
        vae: The VAE, on any device.
        text: A callable from prompts to embeddings (1, tokens, text_dim).
        preview: A small decoder that replaces the VAE's for frames.
        undo: Default number of blocks that streams can undo.
        schedule: `timesteps` and `policy`, see `StreamedWan`.
    """

    def __init__(
        self,
        spec: ModelSpec,
        wan: CausalWan,
        vae: VideoAutoencoder,
        text: Callable[[str], Tensor],
        *,
        preview: PreviewDecoder | None = None,
        undo: int = DeviceMap.undo,
        **schedule: Any,
    ) -> None:
        super().__init__(spec, wan, **schedule)
        self.vae = vae
        self.text = text
        self.preview = preview
        self.undo = undo

    def extra_repr(self) -> str:
        """Return the model's name, printed before its parts."""
        return repr(self.spec.name)

    def digest(self) -> str:
        """Compute a digest of weights, sizes and schedule."""
        digest = hashlib.sha256(self.wan.fingerprint().encode())
        digest.update(self.vae.digest().encode())
        digest.update(repr((self.spec.sigmas, sorted(self._timesteps.items()))).encode())
        if self.spec.first_sigmas is not None:
            digest.update(repr(self.spec.first_sigmas).encode())
        identity = getattr(self.text, "identity", None)
        if identity is not None:
            digest.update(identity().encode())
        return digest.hexdigest()

    @torch.no_grad()
    def encode_text(self, prompt: str) -> Tensor:
        """Encode a prompt as (1, tokens, text_dim), 0 after the prompt's own length."""
        if not check_kind(prompt, str, "prompt").strip():
            raise ValueError("the prompt is empty; say what the video shows")
        return self.text(prompt).to(self.device)

    def decode(self, latents: Tensor, state: Any = None) -> tuple[NDArray[np.uint8], Any]:
        """Decode latents, see `VideoModel`: by the small decoder if set, else by the VAE."""
        return (self.preview or self.vae).decode(latents, state)

    def encode_image(self, image: NDArray[np.uint8]) -> Tensor:
        """Encode an image as a first block (1, F, C, h, w) without motion.

        The VAE encodes the image, uint8 (H, W, 3), repeated for all video frames of the block.
        """
        self.check_pixels(image, "an image", ())
        count = self.spec.clock.video_frames(self.spec.frames_per_block)
        return self.encode_video(np.repeat(np.asarray(image)[None], count, axis=0))

    def encode_frames(self, frames: NDArray[np.uint8]) -> Tensor:
        """See `StreamedWan`."""
        return self.vae.encode(frames).to(self.device)
