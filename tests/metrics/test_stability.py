from __future__ import annotations

import numpy as np
import pytest
import torch

from dragstream.drags.geometry import Affine
from dragstream.metrics.stability import Drift, leak, swept


def test_a_shift_and_a_stretch_are_told_apart() -> None:
    before = torch.randn(9, 4, 16, 24, generator=torch.Generator().manual_seed(0))
    shifted = Drift.between(before[-3:] * 1.0 + 0.5, before[-3:])
    assert shifted.mean_shift == pytest.approx(0.5, abs=1e-5)
    assert shifted.std_ratio == pytest.approx(1.0, abs=1e-5)
    assert shifted.distance == pytest.approx(0.5, abs=1e-5)
    wider = Drift.between(before[-3:] * 1.2, before[-3:])
    assert wider.std_ratio == pytest.approx(1.2, abs=1e-5)
    assert wider.distance == pytest.approx(0.2, abs=0.01)


def test_drift_needs_neighbours_that_vary() -> None:
    with pytest.raises(ValueError, match="constant"):
        Drift.between(torch.randn(3, 4, 8, 8), torch.zeros(3, 4, 8, 8))


def test_leak_counts_only_what_lies_outside() -> None:
    plain = np.full((2, 10, 10, 3), 100, np.uint8)
    dragged = plain.copy()
    dragged[:, :5] = 250  # wanted
    dragged[0, 5:] = 94  # leaked: 6 gray levels in one of two frames
    inside = np.zeros((10, 10), bool)
    inside[:5] = True
    assert leak(dragged, plain, inside) == pytest.approx(3.0)
    each = np.stack([np.ones((10, 10), bool), inside])
    assert leak(dragged, plain, each) == 0.0


def test_the_swept_region_joins_handle_and_targets() -> None:
    mask = np.zeros((20, 30), bool)
    mask[8:12, 4:8] = True
    area = swept(mask, [Affine.translation(6, 0), Affine.translation(12, 0)])
    assert area[10, [5, 11, 17]].all()
    assert not area[10, 24]
    assert not area[6].any()
    assert swept(mask, [], margin=2)[6, 5]
    assert swept(mask, [], margin=2).sum() > mask.sum()


@pytest.mark.parametrize(
    ("shape", "inside", "said"),
    [
        ((2, 10, 11, 3), (10, 10), "equal in shape"),
        ((2, 10, 10, 3), (9, 10), r"inside must have shape"),
    ],
)
def test_sizes_are_checked(shape: tuple[int, ...], inside: tuple[int, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        leak(np.zeros(shape, np.uint8), np.zeros((2, 10, 10, 3), np.uint8), np.zeros(inside, bool))


def test_something_must_lie_outside() -> None:
    frames = np.zeros((1, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="nothing lies outside"):
        leak(frames, frames, np.ones((4, 4), bool))
