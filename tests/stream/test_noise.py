import hashlib

import numpy as np
import pytest
import torch

from dragstream.stream.noise import SEED_LIMIT, checked_seed, generator, noise


def test_noise_is_a_function_of_seed_block_and_step():
    shape = (3, 4, 5, 6)
    first = noise(7, 2, 1, shape)
    torch.randn(1000)  # the global generator has no part in it
    assert torch.equal(first, noise(7, 2, 1, shape))
    others = [noise(8, 2, 1, shape), noise(7, 3, 1, shape), noise(7, 2, 0, shape)]
    others += [noise(7, 1, 2, shape), noise(72, 1, 1, shape)]  # 7, 2 is not 72 or 2, 1
    for other in others:
        correlation = torch.corrcoef(torch.stack([first.flatten(), other.flatten()]))[0, 1]
        assert abs(correlation) < 0.2


def test_the_seed_of_a_draw_is_the_documented_digest():
    name = b"int:7/str:noise/int:2/int:1"
    digest = hashlib.blake2b(name, digest_size=8, person=b"dragstream").digest()
    expected = torch.randn(
        16, generator=torch.Generator().manual_seed(int.from_bytes(digest, "little"))
    )
    assert torch.equal(noise(7, 2, 1, (16,)), expected)


def test_noise_is_standard_normal_and_float32_whatever_the_defaults():
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        draw = noise(0, 0, 0, (200, 100))
    finally:
        torch.set_default_dtype(default)
    assert draw.dtype == torch.float32
    assert abs(draw.mean()) < 0.02
    assert abs(draw.std() - 1) < 0.02
    assert abs((draw**4).mean() - 3) < 0.15


def test_noise_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    noise(1, 2, 3, (100,))
    generator(1, "drag", 2)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("seed", [True, 1.0, "7", None])
def test_a_seed_of_another_kind_is_a_type_error(seed):
    with pytest.raises(TypeError, match="seed must be an integer"):
        checked_seed(seed)


@pytest.mark.parametrize("seed", [-1, SEED_LIMIT])
def test_a_seed_out_of_range_is_a_value_error(seed):
    with pytest.raises(ValueError, match=str(seed)):
        checked_seed(seed)


def test_numpy_seeds_are_seeds():
    assert checked_seed(np.int64(7)) == 7
