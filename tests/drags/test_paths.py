from __future__ import annotations

import importlib.util
import json
import math
from dataclasses import replace
from pathlib import Path as FilePath

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dragstream.drags.paths import EASINGS, Path, as_path

HERE = FilePath(__file__).parent

coordinates = st.floats(-300, 300, allow_nan=False)
waypoints = st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=8)
eases = st.sampled_from(sorted(EASINGS))


def leads_somewhere(points):
    return max(math.dist(points[0], point) for point in points) > 1


def test_a_straight_path_runs_at_even_speed():
    path = Path([(3, 4), (63, 84)])
    assert path.length == 100
    assert path.at(0.25) == pytest.approx((18, 24))
    assert path.displacement(0.25) == pytest.approx((15, 20))


def test_a_polyline_shares_its_time_by_length():
    path = Path.polyline([(0, 0), (30, 0), (30, 10)])
    assert path.length == 40
    assert path.at(0.75) == pytest.approx((30, 0))
    assert path.at(0.875) == pytest.approx((30, 5))


def test_three_waypoints_make_a_parabola():
    # (0, 0), (50, 100), (100, 0) are the Bezier points of y = 2 x (1 - x / 100)
    path = Path([(0, 0), (50, 100), (100, 0)])
    assert path.at(0.5) == pytest.approx((50, 50))
    for fraction in np.linspace(0, 1, 9):
        x, y = path.at(fraction)
        assert y == pytest.approx(2 * x * (1 - x / 100), abs=0.02)
    # its length in closed form: the integral of sqrt(1 + (2 - x / 25)^2) over [0, 100]
    exact = 25 * (2 * math.sqrt(5) + math.asinh(2))
    assert path.length == pytest.approx(exact, rel=1e-4)


def test_four_waypoints_make_a_cubic_with_them_as_control_points():
    path = Path([(0, 0), (0, 80), (80, 80), (80, 0)])
    # a symmetric Bezier at u = 1/2: (P0 + 3 P1 + 3 P2 + P3) / 8
    assert path.at(0.5) == pytest.approx((40, 60))


def test_a_released_path_is_reproduced_to_the_pixel():
    # control points and their seven equally spaced points, as stored in a released label
    path = Path.spline([(625, 262), (662, 360), (724, 349)])
    points = [path.at(frame / 6) for frame in range(7)]
    assert np.rint(points).astype(int).tolist() == [
        [625, 262], [634, 284], [646, 305], [660, 324], [678, 340], [700, 349], [724, 349],
    ]  # fmt: skip


@given(waypoints.filter(leads_somewhere), st.booleans(), eases)
def test_paths_begin_and_end_at_their_ends(points, smooth, ease):
    path = Path(points, smooth=smooth, ease=ease)
    assert path.at(0) == path.points[0]
    assert path.at(1) == path.points[-1]


@given(waypoints.filter(leads_somewhere), st.booleans())
def test_equal_times_cover_equal_lengths(points, smooth):
    path = Path(points, smooth=smooth)
    steps = np.array([path.at(fraction) for fraction in np.linspace(0, 1, 400)])
    chords = np.hypot(*np.diff(steps, axis=0).T)
    assert chords.max() <= path.length / 399 * (1 + 1e-6)
    assert chords.sum() <= path.length * (1 + 1e-9)


@given(waypoints.filter(leads_somewhere), st.booleans(), eases, st.data())
def test_a_pinned_path_is_at_each_waypoint_in_its_frame(points, smooth, ease, data):
    gaps = data.draw(
        st.lists(st.integers(1, 5), min_size=len(points) - 1, max_size=len(points) - 1)
    )
    frames = np.concatenate([[0], np.cumsum(gaps)])
    path = Path(points, smooth=smooth, ease=ease, frames=frames)
    for frame, waypoint in zip(frames, points, strict=True):
        assert path.at(min(1.0, frame / frames[-1])) == pytest.approx(waypoint, abs=1e-6)


def test_pins_time_the_stretches_between_them():
    path = Path.polyline([(0, 0), (8, 0), (8, 80)], frames=[0, 4, 5])
    assert path.at(0.2) == pytest.approx((2, 0))
    assert path.at(0.9) == pytest.approx((8, 40))
    eased = replace(path, ease="ease_in")
    assert eased.at(0.2) == pytest.approx((0.5, 0))
    assert eased.at(0.9) == pytest.approx((8, 20))


def test_a_pinned_polyline_can_wait():
    path = Path.polyline([(0, 0), (10, 0), (10, 0), (20, 0)], frames=[0, 2, 5, 6])
    assert [path.at(frame / 6)[0] for frame in range(7)] == pytest.approx(
        [0, 5, 10, 10, 10, 10, 20]
    )


