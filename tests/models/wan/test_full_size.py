"""At the released sizes with random weights, on a GPU: precision, memory, decoding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

import dragstream as ds
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_wan import CausalWan
from dragstream.models.wan.model import Wan
from dragstream.models.wan.releases import RELEASES
from dragstream.models.wan.vae import VideoAutoencoder
from dragstream.stream.stream import Stream

pytestmark = pytest.mark.gpu

RELEASE = RELEASES["self-forcing"]
SIZES = {
    "num_layers": 30,
    "num_heads": 12,
    "head_dim": 128,
    "ffn_dim": 8960,
    "text_dim": 4096,
    "latent_channels": 16,
}
GIB = 2**30


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    with torch.device("cuda"):
        wan = CausalWan(CausalWanConfig.of(SIZES | RELEASE.causal)).to(torch.bfloat16)
        vae = VideoAutoencoder(AutoencoderKLWan().to(torch.bfloat16))
    wan.requires_grad_(requires_grad=False).eval()
    vae.cuda()
    spec = RELEASE.spec(wan.config, factors=vae.factors)
    return Wan(spec, wan, vae, lambda prompt: torch.ones(1, RELEASE.tokens, 4096) * len(prompt) / 9)


def test_bfloat16_is_near_float32(model):
    shape = (1, 3, 16, model.spec.grid.latent_height, model.spec.grid.latent_width)
    latents = torch.randn(shape, device="cuda")
    context = model.new_context(model.encode_text("a"))
    near = model.denoise(latents, 0.9375, context)
    exact = CausalWan(model.wan.config).cuda()
    exact.load_state_dict(model.wan.state_dict())
    wanted = exact.denoise(latents, 0.9375, exact.new_context(model.encode_text("a")))
    change = (wanted - latents).norm()
    assert float((near - wanted).norm() / change) < 0.05


def test_a_drag_at_full_size_fits_into_16_gb(model):
    torch.cuda.reset_peak_memory_stats()
    stream = Stream(model, "a red ball", seed=1)
    stream.run(2, progress=False)
    drags = [ds.Drag(ds.regions.disc(center=(400, 240), radius=60), ds.Translation.by(60, 10))]
    (block,) = stream.animate(drags)
    assert len(block.iterations) == 4
    assert [part.frames.shape for part in stream.blocks][-1] == (12, 480, 832, 3)
    assert torch.cuda.max_memory_allocated() < 16 * GIB


def test_blocks_decode_as_the_whole(model):
    shape = (1, 6, 16, model.spec.grid.latent_height, model.spec.grid.latent_width)
    latents = torch.randn(shape, device="cuda")
    first, state = model.decode(latents[:, :3])
    then, _ = model.decode(latents[:, 3:], state)
    whole, _ = model.decode(latents)
    difference = np.abs(np.concatenate([first, then]).astype(int) - whole.astype(int))
    assert difference.mean() < 0.1
