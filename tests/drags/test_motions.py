from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragstream.drags import regions, validate
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import (
    Deformation,
    Drag,
    Memory,
    Motion,
    Path,
    Rotation,
    Translation,
    targets,
)

H, W = 60, 80
BALL = regions.disc((30, 30), 10)


DOT = np.ones((1, 1), bool)


def shift(affine):
    return affine.matrix[0][2], affine.matrix[1][2]


def test_translation_moves_by_the_displacement_from_the_start_of_its_path():
    motion = Translation([(100, 50), (130, 90)])
    assert motion.at(0) == Affine.identity()
    assert shift(motion.at(0.5)) == pytest.approx((15, 20))
    assert shift(motion.at(1)) == (30, 40)
    assert motion.displacement(1, DOT) == (50, 0)
    assert motion.displacement(0.5, DOT) == pytest.approx((25, 0))
    assert shift(motion.partway(0.5, 0.5)) == pytest.approx((7.5, 10))
    assert Translation.by(30, 40).at(1) == motion.at(1)


def test_rotation_turns_clockwise_about_its_centre():
    motion = Rotation(center=(20, 20), degrees=90)
    np.testing.assert_allclose(motion.at(1).apply((30, 20)), (20, 30), atol=1e-12)
    np.testing.assert_allclose(motion.at(0.5).matrix, Affine.rotation((20, 20), 45).matrix)
    assert motion.displacement(0.5, DOT) == (0, 45)
    np.testing.assert_allclose(motion.partway(1, 0.5).matrix, motion.at(0.5).matrix)


def test_an_arc_of_angles_is_passed_at_even_intervals():
    motion = Rotation((0, 0), [10, 45])
    assert motion.arc == (0, 10, 45)
    assert [motion.angle(f) for f in (0, 0.25, 0.5, 0.75, 1)] == pytest.approx([0, 5, 10, 27.5, 45])
    assert Rotation((0, 0), [0, 10, 45]) == motion
    assert Rotation((0, 0), np.array([30.0, -30.0])).displacement(1, DOT) == (0, 30)
    # half the angle, where half the time would be 10 degrees
    half = motion.partway(1, 0.5).matrix
    np.testing.assert_allclose(half, Affine.rotation((0, 0), 22.5).matrix)


def test_a_pinned_arc_keeps_its_frames():
    motion = Rotation((0, 0), [20, 90], frames=[0, 1, 5])
    angles = [math.degrees(math.atan2(t.matrix[1][0], t.matrix[0][0])) for t in targets(motion, 6)]
    assert angles == pytest.approx([20, 37.5, 55, 72.5, 90, 90])


def test_a_rotation_without_degrees_says_so():
    with pytest.raises(TypeError, match="'degrees'"):
        Rotation((1, 2))


@pytest.mark.parametrize(
    ("degrees", "error", "message"),
    [
        (None, TypeError, "degrees must be a number"),
        ("45", TypeError, "degrees must be a number"),
        (0, ValueError, "must turn, got degrees=0"),
        ([0, 0], ValueError, "must turn"),
        ([], ValueError, "degrees is empty"),
        (math.nan, ValueError, "degrees must be finite"),
        ([10, math.inf], ValueError, r"degrees\[1\] must be finite"),
        (1e300, ValueError, r"degrees must lie within ±1000000 degrees, got 1e\+300"),
        ([1e308, -1e308], ValueError, r"degrees\[0\] must lie within"),
    ],
)
def test_impossible_angles_are_refused(degrees, error, message):
    with pytest.raises(error, match=message):
        Rotation((1, 2), degrees)


def test_rotations_check_their_timing():
    with pytest.raises(ValueError, match="each of 2 angles"):
        Rotation((1, 2), 45, frames=[0, 1, 2])
    with pytest.raises(ValueError, match="ease must be one of"):
        Rotation((1, 2), 45, ease="slow")


