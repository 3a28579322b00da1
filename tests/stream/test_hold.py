"""The way of a pointer between two blocks, divided among the latent frames."""

import math

import pytest

from dragstream.stream.hold import HoldPose, divided


def test_a_way_is_divided_into_equal_parts():
    way = [HoldPose(0, 0), HoldPose(6, 0), HoldPose(6, 3)]
    assert divided(way, 3, 10) == [(3, 0, 0, 1), (6, 0, 0, 1), (6, 3, 0, 1)]


def test_a_pointer_that_rests_asks_for_the_same_place():
    assert divided([HoldPose(4, 5, 30, 2)], 3, 10) == [HoldPose(4, 5, 30, 2)] * 3
    assert divided([HoldPose(4, 5)] * 4, 2, 10) == [HoldPose(4, 5)] * 2


def test_turns_count_by_the_way_of_the_rim_and_sizes_change_by_equal_ratios():
    first, last = divided([HoldPose(0, 0), HoldPose(0, 0, 90, 4)], 2, 10)
    assert first == pytest.approx((0, 0, 45, 2))
    assert last == (0, 0, 90, 4)
    turn = math.degrees(0.5)  # half a radian at 10 px is 5 px
    middle, _ = divided([HoldPose(0, 0), HoldPose(5, 0), HoldPose(5, 0, turn)], 2, 10)
    assert middle == pytest.approx((5, 0, 0, 1))


def test_the_last_value_is_exact():
    way = [HoldPose(0.1, 0.2, 0.3, 1.1), HoldPose(1 / 3, 2 / 3, 1 / 7, 1.7)]
    assert divided(way, 7, 9)[-1] == way[-1]
