"""Released models with random weights, in full or smaller, which need no files."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from dragstream.drags.checks import check_int
from dragstream.models.wan.model import Wan
from dragstream.models.wan.release import Release
from dragstream.models.wan.releases import RELEASES
from dragstream.models.wan.sizes import SIZES, Sizes


def random_wan(
    name: str = "self-forcing",
    *,
    layers: int | None = None,
    heads: int | None = None,
    height: int | None = None,
    width: int | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Wan:
    """A released model with random weights, in full or smaller; needs no files."""
    release = RELEASES.get(name)
    if release is None or release.guidance is not None:
        causal = [known for known, other in RELEASES.items() if other.guidance is None]
        raise ValueError(f"the model must be one of {', '.join(causal)}, got {name!r}")
    changes = {"height": height, "width": width}
    release = release.changed({key: value for key, value in changes.items() if value is not None})
    sizes = _reduced(SIZES[release.base], layers, heads)
    return assembled(release, sizes, device, dtype)


def _reduced(sizes: Sizes, layers: int | None, heads: int | None) -> Sizes:
    transformer = dict(sizes.transformer)
    full, most = transformer["num_heads"], transformer["num_layers"]
    heads = full if heads is None else check_int(heads, "heads", least=1)
    layers = most if layers is None else check_int(layers, "layers", least=1)
    if heads > full or layers > most:
        raise ValueError(f"there are {most} layers and {full} heads, got {layers} and {heads}")
    transformer |= {
        "num_layers": layers,
        "num_heads": heads,
        "ffn_dim": transformer["ffn_dim"] * heads // full,
    }
    vae = dict(sizes.vae)
    if heads < full:
        vae["base_dim"] = max(8, 96 * heads // full // 8 * 8)
    return dataclasses.replace(sizes, transformer=transformer, vae=vae)


def assembled(release: Release, sizes: Sizes, device: str, dtype: torch.dtype, **parts: Any) -> Wan:
    """A model of given sizes, with the same random weights each time."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    from dragstream.models.causal_wan import CausalWan
    from dragstream.models.wan.vae import VideoAutoencoder

    torch.manual_seed(0)
    config = sizes.causal(release.causal)
    with torch.device(device):
        wan = CausalWan(config).to(dtype).eval()
        vae = VideoAutoencoder(AutoencoderKLWan.from_config(dict(sizes.vae)))
        torch.nn.Module.to(vae, dtype)
    wan.requires_grad_(requires_grad=False)

    def text(prompt: str) -> Tensor:
        generator = torch.Generator().manual_seed(len(prompt))
        return torch.randn(1, release.tokens, config.text_dim, generator=generator)

    return Wan(release.spec(config, factors=vae.factors), wan, vae, text, **parts)
