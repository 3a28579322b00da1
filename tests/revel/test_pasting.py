"""What a drag aims at, by scissors and paste."""

from __future__ import annotations

import numpy as np

from dragstream.drags.geometry import Affine
from dragstream.revel.measuring import cut_and_paste


def test_a_part_goes_to_its_target_and_leaves_what_is_around_it() -> None:
    frame = np.full((40, 60, 3), (200, 180, 40), np.uint8)
    part = np.zeros((40, 60), bool)
    part[10:20, 8:18] = True
    frame[part] = (30, 60, 220)
    frame[10:20, 8:11] = (250, 0, 0)  # its left edge, to tell its sides apart
    moved = cut_and_paste(frame, part, Affine.translation(25, 7))
    wanted = np.full_like(frame, (200, 180, 40))
    wanted[17:27, 33:43] = frame[10:20, 8:18]
    assert np.array_equal(moved, wanted)
    turned = cut_and_paste(frame, part, Affine.rotation((12.5, 14.5), 90))
    assert (turned[10:13, 8:18] == (250, 0, 0)).all()  # clockwise: left goes up
    assert (turned[14:20, 8:18] == (30, 60, 220)).all()


def test_half_a_pixel_is_half_a_colour() -> None:
    frame = np.zeros((20, 20, 3), np.uint8)
    part = np.zeros((20, 20), bool)
    part[8:12, 8:12] = True
    frame[part] = 200
    moved = cut_and_paste(frame, part, Affine.translation(0.5, 0))
    assert moved[10, 7:14, 0].tolist() == [0, 100, 200, 200, 200, 100, 0]


def test_a_part_that_fills_the_frame_has_nothing_to_leave() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    assert np.array_equal(
        cut_and_paste(frame, np.ones((12, 16), bool), Affine.translation(0, 0)), frame
    )
