"""`Poses`: a pose in each latent frame, about a centre."""

import json

import numpy as np
import pytest

import dragstream as ds
from dragstream.drags import regions
from dragstream.drags.documents import from_json, to_json
from dragstream.drags.expressions import drag_expression, render
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Pose, targets

CENTER = (10.0, 20.0)
POSES = ds.Poses(CENTER, [(4, 0), (8, 6, 90), (8, 6, 90, 4)])


def test_a_pose_turns_and_scales_about_the_centre_then_shifts():
    first, second, third = targets(POSES, 3)
    assert first == Affine.translation(4, 0)
    # (1, 0) beside the centre turns to (0, 1) below it, and then grows to four pixels
    assert np.allclose(second.apply((11, 20)), (18, 27))
    assert np.allclose(third.apply((11, 20)), (18, 30))
    assert np.allclose(third.apply(CENTER), (18, 26))


def test_between_latent_frames_sizes_change_by_equal_ratios():
    assert POSES.at(0) == Affine.identity()
    assert POSES.pose(0.5) == Pose(6, 3, 45, 1)
    assert POSES.pose(2.5 / 3).factor == pytest.approx(2)
    assert POSES.pose(1) == POSES.poses[-1]


def test_it_lasts_as_many_latent_frames_as_it_has_poses():
    assert targets(POSES, 5)[2:] == [POSES.at(1)] * 3
    assert targets(POSES, 2) == targets(POSES, 3)[:2]


def test_a_share_of_it_is_on_the_straight_way_to_the_pose():
    (a, _, _), (d, _, _) = POSES.partway(1, 0.5).matrix
    assert np.allclose((a, d), (2 * np.cos(np.pi / 4), 2 * np.sin(np.pi / 4)))
    assert np.allclose(POSES.partway(1, 0.5).apply(CENTER), (14, 23))


def test_its_displacement_counts_shift_growth_and_turn():
    mask = np.zeros((40, 40), bool)
    mask[20, 10:16] = True  # up to 5 px from the centre
    assert POSES.displacement(1, mask) == (10 + 3 * 5, 90)


def test_documents_and_source_give_it_back_exactly():
    motion = ds.Poses((1 / 3, 2), [(0.1, -7), (1e-3, 2, 1 / 7), (0, 0, 0, 1.1)])
    drag = ds.Drag(regions.disc((20, 16), 5), motion, ds.Memory(3, regions.disc((9, 9), 5)))
    document = json.loads(json.dumps(to_json([drag])))
    assert document["drags"][0]["motion"]["type"] == "poses"
    assert from_json(document) == ([drag], None)
    assert eval(render(drag_expression(drag)), {"ds": ds}) == drag  # noqa: S307
    shown = to_json([drag], frame=(32, 48))
    assert len(shown["drags"][0]["motion"]["shown"]["maps"]) == 25
    assert from_json(shown) == ([drag], None)


def test_the_sketch_shows_the_way_and_the_turn():
    sketch = POSES.sketch(np.ones((40, 40), bool), 3)
    assert sketch.lines[-1].points[0] == CENTER
    assert np.allclose(sketch.lines[-1].points[-1], (18, 26))
    assert sketch.tip == "arrow"
    resting = ds.Poses(CENTER, [(0, 0)]).sketch(np.ones((40, 40), bool), 3)
    assert resting.tip is None
    assert len(resting.lines) == 1


@pytest.mark.parametrize(
    ("poses", "message"),
    [
        ([], "poses must hold at least one"),
        ([(1,)], r"poses\[0\] must be \(dx, dy, degrees, factor\)"),
        ([(0, 0), (1, 2, 3, 4, 5)], r"poses\[1\]"),
        ([(float("nan"), 0)], r"the dx of poses\[0\] must be finite"),
        ([(0, 0, 0, 0)], r"the factor of poses\[0\] must be above 0"),
        ([(0, 0, 2e6)], r"the degrees of poses\[0\]"),
    ],
)
def test_what_is_no_pose_is_refused(poses, message):
    with pytest.raises(ValueError, match=message):
        ds.Poses(CENTER, poses)