@pytest.mark.parametrize(
    ("ease", "quarter", "three_quarters"),
    [
        ("linear", 0.25, 0.75),
        ("ease_in", 0.0625, 0.5625),
        ("ease_out", 0.4375, 0.9375),
        ("ease_in_out", 0.125, 0.875),
    ],
)
def test_easings(ease, quarter, three_quarters):
    path = Path([(0, 0), (100, 0)], ease=ease)
    assert path.at(0.25)[0] == pytest.approx(100 * quarter)
    assert path.at(0.75)[0] == pytest.approx(100 * three_quarters)


@given(eases, st.floats(0, 1), st.floats(0, 1))
def test_easings_never_turn_back(ease, one, other):
    early, late = sorted((one, other))
    assert 0 <= EASINGS[ease](early) <= EASINGS[ease](late) <= 1


def test_the_reach_is_the_farthest_point_from_the_start():
    assert Path.polyline([(10, 10), (50, 10), (10, 10)]).reach == (40, 0)
    assert Path([(5, 5), (5, -30)]).reach == (0, -35)


def test_paths_are_values():
    path = Path(np.array([[1, 2], [3.5, 4]]))
    assert path == Path([(1, 2), (3.5, 4)])
    assert hash(path) == hash(Path.spline([(1, 2), (3.5, 4)]))
    assert path != replace(path, smooth=False)
    assert as_path(path) is path
    assert as_path([(1, 2), (3.5, 4)]) == path


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"points": []}, ValueError, "at least 2"),
        ({"points": [(0, 0)]}, ValueError, "at least 2"),
        ({"points": [(5, 5), (5, 5)]}, ValueError, "length 0"),
        ({"points": [(0, 0), (1, math.nan)]}, ValueError, r"y of points\[1\] must be finite"),
        ({"points": [(0, 0), (1e9, 0)]}, ValueError, "1000000 pixels"),
        ({"points": [(0, 0), (10**400, 0)]}, ValueError, "finite"),
        ({"points": [(0, 0), (1, 2, 3)]}, ValueError, "3 values"),
        ({"points": "ab"}, TypeError, "sequence of points"),
        ({"points": 7}, TypeError, "sequence of points"),
        ({"points": [(0, 0), 4]}, TypeError, r"points\[1\] must be a pair"),
        ({"points": np.zeros((2, 2, 2))}, ValueError, "shape"),
        ({"ease": "bounce"}, ValueError, "linear, ease_in, ease_out, ease_in_out, got 'bounce'"),
        ({"ease": ["linear"]}, ValueError, "ease must be one of"),
        ({"smooth": 1}, TypeError, "smooth must be True or False"),
        ({"frames": (0,)}, ValueError, "each of 2 waypoints"),
        ({"frames": (1, 2)}, ValueError, "rise from 0"),
        ({"frames": (0, 0)}, ValueError, "rise from 0"),
        ({"frames": (0, math.inf)}, ValueError, "finite"),
        ({"frames": 3}, TypeError, "sequence of latent frames"),
    ],
)
def test_impossible_paths_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Path(**{"points": [(0, 0), (9, 9)], **arguments})


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan])
def test_times_outside_the_path_are_refused(fraction):
    with pytest.raises(ValueError, match="fraction"):
        Path([(0, 0), (9, 9)]).at(fraction)


@given(waypoints.filter(leads_somewhere), st.booleans())
def test_samples_lie_on_the_table_between_its_rows(points, smooth):
    # the front end interpolates rows itself, so a row's length must give back the row
    path = Path(points, smooth=smooth)
    table = path._table
    row = len(table.lengths) // 2
    assume(table.lengths[row] < table.lengths[row + 1] if row + 1 < len(table.lengths) else True)
    assert path.at(min(1.0, table.lengths[row] / path.length)) == pytest.approx(
        tuple(table.points[row]), abs=1e-6
    )


def test_the_shared_cases_still_hold():
    spec = importlib.util.spec_from_file_location("make_path_cases", HERE / "make_path_cases.py")
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    stored = json.loads(maker.FILE.read_text())
    fresh = json.loads(json.dumps(maker.cases()))
    assert [case["path"] for case in stored["paths"]] == [case["path"] for case in fresh["paths"]]
    for old, new in zip(stored["paths"], fresh["paths"], strict=True):
        assert new["length"] == pytest.approx(old["length"], abs=1e-9)
        np.testing.assert_allclose(new["reach"], old["reach"], atol=1e-9)
        np.testing.assert_allclose(new["at"], old["at"], atol=1e-9)
    for old, new in zip(stored["rotations"], fresh["rotations"], strict=True):
        assert new["motion"] == old["motion"]
        np.testing.assert_allclose(new["at"], old["at"], atol=1e-9)
