from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.drags.regions import painting_steps

H, W = 60, 80


def painted(region):
    return regions.rasterise(region, H, W)


def blob():
    return painted(regions.disc((40, 30), 12) | regions.box(40, 26, 58, 34))


def test_a_disc_holds_the_pixels_within_its_radius():
    mask = painted(regions.disc(center=(30, 20), radius=5))
    assert mask[20, 35]
    assert mask[25, 30]
    assert mask[23, 34]  # 3, 4, 5
    assert not mask[20, 36]
    assert not mask[24, 34]
    assert mask.sum() == 81  # lattice points of a circle of radius 5
    assert mask.dtype == np.bool_


def test_a_box_is_a_slice():
    expected = np.zeros((H, W), dtype=bool)
    expected[20:40, 10:30] = True
    np.testing.assert_array_equal(painted(regions.box(10, 20, 30, 40)), expected)


def test_a_polygon_of_a_box_is_that_box():
    corners = [(10, 20), (30, 20), (30, 40), (10, 40)]
    box = painted(regions.box(10, 20, 30, 40))
    np.testing.assert_array_equal(painted(regions.polygon(corners)), box)
    np.testing.assert_array_equal(painted(regions.polygon(corners[::-1])), box)
    np.testing.assert_array_equal(painted(regions.polygon(np.array(corners))), box)


def test_polygons_that_share_a_border_share_no_pixel_and_leave_no_gap():
    left = painted(regions.polygon([(10, 10), (40, 5), (30, 50)]))
    right = painted(regions.polygon([(40, 5), (70, 40), (30, 50)]))
    whole = painted(regions.polygon([(10, 10), (40, 5), (70, 40), (30, 50)]))
    assert not (left & right).any()
    np.testing.assert_array_equal(left | right, whole)
    # the shoelace formula
    assert left.sum() == pytest.approx(0.5 * abs(30 * 40 - 20 * -5), rel=0.02)


def test_a_lasso_that_goes_round_twice_has_no_hole():
    once = [(10, 10), (50, 10), (50, 50), (10, 50)]
    twice = painted(regions.polygon(once + once))
    np.testing.assert_array_equal(twice, painted(regions.polygon(once)))


def test_a_brush_is_a_stroke_with_round_ends():
    mask = painted(regions.brush([(20, 30), (50, 30)], radius=4))
    expected = painted(
        regions.disc((20, 30), 4) | regions.disc((50, 30), 4) | regions.box(20, 26, 51, 34.5)
    )
    np.testing.assert_array_equal(mask, expected)
    slant = painted(regions.brush([(10, 10), (40, 50)], radius=3))
    assert slant.sum() == pytest.approx(50 * 6 + math.pi * 9, rel=0.03)


def test_a_dab_is_a_disc():
    dab = regions.brush([(33.5, 20)], radius=6)
    np.testing.assert_array_equal(painted(dab), painted(regions.disc((33.5, 20), 6)))


def test_shapes_combine_with_shapes_and_masks_on_either_side():
    disc, box = regions.disc((30, 30), 10), regions.box(30, 20, 60, 40)
    one, other = painted(disc), painted(box)
    for left, right in ((disc, box), (disc, other), (one, box)):
        np.testing.assert_array_equal(painted(left | right), one | other)
        np.testing.assert_array_equal(painted(left & right), one & other)
        np.testing.assert_array_equal(painted(left - right), one & ~other)
    several = disc | box | regions.disc((70, 10), 3)
    assert len(several.of) == 3
    hole = regions.box(31, 30, 33, 32)
    np.testing.assert_array_equal(painted(disc - box - hole), one & ~other & ~painted(hole))
    np.testing.assert_array_equal(painted(disc - (box - hole)), one & ~(other & ~painted(hole)))


def test_parts_may_lie_outside_as_long_as_the_whole_does_not():
    away = regions.disc((500, 500), 5)
    ball = regions.disc((30, 30), 10)
    np.testing.assert_array_equal(painted(ball | away), painted(ball))
    np.testing.assert_array_equal(painted(ball - away), painted(ball))
    with pytest.raises(ValueError, match=r"Intersection\(of="):
        painted(ball & away)


