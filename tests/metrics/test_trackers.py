from __future__ import annotations

import importlib

import numpy as np
import pytest

from dragstream.drags import extras
from dragstream.drags.geometry import Affine
from dragstream.metrics.trackers import DenseFlow, LucasKanade, PoseTracker, Tracker


@pytest.mark.parametrize(
    ("tracker", "frames"),
    [(LucasKanade(), 5), (DenseFlow(), 5)],
)
def test_points_follow_a_sliding_texture(
    tracker: Tracker, frames: int, sliding, inner, step
) -> None:
    sliding = sliding[:frames]
    tracks, consistent = tracker.track(sliding, inner)
    assert tracks.shape == (len(sliding), len(inner), 2)
    assert consistent.shape == tracks.shape[:2]
    np.testing.assert_array_equal(tracks[0], inner)
    expected = inner + np.arange(len(sliding))[:, None, None] * np.array(step)
    error = np.linalg.norm(tracks - expected, axis=-1)
    assert consistent[-1].mean() > 0.8
    assert error[consistent].mean() < 0.35


def test_points_that_vanish_become_inconsistent_and_stay_so(sliding, inner) -> None:
    sliding[2] = np.random.default_rng(1).integers(0, 255, sliding[2].shape)
    _, consistent = LucasKanade().track(sliding, inner)
    assert consistent[1].mean() > 0.8
    assert consistent[2:].mean() < 0.3
    assert not (consistent[3:] & ~consistent[2]).any()


def test_pose_tracker_moves_points_rigidly_and_waits_where_nothing_is_found() -> None:
    poses = [
        Affine.translation(10, 20),
        Affine.rotation((0, 0), 90).then(Affine.translation(13, 20)),
        None,
        Affine.translation(16, 20),
    ]
    frames = np.zeros((4, 32, 32, 3), np.uint8)
    frames[:, 0, 0, 0] = range(4)
    seen = []

    def locate(frame: np.ndarray, last: Affine | None) -> Affine | None:
        seen.append(last)
        return poses[frame[0, 0, 0]]

    tracks, consistent = PoseTracker(locate, "truth").track(frames, [(12.0, 20.0)])
    # 2 px to the right of the pose; a quarter turn clockwise puts it 2 px below.
    np.testing.assert_allclose(tracks[:, 0], [(12, 20), (13, 22), (13, 22), (18, 20)], atol=1e-9)
    assert consistent[:, 0].tolist() == [True, True, False, True]
    assert seen == [None, poses[0], poses[1], poses[1]]


def test_pose_tracker_needs_the_object_in_the_first_frame() -> None:
    with pytest.raises(ValueError, match="'nobody' finds no object in the first frame"):
        PoseTracker(lambda *_: None, "nobody").track(np.zeros((2, 8, 8, 3), np.uint8), [(1.0, 1.0)])


@pytest.mark.parametrize(
    ("frames", "points", "said"),
    [
        (np.zeros((2, 8, 8, 3)), [(1, 1)], "uint8"),
        (np.zeros((2, 8, 8), np.uint8), [(1, 1)], r"\(2, 8, 8\)"),
        (np.zeros((0, 8, 8, 3), np.uint8), [(1, 1)], "T >= 1"),
        (np.zeros((2, 8, 8, 3), np.uint8), np.zeros((0, 2)), r"\(0, 2\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), [(1, 1, 1)], r"\(1, 3\)"),
        (np.zeros((2, 8, 8, 3), np.uint8), [(np.nan, 1)], "finite"),
    ],
)
def test_bad_input_is_named(frames: np.ndarray, points: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LucasKanade().track(frames, points)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"window": 2}, "window"), ({"levels": 0}, "levels")],
)
def test_bad_settings_are_named(arguments: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LucasKanade(**arguments)


def test_without_opencv_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, sliding, inner
) -> None:
    real = importlib.import_module

    def absent(name: str, *rest: object) -> object:
        if name == "cv2":
            raise ModuleNotFoundError("No module named 'cv2'")
        return real(name, *rest)

    monkeypatch.setattr(extras, "import_module", absent)
    with pytest.raises(ImportError, match=r"dragstream\[metrics\]"):
        LucasKanade().track(sliding, inner)
