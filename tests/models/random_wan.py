"""A causal Wan with random weights, and blocks, texts and contexts for it."""

from __future__ import annotations

import torch

from dragstream.models.causal_wan import CausalWan


def make(config, seed=0):
    """A model whose weights are all at work: fresh ones hardly modulate."""
    torch.manual_seed(seed)
    wan = CausalWan.from_config(config)
    with torch.no_grad():
        for weight in wan.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.1)
    return wan


def blocks_of(config, count, height=4, width=6, frames=None):
    generator = torch.Generator().manual_seed(1)
    shape = (1, frames or config["frames_per_block"], config["latent_channels"], height, width)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def text_of(config, tokens=5, seed=2):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, tokens, config["text_dim"], generator=generator)


def rolled(wan, blocks, text):
    context = wan.new_context(text)
    for block in blocks:
        context = wan.commit(block, context)
    return context


def close(actual, expected, tolerance=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance, check_dtype=False)
