from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.geometry import Affine, Grid
from dragstream.method.focus import Focus, combine

GRID = Grid.of(64, 96)  # 8 x 12 latents of 8 pixels


def test_the_map_is_one_at_the_centre_and_falls_with_sigma():
    # centred on latent (x 5, y 3), whose centre is at pixel (43.5, 27.5); 32 wide and 16 high
    gaussian = Focus(alpha=1.0).gaussian((27.5, 19.5, 59.5, 35.5), GRID)
    assert gaussian.shape == (8, 12)
    assert float(gaussian[3, 5]) == pytest.approx(1.0)
    # sigma is 16 pixels across and 8 down: two latents and one
    assert float(gaussian[3, 7]) == pytest.approx(math.exp(-0.5))
    assert float(gaussian[4, 5]) == pytest.approx(math.exp(-0.5))
    assert float(gaussian[5, 9]) == pytest.approx(math.exp(-4.0))


def test_alpha_and_padding_widen_it():
    bounds = (27.5, 19.5, 59.5, 35.5)
    wide = Focus(alpha=2.0).gaussian(bounds, GRID)
    assert float(wide[3, 9]) == pytest.approx(math.exp(-0.5))
    torch.testing.assert_close(wide, Focus(alpha=1.0, padding=2.0).gaussian(bounds, GRID))


def test_targets_outside_the_frame_fade_out():
    far = Focus().gaussian((-500.0, 0.0, -480.0, 20.0), GRID)
    assert float(far.max()) < 1e-6
    assert torch.isfinite(far).all()


def test_several_maps_combine_as_one_minus_the_product_of_the_rest():
    first, second = torch.tensor([0.5, 1.0, 0.0]), torch.tensor([0.5, 0.3, 0.25])
    torch.testing.assert_close(combine([first]), first)
    torch.testing.assert_close(combine([first, second]), torch.tensor([0.75, 1.0, 0.25]))


def test_bounds_of_an_unmoved_region_are_those_of_its_box():
    mask = np.zeros((64, 96), dtype=bool)
    mask[10:20, 30:37] = True
    mask[40, 5] = True
    assert regions.bounding_box(mask, Affine.identity()) == regions.bounding_box(mask)
    assert regions.bounding_box(mask, Affine.translation(2.25, -100)) == (6.75, -90.5, 38.75, -59.5)


def test_bounds_of_a_turned_region():
    mask = regions.rasterise(regions.box(40, 28, 56, 36), 64, 96)
    centre = ((39.5 + 55.5) / 2, (27.5 + 35.5) / 2)
    quarter = regions.bounding_box(mask, Affine.rotation(centre, 90))
    assert quarter == pytest.approx((43.5, 23.5, 51.5, 39.5))
    eighth = regions.bounding_box(mask, Affine.rotation(centre, 45))
    reach = (16 + 8) / 2 * math.sqrt(0.5)
    expected = (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
    assert eighth == pytest.approx(expected)


def test_bad_values_are_refused():
    for bad in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="alpha"):
            Focus(alpha=bad)
    with pytest.raises(TypeError, match="padding"):
        Focus(padding="wide")
    with pytest.raises(TypeError, match="on_gradient"):
        Focus(on_gradient=None)
    with pytest.raises(ValueError, match="without pixels"):
        regions.bounding_box(np.zeros((4, 4), dtype=bool), Affine.identity())
