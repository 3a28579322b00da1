from __future__ import annotations

import numpy as np
import pytest
import torch

from dragstream.method.frequency import LowPass


def maps(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def butterworth(x, cutoff, order):
    """The formula with the whole complex transform of each frame and channel."""
    height, width = x.shape[2:4]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    gain = 1 / (1 + (radius / cutoff) ** (2 * order))
    return np.fft.ifft2(np.fft.fft2(x, axes=(2, 3)) * gain[:, :, None], axes=(2, 3)).real


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 8)])
@pytest.mark.parametrize(("cutoff", "order"), [(0.2, 4), (0.45, 1), (0.6, 2)])
def test_it_is_the_butterworth_of_the_radial_frequency(size, cutoff, order):
    x = maps(2, 3, *size, 5)
    expected = butterworth(x.double().numpy(), cutoff, order)
    filtered = LowPass(cutoff, order)(x)
    assert filtered.shape == x.shape
    assert filtered.dtype == torch.float32
    np.testing.assert_allclose(filtered.numpy(), expected, atol=1e-6)


def test_the_mean_of_each_frame_and_channel_stays():
    x = maps(1, 3, 8, 12, 4)
    torch.testing.assert_close(LowPass(0.1)(x).mean((2, 3)), x.mean((2, 3)))


def test_a_wave_at_the_cutoff_is_halved():
    wave = torch.cos(torch.arange(12) * (2 * torch.pi / 4)).repeat(8, 1)[None, None, :, :, None]
    torch.testing.assert_close(LowPass(0.25)(wave), wave / 2)


def test_lower_cutoffs_leave_less():
    x = maps(1, 1, 8, 12, 4)
    x = x - x.mean((2, 3), keepdim=True)
    energies = [float(LowPass(cutoff)(x).square().sum()) for cutoff in (0.1, 0.2, 0.4, 0.6, 1.0)]
    assert energies == sorted(energies)
    assert energies[0] < 0.2 * energies[-1]


def test_one_is_the_identity():
    x = maps(1, 2, 4, 6, 3)
    assert LowPass(1.0).is_identity
    assert torch.equal(LowPass(1.0)(x), x)
    assert torch.equal(LowPass(1.0).gain(4, 6), torch.ones(4, 4, dtype=torch.float64))


def test_blocks_may_be_filtered_one_by_one():
    x = maps(1, 6, 4, 6, 3)
    parts = [LowPass(0.3)(x[:, :2]), LowPass(0.3)(x[:, 2:])]
    torch.testing.assert_close(torch.cat(parts, dim=1), LowPass(0.3)(x))


def test_half_precision_stays_half_precision():
    x = maps(1, 1, 4, 6, 3).bfloat16()
    filtered = LowPass(0.3)(x)
    assert filtered.dtype == torch.bfloat16
    assert torch.equal(filtered, LowPass(0.3)(x.float()).bfloat16())


def test_it_is_a_value():
    assert LowPass(0.4) == LowPass(0.4, order=4)
    assert len({LowPass(0.4), LowPass(0.4), LowPass(0.4, 2), LowPass(0.2), LowPass(1)}) == 4
    with pytest.raises(AttributeError):
        LowPass(0.4).cutoff = 0.5


@pytest.mark.parametrize("cutoff", [0, -0.2, 1.01, float("nan"), float("inf")])
def test_cutoffs_outside_the_range_are_refused(cutoff):
    with pytest.raises(ValueError, match="cutoff"):
        LowPass(cutoff)


def test_other_bad_arguments_are_refused():
    with pytest.raises(TypeError, match="'low'"):
        LowPass("low")
    with pytest.raises(TypeError, match="order"):
        LowPass(0.4, 1.5)
    with pytest.raises(ValueError, match="order"):
        LowPass(0.4, 0)
    with pytest.raises(ValueError, match=r"\(4, 6\)"):
        LowPass(0.4)(torch.zeros(4, 6))


def test_a_tiny_cutoff_leaves_the_mean():
    x = maps(1, 1, 4, 6, 3)
    mean = x.mean(dim=(2, 3), keepdim=True).expand(x.shape)
    assert torch.allclose(LowPass(1e-300)(x), mean, atol=1e-6)