@given(st.integers(1, 40), st.floats(-50, 50), st.floats(1, 50))
def test_targets_end_where_the_motion_ends(frames, dx, dy):
    motion = Translation.by(dx, dy)
    found = targets(motion, frames)
    assert len(found) == frames
    assert found[-1] == motion.at(1)
    assert shift(found[0]) == pytest.approx((dx / frames, dy / frames))


def test_pinned_targets_keep_their_own_time():
    motion = Translation(Path.polyline([(0, 0), (30, 0), (30, 20)], frames=[0, 3, 5]))
    assert motion.duration == 5
    x_y = [shift(target) for target in targets(motion, 7)]
    expected = [(10, 0), (20, 0), (30, 0), (30, 10), (30, 20), (30, 20), (30, 20)]
    np.testing.assert_allclose(x_y, expected, atol=1e-12)
    np.testing.assert_allclose([shift(t) for t in targets(motion, 2)], expected[:2], atol=1e-12)
    assert shift(motion.at(1)) == (30, 20)


def test_targets_need_a_frame():
    with pytest.raises(ValueError, match="frames must be at least 1, got 0"):
        targets(Translation.by(1, 0), 0)


@given(
    st.lists(st.tuples(st.floats(-90, 90), st.floats(-90, 90)), min_size=1, max_size=9).filter(
        lambda moved: max(math.hypot(*pair) for pair in moved) > 0.1
    )
)
def test_explicit_targets_are_met_exactly(displacements):
    motion = Translation.through(displacements, start=(40, 30))
    found = [shift(target) for target in targets(motion, len(displacements))]
    np.testing.assert_allclose(found, displacements, atol=1e-9)


def test_a_deformation_holds_the_edge_toward_the_pull():
    box = regions.box(10, 20, 40, 50)
    right = Drag(box, Deformation.by(15, 0))
    np.testing.assert_array_equal(
        right.mask(H, W), regions.rasterise(regions.box(30, 20, 40, 50), H, W)
    )
    up = Drag(box, Deformation([(20, 30), (20, 10)], edge=0.1))
    np.testing.assert_array_equal(
        up.mask(H, W), regions.rasterise(regions.box(10, 20, 40, 23), H, W)
    )
    whole = Drag(box, Deformation.by(15, 0, edge=1))
    np.testing.assert_array_equal(whole.mask(H, W), regions.rasterise(box, H, W))
    assert shift(right.motion.at(1)) == (15, 0)
    assert right.motion.displacement(1, DOT) == (15, 0)
    assert right.motion.duration is None


@pytest.mark.parametrize("edge", [0, -1, 1.5, math.nan])
def test_impossible_edges_are_refused(edge):
    with pytest.raises(ValueError, match="edge must be"):
        Deformation.by(5, 0, edge=edge)


def test_other_motions_hold_the_whole_region():
    for motion in (Translation.by(5, 0), Rotation((30, 30), 20)):
        np.testing.assert_array_equal(Drag(BALL, motion).mask(H, W), regions.rasterise(BALL, H, W))


def test_a_remembered_object_is_put_on_the_region():
    memory = Memory(block=2, region=regions.disc((60, 20), 6))
    drag = Drag(BALL, Translation.by(5, 0), source=memory)
    assert drag.origin(H, W) == Affine.translation(-30, 10)
    assert Drag(BALL, Translation.by(5, 0)).origin(H, W) == Affine.identity()


