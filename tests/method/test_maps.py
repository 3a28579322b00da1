import numpy as np
import pytest

from dragstream.method.maps import Principal, radial_spectrum, similarity, spread


def wave(rows, columns, across, down=0, amplitude=1.0):
    """A wave of so many periods over the map, in two channels."""
    y, x = np.mgrid[:rows, :columns]
    values = amplitude * np.cos(2 * np.pi * (across * x / columns + down * y / rows))
    return np.stack([values, values], axis=-1).astype(np.float32)


def test_the_spectrum_of_a_wave_lies_at_its_frequency():
    frequencies, amplitudes = radial_spectrum(wave(10, 20, across=4), bins=7)
    peak = int(amplitudes.argmax())
    assert abs(frequencies[peak] - 4 / 20) < 0.06
    assert amplitudes[np.arange(len(amplitudes)) != peak].max() < 1e-6


def test_it_does_not_depend_on_the_direction_or_the_mean():
    across = radial_spectrum(wave(16, 16, across=3) + 5)[1]
    down = radial_spectrum(wave(16, 16, across=0, down=3) - 2)[1]
    np.testing.assert_allclose(across, down, atol=1e-5)


def test_it_scales_with_the_amplitude():
    once = radial_spectrum(wave(16, 12, across=2))[1]
    thrice = radial_spectrum(wave(16, 12, across=2, amplitude=3.0))[1]
    np.testing.assert_allclose(thrice, 3 * once, atol=1e-5)


def test_bands_without_a_frequency_are_left_out():
    frequencies, amplitudes = radial_spectrum(np.ones((3, 2, 1), np.float32), bins=50)
    assert len(frequencies) == len(amplitudes) < 50
    assert not amplitudes.any()


@pytest.mark.parametrize(("shape", "bins"), [((4, 4), 3), ((4, 4, 2), 0)])
def test_a_spectrum_needs_a_map_and_bands(shape, bins):
    with pytest.raises(ValueError, match=r"a spectrum needs a map|bins must be"):
        radial_spectrum(np.zeros(shape, np.float32), bins)


def test_similarity_is_the_cosine():
    maps = np.array([[[1, 0], [0, 2]], [[-3, 0], [1, 1]]], np.float32)
    expected = [[1, 0], [-1, np.sqrt(0.5)]]
    np.testing.assert_allclose(similarity(maps, maps[0, 0]), expected, atol=1e-6)
    assert not similarity(np.zeros((2, 2, 3), np.float32), np.zeros(3, np.float32)).any()


def test_principal_colours_separate_what_differs_most():
    generator = np.random.default_rng(0)
    maps = 0.01 * generator.standard_normal((2, 6, 6, 5)).astype(np.float32)
    maps[:, :3, :, 2] += 10  # the upper half differs along one channel
    colours = Principal.of(maps).colours(maps)
    assert colours.shape == (2, 6, 6, 3)
    assert colours[:, :3, :, 0].min() > 240
    assert colours[:, 3:, :, 0].max() < 15
    mirrored = Principal.of(maps[:, ::-1]).colours(maps)
    np.testing.assert_allclose(mirrored[..., 0], colours[..., 0], atol=1)


def test_colours_need_three_channels():
    with pytest.raises(ValueError, match="channels >= 3"):
        Principal.of(np.zeros((4, 4, 2), np.float32))


def test_spread_ignores_outliers():
    values = np.linspace(0, 1, 1001, dtype=np.float32)
    values[0] = -100
    stretched = spread(values)
    assert stretched.min() == 0
    assert stretched.max() == 1
    assert abs(stretched[500] - 0.5) < 0.01
