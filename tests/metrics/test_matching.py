"""Jumps, such as edits make, are followed at any distance, or there is no figure."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, Rotation, Translation
from dragstream.metrics.matching import DescriptorMatching
from dragstream.metrics.objmc import objmc
from dragstream.metrics.trackers import DenseFlow, LucasKanade, Tracker

HEIGHT, WIDTH = 288, 416
BOX = (slice(170, 260), slice(150, 260))


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    """Details of several sizes, as pictures have them."""
    rng = np.random.default_rng(5)
    layers = [
        ndimage.gaussian_filter(rng.normal(size=(HEIGHT, WIDTH, 3)), (size, size, 0)) * size
        for size in (1.2, 3, 9)
    ]
    return np.clip(128 + 60 * sum(layers), 0, 255).astype(np.uint8)


def region() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[BOX] = True
    return mask


def moved(frame: np.ndarray, across: int, up: int) -> np.ndarray:
    """The box cut out, its place filled with one colour, and pasted elsewhere."""
    edited = frame.copy()
    edited[BOX] = frame.mean((0, 1)).astype(np.uint8)
    rows, columns = np.nonzero(region())
    edited[rows - up, columns + across] = frame[rows, columns]
    return edited


def measured(frame, edited, motion, tracker: Tracker | None = None):
    drag = Drag(region(), motion)
    frames = np.stack([frame, edited])
    return objmc(frames, drag, commands=[motion.at(1.0)], tracker=tracker, warn_below=0)


@pytest.mark.parametrize(("across", "up"), [(0, 10), (8, 40), (0, 80), (-60, 120), (140, 160)])
def test_a_perfect_edit_is_perfect_at_every_distance(frame, across: int, up: int) -> None:
    result = measured(frame, moved(frame, across, up), Translation.by(across, -up))
    assert result.tracker == "sift"
    assert result.mean < 0.5
    assert result.coverage > 0.5


@pytest.mark.parametrize("tracker", [LucasKanade(), DenseFlow()])
@pytest.mark.parametrize("up", [10, 60, 160])
def test_flow_is_right_or_silent(frame, tracker: Tracker, up: int) -> None:
    result = measured(frame, moved(frame, 0, up), Translation.by(0, -up), tracker)
    assert np.isnan(result.mean) or result.mean < 1


def test_the_command_is_not_known_to_the_measure(frame) -> None:
    """The object went 100 px up, whatever it was told."""
    edited = moved(frame, 0, 100)
    for across, up, gap in ((0, 0.5, 99.5), (30, 60, 50), (0, 103, 3)):
        result = measured(frame, edited, Translation.by(across, -up))
        assert result.mean == pytest.approx(gap, abs=0.5)


def test_an_object_that_stayed_scores_the_whole_way(frame) -> None:
    noisy = np.clip(frame + np.random.default_rng(0).normal(size=frame.shape) * 4, 0, 255)
    result = measured(frame, noisy.astype(np.uint8), Translation.by(0, -120))
    assert result.mean == pytest.approx(120, abs=0.5)


def test_an_object_that_is_gone_gives_no_figure(frame) -> None:
    gone = frame.copy()
    gone[BOX] = frame.mean((0, 1)).astype(np.uint8)
    result = measured(frame, gone, Translation.by(0, -100))
    assert np.isnan(result.mean)


def test_a_turn_in_one_step_is_followed(frame) -> None:
    center = (205.0, 215.0)
    turn = Affine.rotation(center, 75).then(Affine.translation(60, -110))
    grid = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1)
    source = turn.inverse().apply(grid)
    where = [source[..., 1], source[..., 0]]
    edited = np.stack(
        [
            ndimage.map_coordinates(frame[..., c].astype(float), where, order=1, mode="reflect")
            for c in range(3)
        ],
        axis=-1,
    ).astype(np.uint8)
    drag = Drag(region(), Rotation(center, 75))
    result = objmc(np.stack([frame, edited]), drag, commands=[turn], warn_below=0)
    assert result.point_by_point < 1
    assert result.coverage > 0.5


def test_points_that_left_the_frame_are_lost(frame) -> None:
    points = np.array([(180.0, 20.0), (190.0, 25.0), (200.0, 200.0), (220.0, 150.0)])
    shifted = np.roll(frame, -60, axis=0)
    tracks, consistent = DescriptorMatching().track(np.stack([frame, shifted]), points)
    assert consistent[1].tolist() == [False, False, True, True]
    np.testing.assert_allclose(tracks[1, 2:], points[2:] - (0, 60), atol=0.5)