def test_shapes_are_values():
    mask = np.zeros((H, W), dtype=bool)
    mask[3, 4] = True
    first, second = regions.mask(mask), regions.mask(mask.copy())
    assert first == second
    assert hash(first) == hash(second)
    mask[5, 5] = True
    assert first == second  # the array was copied
    assert first != regions.mask(mask)
    assert first != "a mask"
    assert len({regions.disc((1, 2), 3), regions.disc((1.0, 2.0), 3.0)}) == 1
    assert regions.disc((1, 2), 3) | mask == regions.disc((1, 2), 3) | mask.copy()
    with pytest.raises(ValueError, match="read-only"):
        first.array[0, 0] = True
    mine = painted(first)
    mine[:] = True
    assert painted(first).sum() == 1


def test_regions_are_cut_off_at_the_frame():
    mask = painted(regions.disc((0, 0), 10))
    assert mask.sum() == painted(regions.disc((10, 10), 10))[10:, 10:].sum()
    assert painted(regions.brush([(-50, 30), (200, 30)], 2)).sum() == 5 * W
    assert painted(regions.polygon([(-1e6, -1e6), (1e6, -1e6), (1e6, 1e6), (-1e6, 1e6)])).all()


@pytest.mark.parametrize(
    ("region", "error", "message"),
    [
        (
            regions.disc((200, 20), 5),
            ValueError,
            r"no pixel.*80 wide and 60 high: Disc\(center=\(200",
        ),
        (regions.disc((20.5, 20.5), 0.1), ValueError, "no pixel"),
        (regions.box(-9, -9, 0, 0), ValueError, "Box\\(left"),
        (regions.brush([(-5, -5)], 2), ValueError, "Brush\\(points"),
        (regions.polygon([(1, 1), (2, 2), (3, 3)]), ValueError, "Polygon\\(points"),
        (np.zeros((H, W), dtype=bool), ValueError, "with 0 pixels"),
        (np.ones((W, H), dtype=bool), ValueError, r"\(80, 60\) does not fit frames of \(60, 80\)"),
        (np.ones((H, W, 1), dtype=bool), ValueError, r"shape \(H, W\), got \(60, 80, 1\)"),
        (np.ones((H, W)), TypeError, "boolean array.*float64"),
        (np.full((H, W), np.nan), TypeError, "boolean array"),
        (np.ones((H, W), dtype=np.uint8), TypeError, "uint8; try mask > 0"),
        ([[True]], TypeError, "a region must be a shape"),
        (None, TypeError, "NoneType"),
    ],
)
def test_regions_without_pixels_or_of_another_kind_are_refused(region, error, message):
    with pytest.raises(error, match=message):
        painted(region)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: regions.disc((1, 2), 0),
            ValueError,
            "radius must be positive and at most 1000000 pixels, got 0",
        ),
        (lambda: regions.disc((1, 2), math.nan), ValueError, "radius must be finite"),
        (lambda: regions.disc((math.nan, 2), 3), ValueError, "x of center must be finite"),
        (lambda: regions.disc((1, 2), "3"), TypeError, "radius must be a number, got '3'"),
        (lambda: regions.disc((1, 2), True), TypeError, "radius must be a number"),  # noqa: FBT003
        (lambda: regions.disc(5, 3), TypeError, "center must be a pair"),
        (lambda: regions.box(10, 0, 10, 5), ValueError, "right must exceed left"),
        (lambda: regions.box(0, 9, 10, 5), ValueError, "bottom must exceed top"),
        (lambda: regions.polygon([(0, 0), (1, 1)]), ValueError, "at least 3"),
        (lambda: regions.brush([], 3), ValueError, "at least 1"),
        (lambda: regions.disc((1, 2), 3) | 5, TypeError, "a region must be"),
        (lambda: np.ones((2, 2)) | regions.disc((1, 2), 3), TypeError, "boolean"),
        (lambda: regions.Union((regions.disc((1, 2), 3),)), ValueError, "at least two"),
    ],
)
def test_impossible_shapes_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_warp_by_whole_pixels_moves_the_mask():
    mask = blob()
    moved = regions.warp(mask, Affine.translation(7, -4))
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved, np.roll(mask, (-4, 7), axis=(0, 1)), atol=1e-6)


def test_warp_by_half_a_pixel_shares_the_border():
    mask = painted(regions.box(20, 20, 30, 30))
    moved = regions.warp(mask, Affine.translation(0.5, 0))
    assert moved[25, 20] == pytest.approx(0.5)
    assert moved[25, 30] == pytest.approx(0.5)
    assert moved[25, 25] == pytest.approx(1)