def test_drags_are_values_and_take_masks():
    mask = regions.rasterise(BALL, H, W)
    drag = Drag(mask, Translation.by(5, 0), Memory(1, mask))
    assert drag == Drag(mask.copy(), Translation.by(5, 0), Memory(1, mask.copy()))
    assert len({drag, Drag(mask.copy(), Translation.by(5, 0), Memory(1, mask.copy()))}) == 1
    np.testing.assert_array_equal(drag.mask(H, W), mask)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Drag(BALL), TypeError, "'motion'"),
        (lambda: Drag(BALL, (5, 0)), TypeError, r"motion must be.*got \(5, 0\)"),
        (lambda: Drag((5, 0), Translation.by(1, 0)), TypeError, "a region must be"),
        (lambda: Drag(BALL, Translation.by(1, 0), 3), TypeError, "source must be a Memory"),
        (lambda: Memory(-1, BALL), ValueError, "block must be at least 0"),
        (lambda: Memory(1.5, BALL), TypeError, "block must be an integer"),
        (lambda: Translation.by(0, 0), ValueError, "length 0"),
        (lambda: Translation.by(math.nan, 0), ValueError, "finite"),
        (lambda: Translation.through([]), ValueError, "at least 2"),
        (lambda: Translation(5), TypeError, "sequence of points"),
    ],
)
def test_impossible_drags_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_validate_returns_the_handles():
    drags = [
        Drag(BALL, Translation.by(5, 0)),
        Drag(regions.box(50, 10, 60, 20), Rotation((1, 2), 9)),
    ]
    masks = validate(drags, regions.box(0, 50, 80, 60), H, W)
    assert [mask.sum() for mask in masks] == [317, 100]
    # leaving the frame is a legal drag
    assert validate([Drag(BALL, Translation.by(500, 0))], None, H, W)[0].sum() == 317


def test_a_deformed_body_may_be_kept_if_its_edge_is_free():
    body = regions.box(10, 10, 40, 40)
    drag = Drag(body, Deformation.by(12, 0))
    assert validate([drag], regions.box(10, 10, 30, 40), H, W)[0].sum() == 300


@pytest.mark.parametrize(
    ("drags", "keep", "error", "message"),
    [
        ([], None, ValueError, "drags is empty"),
        (Drag(BALL, Translation.by(5, 0)), None, TypeError, "sequence of Drag, got Drag"),
        (None, None, TypeError, "NoneType"),
        ([BALL], None, TypeError, r"drags\[0\] must be a Drag"),
        (
            [
                Drag(BALL, Translation.by(5, 0)),
                Drag(regions.disc((99, 0), 3), Translation.by(1, 0)),
            ],
            None,
            ValueError,
            r"drags\[1\]: the region covers no pixel",
        ),
        (
            [Drag(np.ones((W, H), dtype=bool), Translation.by(5, 0))],
            None,
            ValueError,
            r"drags\[0\]: a mask of shape \(80, 60\)",
        ),
        (
            [Drag(BALL, Translation.by(5, 0), Memory(0, regions.disc((99, 0), 3)))],
            None,
            ValueError,
            r"drags\[0\].source: the region covers no pixel",
        ),
        (
            [Drag(BALL, Translation.by(5, 0))],
            regions.box(40, 0, 80, 60),
            ValueError,
            r"drags\[0\] lies inside keep with 1 of its 317 pixels",
        ),
        (
            [Drag(BALL, Translation.by(5, 0))],
            regions.disc((30, 30), 11),
            ValueError,
            "317 of its 317 pixels",
        ),
        (
            [Drag(BALL, Translation.by(5, 0))],
            np.zeros((H, W), dtype=bool),
            ValueError,
            "keep: .*use None",
        ),
        ([Drag(BALL, Translation.by(5, 0))], "all", TypeError, "a region must be"),
    ],
)
def test_validate_names_what_does_not_fit(drags, keep, error, message):
    with pytest.raises(error, match=message):
        validate(drags, keep, H, W)


def test_a_motion_of_ones_own_is_measured_at_its_farthest_pixel():
    class Growth(Motion):
        def at(self, fraction):
            return Affine(((1 + fraction, 0, 0), (0, 1 + fraction, 0)))

    mask = np.zeros((8, 8), bool)
    mask[2:4, 1:5] = True  # up to (4, 3), 5 pixels from the corner that stays

    assert Growth().displacement(0.5, mask) == pytest.approx((2.5, 0))
    assert Growth().partway(0.5, 0.5) == Growth().at(0.25)
    assert Growth().duration is None
