from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragstream.drags.checks import check_point
from dragstream.drags.geometry import Affine, FrameClock, Grid

coordinates = st.floats(-500, 500, allow_nan=False)
affines = st.builds(
    lambda center, degrees, shift: Affine.rotation(center, degrees).then(
        Affine.translation(*shift)
    ),
    st.tuples(coordinates, coordinates),
    st.floats(-720, 720),
    st.tuples(coordinates, coordinates),
)


def test_grid_of_wan_and_of_an_oblong_patch():
    grid = Grid.of(480, 832)
    assert (grid.latent_height, grid.latent_width) == (60, 104)
    assert (grid.token_height, grid.token_width) == (30, 52)
    assert grid.pixels_per_latent == (8.0, 8.0)
    assert grid.pixels_per_token == (16.0, 16.0)
    oblong = Grid.of(96, 128, spatial_factor=4, patch=(1, 2))
    assert oblong == Grid(96, 128, 24, 32, 24, 16)
    assert oblong.pixels_per_token == (8.0, 4.0)


@pytest.mark.parametrize(
    ("height", "width", "message"),
    [(100, 192, "height must be a multiple of 16"), (128, 200, "width.*200"), (0, 16, "height")],
)
def test_grid_names_the_size_that_does_not_divide(height, width, message):
    with pytest.raises(ValueError, match=message):
        Grid.of(height, width)


def test_grid_refuses_fractions():
    with pytest.raises(TypeError, match=r"width must be an integer, got 16\.0"):
        Grid.of(16, 16.0)


def test_clock_of_wan():
    clock = FrameClock(4, 16.0)
    assert [clock.video_frames(n) for n in (0, 1, 2, 3, 6, 21)] == [0, 1, 5, 9, 21, 81]
    assert [clock.start(i) for i in range(4)] == [0, 1, 5, 9]
    assert [clock.last(i) for i in range(4)] == [0, 4, 8, 12]
    # block b of three latent frames starts at video frame 12 b - 3
    assert [clock.start(3 * b) for b in (1, 2, 3)] == [9, 21, 33]


@given(st.integers(1, 8), st.integers(0, 200))
def test_clock_tiles_the_video_without_gaps(factor, latent):
    clock = FrameClock(factor, 8)
    assert clock.start(latent + 1) == clock.last(latent) + 1
    assert clock.video_frames(latent + 1) == clock.last(latent) + 1


@pytest.mark.parametrize(("factor", "rate"), [(0, 8), (4, 0), (4, -1), (4, math.nan)])
def test_clock_refuses_impossible_rates(factor, rate):
    with pytest.raises(ValueError):
        FrameClock(factor, rate)


def test_positive_degrees_turn_clockwise_on_screen():
    # y runs down, so the arm that points right comes to point down
    turned = Affine.rotation((10, 20), 90).apply([(15, 20), (10, 20)])
    np.testing.assert_allclose(turned, [(10, 25), (10, 20)], atol=1e-12)


@given(affines, affines, st.tuples(coordinates, coordinates))
def test_then_applies_the_maps_in_order(first, second, xy):
    together = first.then(second).apply(xy)
    np.testing.assert_allclose(together, second.apply(first.apply(xy)), atol=1e-8)


@given(affines, st.tuples(coordinates, coordinates))
def test_inverse_takes_points_back(affine, xy):
    np.testing.assert_allclose(affine.inverse().apply(affine.apply(xy)), xy, atol=1e-8)
    assert affine.determinant == pytest.approx(1)


def test_inverse_of_a_general_map():
    affine = Affine(((2, 1, 5), (0.5, 3, -7)))
    np.testing.assert_allclose(affine.then(affine.inverse()).matrix, Affine.identity().matrix)


def test_affine_refuses_what_it_cannot_be():
    with pytest.raises(ValueError, match="no inverse"):
        Affine(((1, 2, 0), (2, 4, 0))).inverse()
    with pytest.raises(ValueError, match="2 rows"):
        Affine(((1, 0, 0),))
    with pytest.raises(ValueError, match="finite"):
        Affine.translation(math.nan, 0)
    with pytest.raises(ValueError, match="shape"):
        Affine.identity().apply([1, 2, 3])


def test_point_names_what_is_wrong():
    assert check_point(np.array([1, 2]), "center") == (1.0, 2.0)
    with pytest.raises(TypeError, match="center must be a pair"):
        check_point(3, "center")
    with pytest.raises(ValueError, match="got 3 values"):
        check_point((1, 2, 3), "center")
    with pytest.raises(TypeError, match="the y of center"):
        check_point((1, "2"), "center")