def test_warp_turns_clockwise_about_the_centre():
    arm = painted(regions.box(40, 28, 60, 33))
    turned = regions.warp(arm, Affine.rotation((40, 30), 90))
    np.testing.assert_allclose(turned, painted(regions.box(38, 30, 43, 50)), atol=1e-5)


@given(st.floats(-15, 15), st.floats(-12, 12), st.floats(-360, 360))
def test_warp_keeps_area_and_takes_the_centroid_along(dx, dy, degrees):
    mask = blob()
    affine = Affine.rotation((42, 30), degrees).then(Affine.translation(dx, dy))
    wide = np.pad(mask, 40)  # so that nothing leaves the frame
    middle = Affine.translation(-40, -40).then(affine).then(Affine.translation(40, 40))
    moved = regions.warp(wide, middle)
    assert moved.sum() == pytest.approx(wide.sum(), rel=0.01)
    np.testing.assert_allclose(
        regions.centroid(moved), middle.apply(regions.centroid(wide)), atol=0.15
    )


@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(-180, 180))
def test_warp_there_and_back_changes_the_border_only(dx, dy, degrees):
    mask = painted(regions.disc((40, 30), 12))
    affine = Affine.rotation((40, 30), degrees).then(Affine.translation(dx, dy))
    back = regions.warp(regions.warp(mask, affine), affine.inverse())
    inner, outer = painted(regions.disc((40, 30), 10)), painted(regions.disc((40, 30), 14))
    assert (back[inner] > 0.99).all()
    assert (back[~outer] < 0.01).all()


def test_warp_loses_what_leaves_the_frame():
    mask = painted(regions.box(60, 20, 80, 40))
    assert regions.warp(mask, Affine.translation(10, 0)).sum() == pytest.approx(200)
    assert regions.warp(mask, Affine.translation(100, 0)).sum() == 0
    with pytest.raises(ValueError, match="shape"):
        regions.warp(np.ones(5), Affine.identity())


def test_the_bounding_box_runs_along_the_sides_of_the_pixels():
    mask = np.zeros((H, W), dtype=bool)
    mask[20:40, 10:30] = True
    mask[12, 25] = True
    left, top, right, bottom = regions.bounding_box(mask)
    assert (left, top, right, bottom) == (9.5, 11.5, 29.5, 39.5)
    assert right - left == 20
    np.testing.assert_array_equal(
        painted(regions.box(left, top, right, bottom)), painted(regions.box(10, 12, 30, 40))
    )


def test_the_centroid_is_the_mean_of_pixel_centres():
    assert regions.centroid(painted(regions.box(10, 20, 13, 21))) == (11, 20)
    coverage = np.zeros((4, 4), dtype=np.float32)
    coverage[1, 0], coverage[1, 3] = 0.25, 0.75
    assert regions.centroid(coverage) == (2.25, 1)


@pytest.mark.parametrize("ask", [regions.centroid, regions.bounding_box])
def test_empty_masks_have_no_place(ask):
    with pytest.raises(ValueError, match=r"\(4, 4\)"):
        ask(np.zeros((4, 4), dtype=bool))


def test_the_edge_is_the_outermost_part_toward_a_direction():
    box = painted(regions.box(10, 20, 30, 40))
    np.testing.assert_array_equal(
        regions.edge(box, (3, 0), 4), painted(regions.box(26, 20, 30, 40))
    )
    np.testing.assert_array_equal(
        regions.edge(box, (0, -1), 1), painted(regions.box(10, 20, 30, 21))
    )
    corner = regions.edge(box, (1, 1), 3 / math.sqrt(2))
    assert corner.sum() == 1 + 2 + 3
    assert corner[39, 29]


def test_an_edge_as_thick_as_the_region_is_all_of_it():
    ball = painted(regions.disc((40, 30), 9))
    for direction in ((1, 0), (0, 1), (-1, 2), (5, 3)):
        thickness = regions.span(ball, direction)
        np.testing.assert_array_equal(regions.edge(ball, direction, thickness), ball)
    assert regions.span(ball, (0, -7)) == 19
    assert regions.edge(ball, (1, 0.001), 1e-3).sum() == 1


@pytest.mark.parametrize(
    ("direction", "thickness", "message"),
    [((0, 0), 3, "direction"), ((1, math.nan), 3, "direction"), ((1, 0), 0, "thickness")],
)
def test_impossible_edges_are_refused(direction, thickness, message):
    with pytest.raises(ValueError, match=message):
        regions.edge(blob(), direction, thickness)
    with pytest.raises(ValueError, match="no edge"):
        regions.edge(np.zeros((3, 3), dtype=bool), (1, 0), 2)


