"""Objects found by their features: on a frame with two of them, and what is none."""

import numpy as np
import pytest

from dragstream.widgets.objects import inner_point, is_object, objects

ROWS, COLUMNS = 8, 12


@pytest.fixture
def scene():
    """A floor, a sky, a red box and a bright one, in tokens of 16 pixels; features by place."""
    frame = np.zeros((16 * ROWS, 16 * COLUMNS, 3), np.uint8)
    frame[:64] = (120, 150, 230)
    frame[64:] = (90, 140, 90)
    kinds = np.zeros((ROWS, COLUMNS), int)
    kinds[4:] = 1
    for kind, (top, bottom, left, right), colour in (
        (2, (2, 5, 7, 10), (220, 40, 40)),
        (3, (4, 6, 2, 4), (240, 230, 60)),
    ):
        kinds[top:bottom, left:right] = kind
        frame[16 * top : 16 * bottom, 16 * left : 16 * right] = colour
    return {5: np.eye(4)[kinds]}, frame


def test_objects_are_found_from_left_to_right_without_the_background(scene):
    features, frame = scene
    found = objects(features, frame)
    wanted = np.zeros((2, *frame.shape[:2]), bool)
    wanted[0, 64:96, 32:64] = True
    wanted[1, 32:80, 112:160] = True
    assert all(
        (region & right).sum() > 0.95 * (region | right).sum()
        for region, right in zip(found, wanted, strict=True)
    )


def test_background_is_no_object(scene):
    _, frame = scene
    region = np.zeros(frame.shape[:2], bool)
    region[64:96, 32:64] = True
    assert is_object(region, frame)
    patch = np.zeros_like(region)
    patch[100:120, 80:110] = True  # of the floor: no border
    assert not is_object(patch, frame)
    assert not is_object(np.ones_like(region), frame)
    assert not is_object(np.zeros_like(region), frame)


def test_the_inner_point_of_a_ring_lies_in_it():
    rows, columns = np.mgrid[:64, :64]
    away = np.hypot(rows - 30, columns - 30)
    ring = (away > 10) & (away < 20)
    x, y = inner_point(ring)
    assert ring[int(y), int(x)]
    assert abs(np.hypot(x - 30, y - 30) - 15) <= 1
