"""Wan's causal VAE for streams: each latent frame is decoded once, with a feature cache."""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan, unpatchify
from numpy.typing import NDArray
from torch import Tensor, nn

from dragstream.drags.reading import located
from dragstream.models.causal_quantised import update_digest
from dragstream.models.checkpoints import check_fit, load_strictly, read_folder
from dragstream.models.pixels import check_finite, to_frames
from dragstream.models.wan.device_map import DeviceMap


class DecoderState:
    """The decoder's feature cache of the latent frames before; immutable.

    At full size it takes gigabytes, so all but the newest few states are moved to main memory; the
    values do not depend on the device.
    """

    def __init__(self, frames: int, maps: tuple[Any, ...]) -> None:
        self.frames = frames
        """Latent frames decoded so far."""
        self._maps = maps

    @property
    def device(self) -> torch.device:
        """The device of the feature maps."""
        return next(part.device for part in self._maps if isinstance(part, Tensor))

    def cache(self, device: torch.device) -> list[Any]:
        """Return a new list for diffusers' decoder, which replaces entries and writes into none.

        Maps on another device are copied; each copy is freed when its entry is replaced.
        """
        return [part.to(device) if isinstance(part, Tensor) else part for part in self._maps]

    def rest(self, device: torch.device) -> None:
        """Move the maps to another device."""
        if self.device != device:
            self._maps = tuple(
                part.to(device) if isinstance(part, Tensor) else part for part in self._maps
            )


class VideoAutoencoder(nn.Module):
    """diffusers' `AutoencoderKLWan`, decoding frame by frame.

    Latents (1, F, C, h, w) are normalised with the config's `latents_mean` and `latents_std`.
    Frames are uint8 (T, H, W, 3).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, vae: AutoencoderKLWan) -> None:
        super().__init__()
        self.resident = DeviceMap.decoder_states
        self.vae = vae.requires_grad_(False).eval()  # noqa: FBT003 - torch's signature
        config: Any = vae.config
        self._patch: int | None = config.patch_size
        for name in ("mean", "std"):
            values = torch.tensor(getattr(config, f"latents_{name}"), dtype=torch.float32)
            self.register_buffer(name, values.view(1, 1, -1, 1, 1), persistent=False)
        self._awake: deque[weakref.ref[DecoderState]] = deque()
        self._lock = threading.Lock()

    @classmethod
    def from_folder(
        cls, folder: str | Path, *, dtype: torch.dtype = torch.float32
    ) -> VideoAutoencoder:
        """Read a `vae` folder in the Diffusers layout."""
        config, state = read_folder(folder, "AutoencoderKLWan")
        with located(str(folder), Exception):
            return cls.from_state(state, config, dtype=dtype)

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, Tensor],
        config: Mapping[str, Any],
        *,
        dtype: torch.dtype = torch.float32,
    ) -> VideoAutoencoder:
        """Build the autoencoder from weights and the config's keys."""
        with torch.device("meta"):
            vae = AutoencoderKLWan.from_config(dict(config))
        check_fit(vae, state)  # before anything is allocated
        nn.Module.to(vae, dtype)  # not diffusers' own, which warns against this intended use
        vae.to_empty(device="cpu")
        load_strictly(vae, state)
        return cls(vae)

    @property
    def factors(self) -> tuple[int, int]:
        """Video frames per latent frame, and pixels per latent."""
        config: Any = self.vae.config
        return int(config.scale_factor_temporal), int(config.scale_factor_spatial)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        weight: torch.Tensor = self.vae.post_quant_conv.weight
        return weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        weight: torch.Tensor = self.vae.post_quant_conv.weight
        return weight.dtype

    @torch.no_grad()
    def decode(
        self, latents: Tensor, state: DecoderState | None = None
    ) -> tuple[NDArray[np.uint8], DecoderState]:
        """Decode the next latent frames (1, F, C, h, w), with the bits of decoding the whole video.

        The first latent frame of a video gives 1 frame, each other one `factors[0]`. Also returns
        the state for the next latents; the given one, None at the beginning, stays usable.
        """
        images, after = self._decode(latents, state)
        return to_frames((images[0].transpose(0, 1).float() + 1) * 127.5, "decoder"), after

    def _decode(self, latents: Tensor, state: DecoderState | None) -> tuple[Tensor, DecoderState]:
        """Decode latents to images (1, 3, T, H, W) in -1..1."""
        scaled = latents.to(self.device, torch.float32) * self.std + self.mean
        planes = scaled.transpose(1, 2).to(self.dtype)
        vae, pieces = self.vae, []
        if state is not None and self.resident > 0:
            state.rest(self.device)
        cache: list[Any] = (
            [None] * vae._cached_conv_counts["decoder"]  # noqa: SLF001 - how long the cache is
            if state is None
            else state.cache(self.device)
        )
        done = 0 if state is None else state.frames
        for index in range(planes.shape[2]):
            hidden = vae.post_quant_conv(planes[:, :, index : index + 1])
            first = done + index == 0
            pieces.append(vae.decoder(hidden, feat_cache=cache, feat_idx=[0], first_chunk=first))
        images = torch.cat(pieces, dim=2)
        if self._patch is not None:
            images = unpatchify(images, patch_size=self._patch)
        check_finite(images, "decoder")
        after = DecoderState(done + planes.shape[2], tuple(cache))
        self._admit(state, after)
        return images.clamp(-1.0, 1.0), after

    def _admit(self, *states: DecoderState | None) -> None:
        """Mark states as recently used, and move older ones to main memory."""
        with self._lock:
            known = [found for ref in self._awake if (found := ref()) is not None]
            used = [state for state in states if state is not None]
            order = [state for state in known if all(state is not other for other in used)] + used
            resting = max(len(order) - self.resident, 0)
            for state in order[:resting]:
                state.rest(torch.device("cpu"))
            self._awake = deque(weakref.ref(state) for state in order[resting:])

    @torch.no_grad()
    def encode(self, frames: NDArray[np.uint8] | Tensor) -> Tensor:
        """Encode a video from its beginning: normalised latents (1, F, C, h, w), float32.

        Frames are uint8 (T, H, W, 3), or images (1, 3, T, H, W) in -1..1.
        """
        images = frames if isinstance(frames, Tensor) else _to_images(frames)
        posterior = self.vae.encode(images.to(self.device, self.dtype)).latent_dist
        latents: Tensor = posterior.mode().transpose(1, 2).float()
        return (latents - self.mean) / self.std

    @torch.no_grad()
    def again(self, latents: Tensor) -> Tensor:
        """Encode the last video frame of a clip as a first latent frame, (1, 1, C, h, w)."""
        images, _ = self._decode(latents, None)
        return self.encode(images[:, :, -1:]).to(latents.device, latents.dtype)

    def digest(self) -> str:
        """Compute a digest of weights and statistics (hexadecimal)."""
        digest = hashlib.sha256()
        update_digest(digest, self.vae.state_dict() | {"mean": self.mean, "std": self.std})
        return digest.hexdigest()


def _to_images(frames: NDArray[np.uint8]) -> Tensor:
    """Convert frames (T, H, W, 3) to images (1, 3, T, H, W) in -1..1."""
    pixels = torch.from_numpy(np.array(frames))
    return pixels.permute(3, 0, 1, 2)[None].float() / 127.5 - 1