def measured(points, radius, height, width):
    """A stroke by measuring each pixel's distance from each of its lines."""
    rows, columns = np.mgrid[:height, :width].astype(float)
    inside = np.zeros((height, width), bool)
    for (x0, y0), (x1, y1) in itertools.pairwise((points[0], *points)):
        along = np.array([x1 - x0, y1 - y0])
        x, y = columns - x0, rows - y0
        square = along[0] ** 2 + along[1] ** 2
        share = (
            np.clip((x * along[0] + y * along[1]) / square, 0, 1) if square else np.zeros_like(x)
        )
        inside |= (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2 <= radius**2
    return inside


def hundredths(low, high):
    """Coordinates as the page sends them."""
    return st.integers(int(100 * low), int(100 * high)).map(lambda number: number / 100)


coordinates = hundredths(-40, 100) | st.integers(-30, 130).map(lambda number: number / 2)
strokes = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=6)


@given(strokes, hundredths(0.1, 40))
def test_a_stroke_is_measured_to_the_pixel(points, radius):
    stroke = regions.brush(points, radius).paint(40, 50)
    np.testing.assert_array_equal(stroke, measured(points, radius, 40, 50))


@given(st.tuples(*[hundredths(-1e6, 1e6)] * 4), hundredths(0.01, 1e6))
def test_a_stroke_from_far_away_is_measured_to_the_pixel(ends, radius):
    points = [ends[:2], ends[2:]]
    stroke = regions.brush(points, radius).paint(9, 11)
    np.testing.assert_array_equal(stroke, measured(points, radius, 9, 11))


def test_the_work_of_painting_is_that_of_the_rows_that_are_reached():
    steps = partial(painting_steps, height=480, width=832)
    frame = steps(regions.mask(np.ones((480, 832), bool)))
    short = steps(regions.brush([(10, 10), (20, 10)], 5))
    assert frame < short < frame + 200
    # as many points, but across the whole frame
    far = [(x, y) for x in range(0, 800, 8) for y in (0, 480)]
    near = [(x, y) for x in range(0, 800, 8) for y in (100, 102)]
    assert steps(regions.brush(far, 1)) > 30 * steps(regions.brush(near, 1)) / 2
    assert steps(regions.polygon(far)) > 200 * 470
    assert steps(regions.disc((-50, 10), 5) | regions.box(0, 0, 5, 5)) > 2 * frame
    # what lies outside of the frame is no work
    assert steps(regions.brush([(5, 900), (9, 9000)] * 500, 3)) == frame


QUARTER = Affine.rotation((10, 10), 90)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (regions.disc((14, 10), 3), regions.disc((10, 14), 3)),
        (regions.polygon([(10, 10), (14, 10), (14, 12)]), [(10, 10), (10, 14), (8, 14)]),
        (regions.brush([(12, 10), (14, 10)], 2), regions.brush([(10, 12), (10, 14)], 2)),
        (regions.box(10, 8, 14, 10), [(12, 10), (12, 14), (10, 14), (10, 10)]),
    ],
)
def test_shapes_stay_shapes_when_they_are_moved(region, expected):
    turned = regions.moved(region, QUARTER)
    if isinstance(expected, list):
        assert isinstance(turned, regions.Polygon)
        assert np.allclose(turned.points, expected)
    else:
        assert turned.radius == pytest.approx(expected.radius)
        assert np.array_equal(turned.paint(24, 24), expected.paint(24, 24))


def test_boxes_and_masks_and_combinations_are_moved():
    shift = Affine.translation(3, -2)
    box = regions.box(4, 6, 10, 12)
    assert regions.moved(box, shift) == regions.box(7, 4, 13, 10)
    mask = regions.mask(box.paint(20, 20))
    assert np.array_equal(regions.moved(mask, shift).array, np.roll(mask.array, (-2, 3), (0, 1)))
    ring = regions.disc((10, 10), 6) - regions.disc((10, 10), 2)
    doubled = Affine(((2, 0, -10), (0, 2, -10)))
    assert regions.moved(ring, doubled) == regions.disc((10, 10), 12) - regions.disc((10, 10), 4)


def test_only_known_shapes_are_moved():
    class Own(regions.Shape):
        def paint(self, height, width):
            return np.ones((height, width), bool)

    with pytest.raises(TypeError, match="class Own cannot be moved"):
        regions.moved(Own(), QUARTER)
