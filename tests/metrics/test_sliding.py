"""Points that slide off a turning object onto the still background do not count."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, Rotation, Translation
from dragstream.metrics.objmc import objmc
from dragstream.metrics.sliding import without_sliding
from dragstream.metrics.trackers import LucasKanade

HEIGHT, WIDTH = 200, 240
CENTER, PIVOT = (120.0, 100.0), (120.0, 160.0)
RADII = (16.0, 60.0)


def texture(seed: int, size: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH, 3))
    return np.clip(128 + 120 * size * ndimage.gaussian_filter(noise, (size, size, 0)), 0, 255)


def ellipse(points: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """How far inside of the object points (..., 2) lie, pixels."""
    away = (points - np.array(CENTER)) / (np.array(RADII) + margin)
    return (1 - np.linalg.norm(away, axis=-1)) * RADII[0]


GRID = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1).astype(float)
HANDLE = ellipse(GRID, margin=6.0) > 0
"""Brushed a little beyond the outline, as hands do."""


def film(poses: list[Affine], pan: float = 0.0) -> np.ndarray:
    """A thin soft object over a detailed ground that pans by `pan` px a frame."""
    ground, thing = texture(0, 2.0), texture(1, 4.0)
    frames = []
    for index, pose in enumerate(poses):
        source = pose.inverse().apply(GRID)
        where = [source[..., 1], source[..., 0]]
        shown = [ndimage.map_coordinates(thing[..., c], where, order=1) for c in range(3)]
        cover = np.clip(ellipse(source) + 0.5, 0, 1)[..., None]
        behind = ndimage.shift(ground, (0, pan * index, 0), order=1, mode="grid-wrap")
        frames.append((behind * (1 - cover) + np.stack(shown, -1) * cover).round())
    return np.stack(frames).astype(np.uint8)


def turns(degrees: float, count: int = 16) -> list[Affine]:
    return [Affine.rotation(PIVOT, degrees * i / count) for i in range(count + 1)]


def naive(frames: np.ndarray, drag: Drag, poses: list[Affine]) -> float:
    """Mean error of all points that return, pixels."""
    from dragstream.metrics.sliding import scatter

    points = scatter(drag.mask(HEIGHT, WIDTH))
    tracks, good = LucasKanade().track(frames, points)
    return float(np.linalg.norm(tracks[-1] - poses[-1].apply(points), axis=1)[good[-1]].mean())


@pytest.mark.parametrize("pan", [0.0, 1.0])
def test_a_turned_object_is_measured_by_the_points_that_turn_with_it(pan: float) -> None:
    poses = turns(-58)
    frames, drag = film(poses, pan), Drag(HANDLE, Rotation(PIVOT, degrees=-58))
    result = objmc(frames, drag, at=(4, 8, 12, 16), warn_below=0)
    assert naive(frames, drag, poses) > 15
    assert result.distances[-1] < 8
    assert result.mean < 5
    assert 0.15 < result.coverage < 0.8


def test_an_object_that_stays_is_not_taken_for_background() -> None:
    still = [Affine.identity()] * 9
    frames = film(still)
    drag = Drag(HANDLE, Translation.by(30, 0))
    result = objmc(frames, drag)
    assert result.coverage > 0.9
    assert result.mean == pytest.approx(result.still, abs=0.1)


def tracks_of(count: int, steps: int) -> np.ndarray:
    points = np.random.default_rng(0).uniform((105, 60), (135, 140), (count, 2))
    return np.repeat(points[None], steps, axis=0)


def test_points_with_ways_of_their_own_stay_and_those_that_stop_go() -> None:
    """Forty points move 2 px a frame; one stops half way, one never moves, one lags at half."""
    frames, tracks = film([Affine.identity()] * 9), tracks_of(43, 9)
    time = np.arange(9.0)
    tracks[:, :40, 0] += 2 * time[:, None]
    tracks[:, 40, 0] += 2 * np.minimum(time, 4)
    tracks[:, 42, 0] += time
    kept = without_sliding(frames, HANDLE, tracks, np.ones((9, 43), bool))
    assert kept[:, :40].all()
    assert kept[:, 42].all()
    assert kept[:5, 40].all()
    assert not kept[8:, 40].any()
    assert kept[0, 41]
    assert not kept[3:, 41].any()


def test_a_region_without_surroundings_keeps_its_points() -> None:
    frames, tracks = film([Affine.identity()] * 9), tracks_of(43, 9)
    tracks[:, :40, 0] += 2 * np.arange(9.0)[:, None]
    whole = np.ones((HEIGHT, WIDTH), bool)
    assert without_sliding(frames, whole, tracks, np.ones((9, 43), bool)).all()
