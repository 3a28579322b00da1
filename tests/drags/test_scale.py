"""A scale, from its geometry to its source."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.documents import from_json, to_json
from dragstream.drags.expressions import drag_expression, render
from dragstream.drags.motions import Drag, Scale, targets

MASK = regions.rasterise(regions.box(10, 10, 20, 16), 40, 60)


def test_it_grows_about_its_centre_by_equal_ratios_in_equal_times():
    motion = Scale((20, 10), 4)
    np.testing.assert_allclose(motion.at(1).apply((22, 13)), (28, 22))
    np.testing.assert_allclose(motion.at(0.5).apply((22, 13)), (24, 16))
    np.testing.assert_allclose(motion.at(0).apply((22, 13)), (22, 13))
    np.testing.assert_allclose(motion.partway(1, 0.5).matrix, motion.at(0.5).matrix)
    assert [target.matrix[0][0] for target in targets(motion, 2)] == pytest.approx([2, 4])


def test_a_sequence_is_passed_through_and_pins_are_kept():
    motion = Scale((0, 0), [2, 0.5])
    assert motion.stops == (1, 2, 0.5)
    assert [motion.size(f) for f in (0, 0.5, 0.75, 1)] == pytest.approx([1, 2, 1, 0.5])
    pinned = Scale((0, 0), [2, 0.5], frames=[0, 1, 5])
    assert pinned.duration == 5
    assert pinned.size(0.2) == pytest.approx(2)


def test_segments_count_how_far_its_edge_moves():
    # the pixel (19, 15) lies hypot(9, 5) from the centre
    assert Scale((10, 10), 3).displacement(1, MASK) == pytest.approx((2 * np.hypot(9, 5), 0))
    assert Scale((10, 10), 0.5).displacement(1, MASK) == pytest.approx((np.hypot(9, 5) / 2, 0))
    # and hypot(9, 11) from one above the region
    assert Scale((10, 4), 3).displacement(1, MASK) == pytest.approx((2 * np.hypot(9, 11), 0))


def test_its_anchor_is_where_growth_shows():
    assert Scale((10, 10), 2).anchor(MASK) == (19, 15)
    sketch = Scale((10, 10), 2).sketch(MASK, 3)
    assert sketch.lines[-1].points[0] == (19, 15)
    assert sketch.lines[-1].points[-1] == pytest.approx((28, 20))
    assert sketch.tip == "arrow"


@pytest.mark.parametrize(
    ("motion", "source"),
    [
        (Scale((20, 10), 1.5), "ds.Scale(center=(20, 10), factor=1.5)"),
        (
            Scale((20, 10), [2, 1], "ease_in", frames=[0, 1, 3]),
            'ds.Scale(center=(20, 10), factor=[1, 2, 1], ease="ease_in", frames=[0, 1, 3])',
        ),
    ],
)
def test_it_is_written_as_json_and_as_source(motion, source):
    drag = Drag(regions.box(10, 10, 20, 16), motion)
    assert from_json(json.loads(json.dumps(to_json([drag]))))[0] == [drag]
    assert source in render(drag_expression(drag))


@pytest.mark.parametrize(
    ("factor", "error", "text"),
    [
        (1, ValueError, "must change the size"),
        ([1, 1], ValueError, "must change the size"),
        (0, ValueError, "factor must be above 0"),
        (-2, ValueError, "factor must be above 0"),
        (101, ValueError, r"factor must lie in \[1/100, 100\], got 101"),
        ([2, 0.001], ValueError, r"factor\[1\] must lie in"),
        ([], ValueError, "factor is empty"),
        ("2", TypeError, "factor must be a number"),
    ],
)
def test_what_is_no_scale_is_refused(factor, error, text):
    with pytest.raises(error, match=text):
        Scale((0, 0), factor)
