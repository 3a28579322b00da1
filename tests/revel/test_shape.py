"""Shape fidelity: rendered objects under deformations that are known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from dragstream.models.playground import world
from dragstream.revel.shape import fidelity

Film = Callable[..., np.ndarray]
GROUND = np.array([214, 207, 196], np.uint8)
RED = np.array([200, 45, 47], np.uint8)


def painted(inside: np.ndarray) -> np.ndarray:
    """A frame with a red shape on pale ground."""
    return np.where(inside[..., None], RED, GROUND).astype(np.uint8)


def grid(center: tuple[float, float] = (120.0, 80.0)) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[: world.HEIGHT, : world.WIDTH].astype(np.float64)
    return x - center[0], y - center[1]


@pytest.mark.parametrize("kind", world.KINDS)
@pytest.mark.parametrize(
    "pose",
    [
        {},
        {"angle": [31.0], "aspect": [0.35]},
        {"angle": [-77.0], "aspect": [-0.3], "radius": [41.0]},
        {"yaw": [60.0], "radius": [38.0], "x": [100.0]},
    ],
)
def test_what_the_world_does_to_its_objects_is_no_damage(film: Film, kind: str, pose: dict) -> None:
    tracks = {"radius": [34.0], **pose}
    found = fidelity(film(kind, "blue", **tracks)[0], "blue", kind)
    assert found is not None
    assert found.iou > 0.97
    if kind == "critter":
        assert found.corners is None
    else:
        assert found.corners is not None
        assert found.corners < 1.5


def test_a_sheared_box_is_still_a_box(film: Film) -> None:
    frame = film("box", "red", radius=[34.0])[0]
    rows = np.arange(world.HEIGHT)[:, None]
    columns = np.arange(world.WIDTH)[None] + np.round(0.3 * (rows - 84)).astype(int)
    sheared = frame[rows, columns.clip(0, world.WIDTH - 1)]
    found = fidelity(sheared, "red", "box")
    assert found is not None
    assert found.iou > 0.96
    assert found.corners is not None
    assert found.corners < 1.5


def test_a_ball_is_no_star_and_the_best_ellipse_of_a_star_is_poor(film: Film) -> None:
    x, y = grid()
    ball = fidelity(painted(x**2 + y**2 < 30**2), "red", "star")
    star = fidelity(film("star", "red", radius=[36.0])[0], "red", "critter")
    assert ball is not None
    assert star is not None
    assert ball.iou < 0.75
    assert ball.corners is not None
    assert ball.corners > 6
    assert star.iou < 0.75


def test_a_bite_lowers_the_overlap_by_its_share(film: Film) -> None:
    frame = film("critter", "red", radius=[36.0], x=[120.0], y=[84.0], yaw=[-60.0])[0]
    x, y = grid((120 + 36, 84))
    bitten = frame.copy()
    bitten[x**2 + y**2 < 14**2] = GROUND
    found = fidelity(bitten, "red", "critter")
    assert found is not None
    # The bite is 7 % of the disc; a fit may make up for some of it.
    assert 0.91 < found.iou < 0.965


def test_a_corner_that_is_cut_off_counts_by_its_depth(film: Film) -> None:
    frame = film("box", "red", radius=[36.0], x=[120.0], y=[84.0])[0]
    x, y = grid((120, 84))
    tip = 36 * (0.62 + 0.22 * math.sqrt(0.5)) * math.sqrt(2)  # of a corner, along its diagonal
    depth = 12.0
    cut = frame.copy()
    cut[(x + y) / math.sqrt(2) > tip - depth] = GROUND
    whole, found = fidelity(frame, "red", "box"), fidelity(cut, "red", "box")
    assert whole is not None
    assert whole.corners is not None
    assert found is not None
    assert found.corners is not None
    # One of four corners is 12 px short; the fit moves the others by a little.
    assert found.corners - whole.corners == pytest.approx(depth / 4, abs=1.2)


def test_a_missing_tip_is_seen(film: Film) -> None:
    frame = film("star", "red", radius=[38.0], x=[120.0], y=[84.0])[0]
    _, y = grid((120, 84))
    cut = frame.copy()
    cut[y < -0.56 * 38] = GROUND
    found = fidelity(cut, "red", "star")
    assert found is not None
    assert found.iou < 0.96
    assert found.corners is not None
    assert found.corners > 3


def test_what_hides_an_object_does_not_harm_its_shape(film: Film) -> None:
    frame = film("star", "red", radius=[38.0], x=[120.0], y=[84.0])[0]
    blue = film("critter", "blue", radius=[20.0], x=[146.0], y=[100.0])[0]
    over = film("critter", "blue", radius=[20.0], x=[146.0], y=[100.0])[0]
    both = np.where((blue[..., 2] > blue[..., 0] + 40.0)[..., None], over, frame)
    harmed = fidelity(both, "red", "star")
    excused = fidelity(both, "red", "star", (("blue", "critter"),))
    assert harmed is not None
    assert excused is not None
    assert excused.iou > 0.97
    assert excused.iou > harmed.iou + 0.02


def test_the_edge_of_the_frame_does_not_harm_it_either(film: Film) -> None:
    found = fidelity(film("box", "red", radius=[36.0], x=[22.0])[0], "red", "box")
    assert found is not None
    assert found.iou > 0.97
    # Half a box in sight may be half of anything.
    assert fidelity(film("box", "red", radius=[36.0], x=[-4.0])[0], "red", "box") is None


def test_nothing_of_that_colour_gives_none(film: Film) -> None:
    frame = film("box", "red", radius=[36.0])[0]
    assert fidelity(frame, "blue", "box") is None


def test_unknown_words_are_refused(film: Film) -> None:
    frame = film("box", "red")[0]
    with pytest.raises(ValueError, match="not 'cube'"):
        fidelity(frame, "red", "cube")
    with pytest.raises(ValueError, match="not 'pink'"):
        fidelity(frame, "pink", "box")
