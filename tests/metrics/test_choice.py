"""Which tracker follows a command where none is named."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, Translation
from dragstream.metrics.objmc import objmc, span


def test_the_span_is_that_of_the_handle_and_its_targets_in_the_frame() -> None:
    mask = regions.rasterise(regions.box(100, 40, 140, 60), 200, 600)
    assert span(mask, []) == pytest.approx(40)
    moved = [Affine.translation(30, 10), Affine.translation(60, 120)]
    assert span(mask, moved) == pytest.approx(120 + 20)  # down: 40 to 180
    assert span(mask, [Affine.translation(60, 0)]) == pytest.approx(60 + 40)
    # out of sight, to the right: from 100 to the border at 600
    assert span(mask, [Affine.translation(9000, 0)]) == pytest.approx(500)


@pytest.mark.parametrize(("way", "tracker"), [(300, "lucas-kanade"), (400, "dis-flow")])
def test_the_command_alone_decides(way: float, tracker: str) -> None:
    noise = np.random.default_rng(0).normal(size=(96, 640, 3))
    frame = np.clip(128 + ndimage.gaussian_filter(noise, (2, 2, 0)) * 300, 0, 255).astype(np.uint8)
    drag = Drag(regions.box(40, 20, 100, 70), Translation.by(way, 0))
    result = objmc(np.stack([frame, frame, frame]), drag)
    assert result.tracker == tracker
    assert result.distances[-1] == pytest.approx(way, abs=0.5)  # it did not move


def test_two_frames_are_matched_by_descriptors_whatever_the_command() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (96, 640, 3)).astype(np.uint8)
    for way in (3, 400):
        drag = Drag(regions.box(40, 20, 100, 70), Translation.by(way, 0))
        assert objmc(np.stack([frame, frame]), drag).tracker == "sift"
