"""The packaged model with the `VideoModel` protocol: captions, causal Wan and autoencoder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dragstream.drags.checks import check_positive
from dragstream.drags.files import expanded
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.reading import located
from dragstream.models.base import ModelSpec
from dragstream.models.causal_context import CausalContext
from dragstream.models.causal_wan import CausalWan
from dragstream.models.checkpoints import load_strictly
from dragstream.models.config_files import read_config
from dragstream.models.defaults import cpu_by_default, read_dtype, warn_of_slow_bfloat16
from dragstream.models.pixels import to_frames
from dragstream.models.playground.autoencoder import CHANNELS, FACTOR, LIGHT, Autoencoder
from dragstream.models.playground.captions import CaptionEncoder, word_counts
from dragstream.models.playground.world import FRAME_RATE, HEIGHT, WIDTH
from dragstream.models.streamed import StreamedWan

WEIGHTS = Path(__file__).parent / "weights"
"""The weights in the package: config.json and a safetensors file for each part."""

_DTYPES = (torch.float32, torch.bfloat16)
"""Dtypes of transformer and decoder that are measured."""


@dataclass(frozen=True)
class Guidance:
    """Classifier-free guidance by the caption, between two noise levels.

    Guidance at the highest levels reduces diversity, at the lowest it has no visible effect
    (Kynkäänniemi et al., NeurIPS 2024).
    """

    scale: float  # factor of the difference between predictions with and without the caption
    least: float  # the lowest noise level with guidance, a sigma
    most: float  # the highest noise level with guidance

    def acts(self, sigma: float) -> bool:
        """Return True if predictions at that noise level are guided."""
        return self.scale != 1.0 and self.least <= sigma <= self.most


class Playground(StreamedWan):
    """The packaged model: small, trained on the playground's world, fast on a laptop CPU.

    Latents are (1, F, 8, H/8, W/8) in float32, one latent frame per video frame; see `VideoModel`
    for the methods. Captions and images are encoded in float32; transformer and decoder compute in
    float32, or in bfloat16 if the model is loaded so. The same calls give the same bits.

    Args:
        config: the `CausalWanConfig` keys under "transformer"; "sigmas", the noise level of each
            step; "denoising_step", "learning_rate", "layers", "cutoffs", "upsampling" and
            "prediction_weight" and optionally "warm_start", settings of drags (see `ModelSpec`);
            "guidance", the fields of `Guidance`; and optionally "name"; "first_sigmas", the noise
            levels of the first block; "gain", see `denoise`; "few_steps" and "light_decoder", true
            for the transformer and the decoder of those files.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        wan = CausalWan.from_config(config["transformer"])
        first = config.get("first_sigmas")
        spec = ModelSpec(
            name=str(config.get("name", "playground")),
            grid=Grid.of(HEIGHT, WIDTH, spatial_factor=FACTOR, patch=wan.config.patch),
            clock=FrameClock(temporal_factor=1, frame_rate=FRAME_RATE),
            latent_channels=CHANNELS,
            frames_per_block=wan.config.frames_per_block,
            sigmas=tuple(config["sigmas"]),
            denoising_step=config["denoising_step"],
            learning_rate=config["learning_rate"],
            layers=tuple(config["layers"]),
            num_layers=wan.config.num_layers,
            cutoffs=tuple(config["cutoffs"]),
            upsampling=config["upsampling"],
            prediction_weight=config["prediction_weight"],
            warm_start=config.get("warm_start", False),
            first_sigmas=tuple(first) if first else None,
        )
        super().__init__(spec, wan)
        self.autoencoder = Autoencoder()
        self.captions = CaptionEncoder(wan.config.text_dim)
        self.to(torch.float32)  # independent of torch's default dtype
        self.guidance = Guidance(**config["guidance"])
        self.gain = check_positive(config.get("gain", 1.0), "gain")

    @classmethod
    @cpu_by_default()
    def from_folder(
        cls,
        folder: str | Path = WEIGHTS,
        *,
        fast: bool = False,
        dtype: torch.dtype | str = torch.float32,
        attention: str | None = None,
    ) -> Playground:
        """Read config and weights, by default those in the package.

        Args:
            folder: folder of the files.
            fast: if set, the keys of `fast.json` replace those of the config.
            dtype: dtype of transformer and decoder, float32 or bfloat16, or its name ("bf16").
            attention: name of the attention in passes without gradients, see
                `dragstream.models.attention_backends`; None for the default of the dtype.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: a file is damaged, or weights are missing, unexpected or of other shapes;
                another dtype, or an attention that does not work here.
            ImportError: a package of the attention is missing.
        """
        folder, dtype = expanded(folder, "folder"), read_dtype(dtype)
        if dtype not in _DTYPES:
            raise ValueError(f"the playground's dtype must be float32 or bfloat16, got {dtype}")
        wrong = (KeyError, TypeError, ValueError, RuntimeError)
        with located(f"{folder / 'config.json'} is no playground config", *wrong):
            config = read_config(folder / "config.json")
            if fast:
                faster = read_config(folder / "fast.json")
                config = {**config, **faster, "name": "playground-fast"}
            cls._check_described(config, folder)
            model = cls(config)
        files = {"transformer": "few_steps"} if config.get("few_steps") else {}
        for name, part in model.parts().items():
            _read_part(part, folder / f"{files.get(name, name)}.safetensors", name)
        if config.get("light_decoder"):
            decoder = LIGHT.build()
            _read_part(decoder, folder / "light_decoder.safetensors", "light decoder")
            model.autoencoder.decoder = decoder
        warn_of_slow_bfloat16(model.device, dtype, 'load with dtype="float32"')
        model.wan.to(dtype).use_attention(attention)
        model.autoencoder.decoder.to(dtype)
        return model.requires_grad_(False).eval()  # noqa: FBT003 - torch's signature

    @classmethod
    def _check_described(cls, config: Mapping[str, Any], folder: Path) -> None:
        """Check that a config describes no more weights than the files can hold."""
        held = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        with torch.device("meta"):
            described = sum(weight.nbytes for weight in cls(config).parameters())
        if held and described > 4 * held:
            raise ValueError("it describes more weights than the files can hold")

    def parts(self) -> dict[str, nn.Module]:
        """Return the modules by the names of their weight files."""
        return {
            "transformer": nn.ModuleDict({"wan": self.wan.transformer, "captions": self.captions}),
            "autoencoder": self.autoencoder,
        }

    def digest(self) -> str:
        """Compute a digest of weights, sizes, schedule and constants."""
        digest = hashlib.sha256(self.wan.fingerprint().encode())
        constants = self.spec, self.guidance, *([self.gain] if self.gain != 1 else [])
        digest.update(repr(constants).encode())
        for part in (self.captions, self.autoencoder):
            for name, weight in sorted(part.state_dict().items()):
                digest.update(name.encode())
                digest.update(weight.cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()

    @torch.no_grad()
    def encode_text(self, prompt: str) -> Tensor:
        """Encode a caption as text embeddings (1, phrases, text_dim).

        A ValueError refuses an empty one, unknown words and too many phrases.
        """
        embeddings: Tensor = self.captions(word_counts([prompt]).to(self.device))
        return embeddings

    @torch.no_grad()
    def denoise(self, latents: Tensor, sigma: float, context: CausalContext) -> Tensor:
        """See `VideoModel.denoise`; with guidance, see `Guidance`.

        At the highest noise level the prediction is the mean of all frames that may follow, so that
        objects in it are faint and small, and few steps do not make up for that. There it is
        multiplied by `gain`, unless nothing precedes the block.
        """
        clean = self.wan.denoise(latents, sigma, context)
        if sigma == self.spec.sigmas[0] and context.frames:
            clean = self.gain * clean
        if not self.guidance.acts(sigma):
            return clean
        silent = self.wan.with_text(context, self.captions.silence())
        without = self.wan.denoise(latents, sigma, silent)
        return without + self.guidance.scale * (clean - without)

    @torch.no_grad()
    def decode(self, latents: Tensor, state: None = None) -> tuple[NDArray[np.uint8], None]:
        """Decode latents (1, F, 8, h, w) to frames uint8 (F, H, W, 3), each frame by itself."""
        images = self.autoencoder.decode(latents[0].to(self.device, torch.float32))
        return to_frames((images + 1) * 127.5, "decoder"), state

    @torch.no_grad()
    def encode_image(self, image: NDArray[np.uint8]) -> Tensor:
        """Encode an image, uint8 (H, W, 3), as a first block (1, F, 8, h, w) without motion."""
        self.check_pixels(image, "an image", ())
        latents = self.encode_frames(np.asarray(image)[None])
        return latents.expand(-1, self.spec.frames_per_block, -1, -1, -1).contiguous()

    @torch.no_grad()
    def encode_frames(self, frames: NDArray[np.uint8]) -> Tensor:
        """See `StreamedWan`."""
        pixels = torch.from_numpy(np.array(frames)).to(self.device)  # a writable copy
        latents: Tensor = self.autoencoder.encode(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1)
        return latents[None]


def _read_part(part: nn.Module, path: Path, name: str) -> None:
    """Read the weights of a part."""
    if not path.is_file():
        raise FileNotFoundError(f"the playground's weights are incomplete: no {path}")
    prefix = f"{path} does not hold the playground's {name}"
    with located(prefix, SafetensorError, ValueError):
        load_strictly(part, load_file(path))
