"""Noise as a function of (seed, block, step), so that any block can be generated again.

Global generators are neither read nor written. Numbers are drawn on the CPU for every device,
because only there one seed gives the same bits everywhere.
"""

from __future__ import annotations

import hashlib

import torch

from dragstream.drags.checks import check_int

SEED_LIMIT = 2**64
"""Upper limit of seeds, exclusive; the lowest is 0."""


def checked_seed(seed: int) -> int:
    """``seed`` as a plain ``int``."""
    number = check_int(seed, "seed", least=0)
    if number >= SEED_LIMIT:
        raise ValueError(f"seed must be less than 2**64, got {number}")
    return number


def generator(seed: int, *key: int | str) -> torch.Generator:
    """A new CPU generator for one use, named by ``key``.

    The 64-bit seed is a BLAKE2b digest of the seed and the key: neighbouring seeds, blocks and
    steps are as unlike one another as any, and the same on every machine and Python.
    """
    name = "/".join(f"{type(part).__name__}:{part}" for part in (seed, *key))
    digest = hashlib.blake2b(name.encode(), digest_size=8, person=b"dragstream").digest()
    # torch's CPU generator uses 32 of the 64 bits. Two draws of one stream may then coincide by
    # chance (about once in 6,000 streams of 300 blocks), which does no harm.
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest, "little"))


def noise(seed: int, block: int, step: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal noise, float32 on the CPU, of the given shape.

    A block starts from the noise of step 0; its prediction is mixed with that of step s before
    denoising step s.
    """
    draw = generator(seed, "noise", block, step)
    return torch.randn(shape, generator=draw, device="cpu", dtype=torch.float32)
