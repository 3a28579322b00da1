"""`find`: a held object in a new frame, by its looks, on frames that are painted by hand."""

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.stream.finding import find
from dragstream.stream.hold import Grip, HoldPose

SIZE = (96, 128)
REGION = regions.Polygon([(30, 30), (56, 34), (40, 60)])
"""A triangle, so that turns show."""


class Painted:
    """A block with one frame."""

    def __init__(self, frame, index=0):
        self.frames, self.index = frame[None], index


def scene(place=None):
    """Stripes, and a red triangle with a blue corner that was moved by a map."""
    frame = np.zeros((*SIZE, 3), np.uint8)
    frame[:] = np.where(np.arange(SIZE[1])[:, None] % 16 < 8, 200, 150)
    if place is not None:
        frame[regions.moved(REGION, place).paint(*SIZE)] = (220, 40, 30)
        frame[regions.moved(regions.disc((38, 38), 5), place).paint(*SIZE)] = (30, 40, 220)
    return frame


@pytest.fixture(scope="module")
def grip():
    mask = REGION.paint(*SIZE)
    return Grip(Painted(scene(Affine.identity())), REGION, mask, HoldPose(42.0, 42.0))


def test_it_is_found_where_it_went_instead_of_where_it_was_asked_to_be(grip):
    found = find(grip, scene(Affine.translation(9, -6)), HoldPose(45, 40))
    assert found == pytest.approx((51, 36, 0, 1), abs=1)


def test_it_is_found_turned_and_grown_as_it_was_asked_to_be(grip):
    place = grip.to(HoldPose(60, 45, 70, 1.3))
    found = find(grip, scene(place), HoldPose(54, 50, 70, 1.3))
    assert found == pytest.approx((60, 45, 70, 1.3), abs=1)


@pytest.mark.parametrize("frame", [scene(), scene(Affine.translation(60, 0))])
def test_what_is_hidden_or_far_away_is_expected_where_it_was_asked_to_be(grip, frame):
    assert find(grip, frame, HoldPose(45, 40)) == (45, 40, 0, 1)


def test_what_is_out_of_the_frame_is_expected_there(grip):
    assert find(grip, scene(), HoldPose(300, 40)) == (300, 40, 0, 1)


def test_it_is_found_at_the_edge_of_the_frame(grip):
    place = Affine.translation(-30, 4)
    found = find(grip, scene(place), HoldPose(16, 42))
    assert found == pytest.approx((12, 46, 0, 1), abs=1)


def test_large_frames_are_searched_coarsely(grip):
    large = [
        frame.repeat(6, axis=0).repeat(6, axis=1)
        for frame in (grip.block.frames[0], scene(Affine.translation(9, -6)))
    ]
    mask = grip.mask.repeat(6, axis=0).repeat(6, axis=1)
    bigger = Grip(Painted(large[0]), regions.mask(mask), mask, HoldPose(252.0, 252.0))
    found = find(bigger, large[1], HoldPose(270, 240))
    assert found == pytest.approx((306, 216, 0, 1), abs=3)
