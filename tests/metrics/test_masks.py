"""Overlap and pieces of masks against plain counting."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dragstream.metrics.masks import mask_iou, pieces_outside


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((30, 40), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_overlap_is_counted_in_pixels() -> None:
    # 10 x 10 moved by (3, 2): 7 x 8 in common
    assert mask_iou(box(5, 5, 15, 15), box(8, 7, 18, 17)) == 56 / (200 - 56)
    assert mask_iou(box(5, 5, 15, 15), box(5, 5, 15, 15)) == 1.0
    assert mask_iou(box(0, 0, 0, 0), box(5, 5, 15, 15)) == 0.0
    assert math.isnan(mask_iou(box(5, 5, 15, 15), box(0, 0, 0, 0)))
    rng = np.random.default_rng(0)
    first, second = (rng.random((30, 40)) > 0.6 for _ in range(2))
    pixels = [(bool(a), bool(b)) for a, b in zip(first.flat, second.flat, strict=True)]
    both, either = (sum(test(pair) for pair in pixels) for test in (all, any))
    assert mask_iou(first, second) == both / either


def flooded(mask: np.ndarray) -> list[set[tuple[int, int]]]:
    """Connected parts of a mask, by filling from pixel to pixel."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    parts = []
    while left:
        part, edge = set(), [left.pop()]
        while edge:
            y, x = edge.pop()
            part.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge += near
        parts.append(part)
    return parts


def test_pieces_are_those_that_a_flood_finds() -> None:
    rng = np.random.default_rng(4)
    mask = rng.random((30, 40)) > 0.75
    target = box(10, 8, 20, 18)
    inside = {(int(y), int(x)) for y, x in np.argwhere(target)}
    areas = sorted((len(part) for part in flooded(mask) if not part & inside), reverse=True)
    assert pieces_outside(mask, target) == tuple(areas)
    assert pieces_outside(mask, target, 4) == tuple(area for area in areas if area >= 4)
    assert len(areas) > 10


def test_what_touches_the_target_is_no_piece() -> None:
    target = box(10, 10, 20, 20)
    found = box(19, 19, 25, 25) | box(30, 2, 34, 6) | box(2, 25, 4, 27)
    assert pieces_outside(found, target) == (16, 4)
    assert pieces_outside(found, target, 5) == (16,)
    assert pieces_outside(box(0, 0, 0, 0), target) == ()


def test_other_arrays_are_refused() -> None:
    with pytest.raises(TypeError, match="a mask must be a boolean array, got uint8"):
        mask_iou(box(0, 0, 1, 1).astype(np.uint8), box(0, 0, 1, 1))
    with pytest.raises(ValueError, match=r"equal in shape \(H, W\)"):
        pieces_outside(box(0, 0, 1, 1), np.zeros((30, 41), bool))
