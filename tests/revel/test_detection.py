"""How exact is the world's truth in frames, and is it more so than optical flow?"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Deformation, Drag, Rotation, Translation
from dragstream.metrics.trackers import LucasKanade, PoseTracker
from dragstream.models.playground import world
from dragstream.revel.cases import Kind, Subject
from dragstream.revel.detection import detect, face
from dragstream.revel.poses import truth_tracker

CLIPS = 24


def tracker(kind: Kind, color: str, shape: str) -> PoseTracker:
    motion = Deformation.by(1, 0) if kind is Kind.DEFORMATION else Translation.by(1, 0)
    drag = Drag(np.ones((8, 8), bool), motion)
    return truth_tracker(Subject(shape, color), kind, drag)


@pytest.fixture(scope="module")
def clips() -> world.Scenes:
    """Clips of four frames, one object each, that jerk about as the world's do."""
    return world.sample_scenes(torch.Generator().manual_seed(6), CLIPS, 4, objects=1)


@pytest.fixture(scope="module")
def movies(clips: world.Scenes) -> np.ndarray:
    return world.render(clips)


def identity(clips: world.Scenes, clip: int) -> tuple[str, str]:
    return list(world.COLORS)[int(clips.color[clip, 0])], world.KINDS[int(clips.kind[clip, 0])]


def test_silhouettes_agree_with_the_renderers(clips, movies) -> None:
    masks = world.masks(clips)[:, :, 0]
    overlaps = []
    for clip in range(CLIPS):
        seen = detect(movies[clip, 0], *identity(clips, clip))
        assert seen is not None
        assert len(seen.parts) == 1
        union = (seen.mask | masks[clip, 0]).sum()
        overlaps.append((seen.mask & masks[clip, 0]).sum() / union)
    assert np.mean(overlaps) > 0.96
    assert min(overlaps) > 0.88


def test_the_truth_is_closer_than_optical_flow_on_translations(clips, movies, surface) -> None:
    """The validation behind the table's default tracker."""
    errors: dict[str, list[float]] = {"truth": [], "flow": []}
    for clip in range(CLIPS):
        rows, columns = np.nonzero(detect(movies[clip, 0], *identity(clips, clip)).mask)
        points = np.stack([columns, rows], axis=1)[::5].astype(float)
        trackers = {
            "truth": tracker(Kind.TRANSLATION, *identity(clips, clip)),
            "flow": LucasKanade(window=15),
        }
        for name, each in trackers.items():
            tracks, consistent = each.track(movies[clip], points)
            for frame in (1, 2, 3):
                good = consistent[frame] if consistent[frame].any() else slice(None)
                truth = surface(clips[clip : clip + 1], frame, points)
                gap = (tracks[frame] - truth)[good].mean(axis=0)
                errors[name].append(float(np.hypot(*gap)))
    assert np.mean(errors["truth"]) < 0.6
    assert np.quantile(errors["truth"], 0.95) < 1.8
    assert np.mean(errors["truth"]) < 0.7 * np.mean(errors["flow"])


@pytest.mark.parametrize("kind", ["box", "star"])
def test_angles_are_found_and_followed_past_the_symmetry(kind: str, film) -> None:
    angles = [10.0, 27.0, 44.0, 61.0, 78.0, 95.0]
    aspects = [0.2, 0.25, 0.1, 0.0, -0.1, -0.2]
    frames = film(kind, "blue", angle=angles, aspect=aspects)
    last, found = None, []
    for frame in frames:
        last = tracker(Kind.ROTATION, "blue", kind).locate(frame, last)
        (cos, _, _), (sin, _, _) = last.matrix
        found.append(math.degrees(math.atan2(sin, cos)))
    turns = np.diff(np.unwrap(found, period=360))
    np.testing.assert_allclose(turns, np.diff(angles), atol=2.0)


def test_points_on_a_spinning_box_are_followed_to_a_pixel(scene, surface) -> None:
    spin = scene("box", "green", angle=[0.0, 15.0, 30.0, 45.0])
    frames = world.render(spin)[0]
    points = np.array([[84.0, 84.0], [108.0, 84.0], [96.0, 74.0]])
    tracks, _ = tracker(Kind.ROTATION, "green", "box").track(frames, points)
    for frame in (1, 2, 3):
        np.testing.assert_allclose(tracks[frame], surface(spin, frame, points), atol=1.0)


def test_a_ball_has_no_angle(film) -> None:
    frame = film("critter", "red")[0]
    assert tracker(Kind.ROTATION, "red", "box").locate(frame, None) is None


