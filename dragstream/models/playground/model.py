"""The packaged model behind the `VideoModel` protocol: captions, causal Wan and autoencoder."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dragstream.drags.geometry import FrameClock, Grid
from dragstream.models.base import ModelSpec
from dragstream.models.causal_context import CausalContext
from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import load_strictly
from dragstream.models.playground.autoencoder import CHANNELS, FACTOR, Autoencoder
from dragstream.models.playground.captions import CaptionEncoder, word_counts
from dragstream.models.playground.world import FRAME_RATE, HEIGHT, WIDTH

WEIGHTS = Path(__file__).parent / "weights"
"""The weights in the package: config.json and a safetensors file for each part."""


@dataclass(frozen=True)
class Guidance:
    """How much the caption counts: classifier-free guidance between two noise levels.

    Guidance at the highest levels makes scenes alike, at the lowest it changes nothing that can be
    seen (Kynkäänniemi et al., NeurIPS 2024).

    Attributes:
        scale: what the caption adds to a prediction counts that many times; 1 for no guidance.
        least: the lowest noise level that is guided, a sigma.
        most: the highest.
    """

    scale: float
    least: float
    most: float

    def acts(self, sigma: float) -> bool:
        """Whether predictions at that noise level are guided."""
        return self.scale != 1.0 and self.least <= sigma <= self.most


class Playground(nn.Module):
    """The packaged model: small, trained on the playground's world, quick on a laptop CPU.

    Latents are (1, F, 8, H/8, W/8), one latent frame per video frame; see `VideoModel` for the
    methods. The arithmetic is float32, so that the same calls give the same bits.

    Args:
        config: the `CausalWanConfig` keys under "transformer"; "sigmas", the noise level of each
            step; "denoising_step", "learning_rate", "layers", "cutoffs", "upsampling" and
            "prediction_weight", where and how drags are optimised (see `ModelSpec`);
            "guidance", the fields of `Guidance`; and maybe "solver", "plain" for steps without
            fresh noise (see `from_folder`).
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.wan = CausalWan.from_config(config["transformer"])
        self.autoencoder = Autoencoder()
        self.captions = CaptionEncoder(self.wan.config.text_dim)
        self.guidance = Guidance(**config["guidance"])
        self.spec = ModelSpec(
            name="playground",
            grid=Grid.of(HEIGHT, WIDTH, spatial_factor=FACTOR, patch=self.wan.config.patch),
            clock=FrameClock(temporal_factor=1, frame_rate=FRAME_RATE),
            latent_channels=CHANNELS,
            frames_per_block=self.wan.config.frames_per_block,
            sigmas=tuple(config["sigmas"]),
            denoising_step=config["denoising_step"],
            learning_rate=config["learning_rate"],
            layers=tuple(config["layers"]),
            num_layers=self.wan.config.num_layers,
            cutoffs=tuple(config["cutoffs"]),
            upsampling=config["upsampling"],
            prediction_weight=config["prediction_weight"],
        )

    @classmethod
    def from_folder(cls, folder: str | Path = WEIGHTS) -> Playground:
        """Read config and weights, by default those in the package.

        A config whose "solver" is "plain" gives a `PlainPlayground`.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: a file is damaged, or weights are missing, unexpected or of other shapes.
        """
        folder = Path(folder)
        try:
            config = json.loads((folder / "config.json").read_text())
            model = _class_of(config, cls)(config)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{folder / 'config.json'} is no playground config: {error}"
            ) from error
        for part in model.parts():
            model.load_part(part, folder / f"{part}.safetensors")
        return model.requires_grad_(False).eval()  # noqa: FBT003 - torch's signature

    def parts(self) -> dict[str, nn.Module]:
        """The weight files and the modules that they hold."""
        return {
            "transformer": nn.ModuleDict({"wan": self.wan.transformer, "captions": self.captions}),
            "autoencoder": self.autoencoder,
        }

    def load_part(self, part: str, path: Path) -> None:
        """Load one of `parts()` from its file.

        Raises:
            FileNotFoundError, ValueError: as in `from_folder`.
        """
        if not path.is_file():
            raise FileNotFoundError(f"the playground's weights are incomplete: no {path}")
        try:
            load_strictly(self.parts()[part], load_file(path))
        except (SafetensorError, ValueError) as error:
            raise ValueError(f"{path} does not hold the playground's {part}: {error}") from error

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.autoencoder.mean.device

    @functools.cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256(self.wan.fingerprint().encode())
        digest.update(repr((self.spec, self.guidance)).encode())
        for part in (self.captions, self.autoencoder):
            for name, weight in sorted(part.state_dict().items()):
                digest.update(name.encode())
                digest.update(weight.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """A digest of weights, sizes, schedule and constants, for archives and exported code."""
        return self._digest

    @torch.no_grad()
    def encode_text(self, prompt: str) -> Tensor:
        """Text embeddings (1, phrases, text_dim) of a caption.

        Raises:
            TypeError: the prompt is not a string.
            ValueError: an empty prompt, unknown words (the message lists those that are known), or
                too many phrases.
        """
        embeddings: Tensor = self.captions(word_counts([prompt]).to(self.device))
        return embeddings

    def new_context(self, text: Tensor) -> CausalContext:
        """See `CausalWan.new_context`."""
        return self.wan.new_context(text)

    def with_text(self, context: CausalContext, text: Tensor) -> CausalContext:
        """See `CausalWan.with_text`."""
        return self.wan.with_text(context, text)

    @torch.no_grad()
    def denoise(self, latents: Tensor, sigma: float, context: CausalContext) -> Tensor:
        """See `CausalWan.denoise`; captions are amplified, see `Guidance`."""
        return self.predict(latents, sigma, context)

    def predict(self, latents: Tensor, sigma: float, context: CausalContext) -> Tensor:
        """See `CausalWan.predict`; captions are amplified, see `Guidance`."""
        clean = self.wan.predict(latents, sigma, context)
        if not self.guidance.acts(sigma):
            return clean
        silent = self.wan.with_text(context, self.captions.silence())
        without = self.wan.predict(latents, sigma, silent)
        return without + self.guidance.scale * (clean - without)

    def commit(self, latents: Tensor, context: CausalContext) -> CausalContext:
        """See `CausalWan.commit`."""
        return self.wan.commit(latents, context)

    def features(
        self,
        latents: Tensor,
        sigma: float,
        context: CausalContext,
        layers: Sequence[int],
        low_pass: Callable[[Tensor], Tensor] | None = None,
    ) -> dict[int, Tensor]:
        """See `CausalWan.features`."""
        return self.wan.features(latents, sigma, context, layers, low_pass)

    def filtered_features(
        self,
        latents: Tensor,
        sigma: float,
        context: CausalContext,
        layers: Sequence[int],
        low_passes: Sequence[Callable[[Tensor], Tensor] | None],
    ) -> list[dict[int, Tensor]]:
        """See `CausalWan.filtered_features`."""
        return self.wan.filtered_features(latents, sigma, context, layers, low_passes)

    def observe(
        self,
        latents: Tensor,
        sigma: float,
        context: CausalContext,
        layers: Sequence[int],
        low_passes: Sequence[Callable[[Tensor], Tensor] | None],
    ) -> tuple[list[dict[int, Tensor]], Tensor]:
        """See `CausalWan.observe`; the prediction is not guided."""
        return self.wan.observe(latents, sigma, context, layers, low_passes)

    def narrowed(self, context: CausalContext, window: int) -> CausalContext:
        """See `CausalWan.narrowed`."""
        return self.wan.narrowed(context, window)

    @torch.no_grad()
    def decode(self, latents: Tensor, state: None = None) -> tuple[NDArray[np.uint8], None]:
        """Frames uint8 (F, H, W, 3) of latents (1, F, 8, h, w); each frame stands for itself."""
        images = self.autoencoder.decode(latents[0].to(self.device, torch.float32))
        pixels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        frames: NDArray[np.uint8] = pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return frames, state

    @torch.no_grad()
    def encode_image(self, image: NDArray[np.uint8]) -> Tensor:
        """A first block (1, F, 8, h, w) in which the image stands still.

        Raises:
            TypeError: `image` is not a uint8 array.
            ValueError: its shape is not that of a frame.
        """
        _check_pixels(image, "an image", (HEIGHT, WIDTH, 3))
        latents = self._encoded(np.asarray(image)[None])
        return latents.expand(-1, self.spec.frames_per_block, -1, -1, -1).contiguous()

    @torch.no_grad()
    def encode_video(self, frames: NDArray[np.uint8]) -> Tensor:
        """The latents (1, N, 8, h, w) of a video of N frames, in whole blocks.

        Raises:
            TypeError: `frames` is not a uint8 array.
            ValueError: frames of another size, or a number that makes no whole blocks.
        """
        count = len(frames) if getattr(frames, "ndim", 0) == 4 else 0
        _check_pixels(frames, "a video", (count, HEIGHT, WIDTH, 3))
        if count < 1 or count % self.spec.frames_per_block:
            raise ValueError(
                f"a video must have a multiple of {self.spec.frames_per_block} frames, got {count}"
            )
        return self._encoded(frames)

    def _encoded(self, frames: NDArray[np.uint8]) -> Tensor:
        """Latents (1, N, 8, h, w) of frames (N, H, W, 3)."""
        pixels = torch.from_numpy(np.array(frames)).to(self.device)  # a copy may be written to
        latents: Tensor = self.autoencoder.encode(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1)
        return latents[None]


def _class_of(config: Mapping[str, Any], default: type[Playground]) -> type[Playground]:
    """The class that takes steps as a config says."""
    solver = config.get("solver")
    if solver is None:
        return default
    if solver != "plain":
        raise ValueError(f"solver must be 'plain' or left out, got {solver!r}")
    from dragstream.models.playground.plain import PlainPlayground

    return PlainPlayground


def _check_pixels(pixels: object, what: str, shape: tuple[int, ...]) -> None:
    kind = getattr(pixels, "dtype", type(pixels).__name__)
    if kind != np.uint8:
        raise TypeError(f"{what} must be a uint8 array, got {kind}")
    found = tuple(getattr(pixels, "shape", ()))
    if found != shape:
        raise ValueError(f"{what} must be {shape}, got {found}")