@pytest.mark.parametrize("kind", world.KINDS)
def test_a_pulled_edge_is_followed(kind: str, scene, surface) -> None:
    # Stretching by e^0.3 about a centre that moves along: the right end goes 14 px, the left 0.
    aspects = np.array([0.0, 0.1, 0.2, 0.3])
    shifts = 20 * np.exp(aspects) - 20
    stretch = scene(kind, "purple", aspect=aspects.tolist(), x=(96 + shifts).tolist())
    frames = world.render(stretch)[0]
    mask = Deformation.by(1, 0).handle(detect(frames[0], "purple", kind).mask)
    points = np.argwhere(mask)[:, ::-1].astype(float)
    tracks, _ = tracker(Kind.DEFORMATION, "purple", kind).track(frames, points)
    for frame in (1, 2, 3):
        truth = surface(stretch, frame, points).mean(axis=0)
        np.testing.assert_allclose(tracks[frame].mean(axis=0), truth, atol=1.0)
    assert tracks[-1].mean(axis=0)[0] - points.mean(axis=0)[0] > 10


def test_a_face_is_followed_as_it_turns(film) -> None:
    yaws = [0.0, 12.0, 24.0, 36.0]
    frames = film("critter", "orange", yaw=yaws)
    tracks, consistent = tracker(Kind.TURN, "orange", "critter").track(frames, [(96.0, 80.0)])
    # The two eyes sit 0.45 rad to either side of the middle; the far one looks narrower.
    facing = np.radians(yaws)[:, None] + [-0.45, 0.45]
    weight = np.cos(facing)
    expected = 0.85 * 20 * (np.sin(facing) * weight).sum(axis=1) / weight.sum(axis=1)
    np.testing.assert_allclose(tracks[:, 0, 0] - 96, expected, atol=1.0)
    assert consistent.all()


def test_the_face_is_the_part_with_the_eyes(film) -> None:
    seen = detect(film("critter", "orange", yaw=[30.0])[0], "orange", "critter")
    region = face(seen)
    assert 0.1 < region.sum() / seen.area < 0.5
    rows, columns = np.nonzero(region)
    assert columns.mean() > 96 + 3
    assert rows.mean() < 84


def test_a_copy_left_behind_pulls_the_truth_back(film) -> None:
    here, there = film("box", "red", x=[48.0, 112.0])
    both = np.where((there != film("box", "blue", x=[112.0])[0]).any(-1)[..., None], there, here)
    seen = detect(both, "red", "box")
    assert len(seen.parts) == 2
    assert seen.center[0] == pytest.approx(80, abs=3)


def test_what_is_not_there_is_not_seen(film) -> None:
    frame = film("box", "red")[0]
    assert detect(frame, "blue", "box") is None
    assert detect(frame, "orange", "box") is None
    with pytest.raises(ValueError, match="'pink'"):
        detect(frame, "pink", "box")
    with pytest.raises(ValueError, match="'cone'"):
        detect(frame, "red", "cone")


@pytest.mark.parametrize("color", world.COLORS)
def test_every_colour_is_told_from_the_others(color: str, film) -> None:
    frame = film("star", color)[0]
    seen = {other for other in world.COLORS if detect(frame, other, "star") is not None}
    assert seen == {color}


@pytest.mark.parametrize(
    ("kind", "motion", "tracks", "moved"),
    [
        (Kind.TRANSLATION, Translation.by(9, 3), {"x": [96.0, 105.0], "y": [84.0, 87.0]}, (9, 3)),
        (Kind.ROTATION, Rotation((96, 84), 20), {"angle": [0.0, 20.0]}, None),
        (Kind.DEFORMATION, Deformation.by(0, 8), {"y": [84.0, 92.0]}, (0, 8)),
        (Kind.TURN, Translation.by(5, 0), {"x": [96.0, 101.0]}, (5, 0)),
    ],
)
def test_each_kind_of_drag_has_its_tracker(kind, motion, tracks, moved, film) -> None:
    shape = "critter" if kind is Kind.TURN else "box"
    drag = Drag(np.ones((8, 8), bool), motion)
    found, _ = truth_tracker(Subject(shape, "red"), kind, drag).track(
        film(shape, "red", **tracks), [(106.0, 84.0)]
    )
    expected = Affine.rotation((96, 84), 20) if moved is None else Affine.translation(*moved)
    np.testing.assert_allclose(found[1], expected.apply([(106.0, 84.0)]), atol=0.8)
