from __future__ import annotations

import json

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.geometry import Affine, FrameClock
from dragstream.drags.motions import Deformation, Drag, Rotation, Translation
from dragstream.metrics.objmc import LowCoverage, latent_offsets, objmc
from dragstream.metrics.sliding import scatter
from dragstream.metrics.trackers import PoseTracker

CENTER = (70.0, 80.0)


def test_an_obedient_object_scores_near_zero(sliding, disc, step) -> None:
    drag = Drag(disc, Translation.by(4 * step[0], 4 * step[1]))
    result = objmc(sliding, drag)
    assert result.mean < 0.3
    assert result.coverage > 0.7
    assert result.frames == (1, 2, 3, 4)
    assert result.tracker == "lucas-kanade"
    # Still: the distances 1, 2, 3 and 4 steps, 2.5 on average.
    assert result.still == pytest.approx(2.5 * np.hypot(*step))
    start = np.array(result.commanded[0]) - step
    np.testing.assert_allclose(start, CENTER, atol=2)
    np.testing.assert_allclose(result.trajectory[-1], start + 4 * np.array(step), atol=0.5)


def test_an_object_that_goes_elsewhere_scores_the_gap(sliding, disc, step) -> None:
    # It slides by `step` a frame, the command was the opposite.
    result = objmc(sliding, Drag(disc, Translation.by(-4 * step[0], -4 * step[1])))
    np.testing.assert_allclose(
        result.distances, [2 * n * np.hypot(*step) for n in (1, 2, 3, 4)], atol=0.6
    )
    assert result.mean == pytest.approx(np.mean(result.distances))


def test_only_the_latents_last_frames_are_read(sliding, disc, step) -> None:
    drag = Drag(disc, Translation.by(4 * step[0], 4 * step[1]))
    result = objmc(sliding, drag, at=(2, 4))
    assert len(result.distances) == 2
    assert result.mean < 0.3


def test_latents_end_where_the_clock_says() -> None:
    # Wan: latent frame 8 (the last of block 2) ends at video frame 32; block 3 at 36, 40, 44.
    clock = FrameClock(temporal_factor=4, frame_rate=16)
    assert latent_offsets(clock, handle=8, count=3) == (4, 8, 12)
    assert latent_offsets(FrameClock(1, 8), handle=5, count=3) == (1, 2, 3)


def test_a_turn_is_measured_point_by_point(clip, disc) -> None:
    poses = [Affine.rotation(CENTER, angle) for angle in (0, 8, 16, 24)]
    frames = clip(poses)
    obeyed = objmc(frames, Drag(disc, Rotation(CENTER, degrees=24)))
    against = objmc(frames, Drag(disc, Rotation(CENTER, degrees=-24)))
    assert obeyed.mean < 0.7  # still: 3.4
    # The mean position never moves, yet 16, 32 and 48 degrees lie between the two:
    # points at mean radius 2/3 * 18 px are 2 r sin(angle / 2) apart.
    apart = np.mean([2 * 12 * np.sin(np.radians(a) / 2) for a in (16, 32, 48)])
    assert against.mean == pytest.approx(apart, rel=0.15)
    np.testing.assert_allclose(against.trajectory[-1], against.commanded[-1], atol=0.5)


def test_a_deformation_scatters_points_on_its_edge_only(disc) -> None:
    drag = Drag(disc, Deformation.by(6.0, 0.0))
    still = PoseTracker(lambda *_: Affine.identity(), "still")
    result = objmc(np.zeros((3, 128, 192, 3), np.uint8), drag, tracker=still)
    assert result.trajectory[0][0] > CENTER[0] + 8  # the right third of the disc
    assert result.distances == pytest.approx((3.0, 6.0))
    assert result.mean == pytest.approx(result.still)


def test_an_edit_has_one_command_its_end(disc) -> None:
    frames = np.zeros((2, 128, 192, 3), np.uint8)
    drag = Drag(disc, Translation.through([(1, 0), (4, 0), (9, 0)]))
    truth = iter([Affine.identity(), Affine.translation(7, 0)])
    result = objmc(
        frames, drag, commands=[drag.motion.at(1)], tracker=PoseTracker(lambda *_: next(truth))
    )
    assert result.mean == pytest.approx(2.0)


def blind(*poses: Affine | None) -> PoseTracker:
    given = iter(poses)
    return PoseTracker(lambda *_: next(given), "blind")


def test_where_too_little_was_followed_there_is_no_figure(disc) -> None:
    frames = np.zeros((3, 128, 192, 3), np.uint8)
    lost = blind(Affine.identity(), Affine.translation(5, 0), None)
    with pytest.warns(LowCoverage, match=r"only 0% .* by blind: too few for a figure"):
        result = objmc(frames, Drag(disc, Translation.by(10, 0)), tracker=lost)
    assert not result.measured
    assert np.isnan([result.mean, result.mean_position, result.point_by_point]).all()
    assert result.distances == pytest.approx((0.0, np.nan), nan_ok=True)
    assert result.coverage == 0.0
    assert result.still == pytest.approx(7.5)
    document = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert document["mean"] is None
    assert document["distances"] == [0.0, None]
    assert document["trajectory"][1] == [None, None]


def test_a_trajectory_point_that_was_missed_does_not_count(disc) -> None:
    frames = np.zeros((3, 128, 192, 3), np.uint8)
    hidden = blind(Affine.identity(), None, Affine.translation(7, 0))
    result = objmc(frames, Drag(disc, Translation.by(10, 0)), tracker=hidden)
    assert result.distances == pytest.approx((np.nan, 3.0), nan_ok=True)
    assert result.mean == pytest.approx(3.0)
    assert result.coverage == 1.0


class Half:
    """Follows the first points of a still object and loses the others."""

    name = "half"

    def __init__(self, share: float) -> None:
        self.share = share

    def track(self, frames, points):
        tracks = np.repeat(np.asarray(points, float)[None], len(frames), axis=0)
        found = np.arange(len(points)) < self.share * len(points)
        return tracks, np.repeat(found[None], len(frames), axis=0)


def test_the_least_coverage_decides(disc) -> None:
    frames, drag = np.zeros((2, 128, 192, 3), np.uint8), Drag(disc, Translation.by(10, 0))
    assert objmc(frames, drag, tracker=Half(0.2), warn_below=0).mean == pytest.approx(10)
    assert np.isnan(objmc(frames, drag, tracker=Half(0.1), warn_below=0).mean)
    less = objmc(frames, drag, tracker=Half(0.1), warn_below=0, least_coverage=0.05)
    assert less.mean == pytest.approx(10)
    # Nothing at all is nothing, whatever is allowed.
    assert not objmc(frames, drag, tracker=Half(0), warn_below=0, least_coverage=0).measured
    with pytest.raises(ValueError, match=r"least_coverage must be a share from 0 to 1, got 2"):
        objmc(frames, drag, least_coverage=2)


def test_the_papers_definition_stands_beside_the_one_by_points(disc) -> None:
    frames = np.zeros((2, 128, 192, 3), np.uint8)
    turn = blind(Affine.identity(), Affine.rotation(CENTER, 40))
    result = objmc(frames, Drag(disc, Rotation(CENTER, degrees=90)), tracker=turn)
    # 50 degrees are missing: 2 r sin(25 deg) at a mean radius of 12 px; the mean stays put.
    assert result.point_by_point == pytest.approx(2 * 12 * np.sin(np.radians(25)), rel=0.03)
    assert result.mean_position < 0.4
    assert result.mean == result.point_by_point
    slid = blind(Affine.identity(), Affine.rotation(CENTER, 40))
    result = objmc(frames, Drag(disc, Translation.by(1, 0)), tracker=slid)
    assert result.mean == result.mean_position < 1.4
    assert result.point_by_point == pytest.approx(2 * 12 * np.sin(np.radians(20)), rel=0.05)


def test_scattered_points_are_seeded_inside_and_spread() -> None:
    mask = regions.rasterise(regions.disc(center=(60, 50), radius=30), 128, 192)
    points = scatter(mask, 100, seed=3)
    assert 80 <= len(points) <= 100
    np.testing.assert_array_equal(points, scatter(mask, 100, seed=3))
    assert not np.array_equal(points[:5], scatter(mask, 100, seed=4)[:5])
    assert mask[points[:, 1].astype(int), points[:, 0].astype(int)].all()
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.eye(len(points)) * 99
    assert gaps.min() >= np.sqrt(0.68 * mask.sum() / 100)
    np.testing.assert_allclose(points.mean(axis=0), (60, 50), atol=2)


def test_small_regions_give_every_pixel() -> None:
    mask = np.zeros((8, 8), bool)
    mask[2, 3] = mask[4, 5] = True
    assert {tuple(point) for point in scatter(mask)} == {(3.0, 2.0), (5.0, 4.0)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"at": (0, 2)}, r"between 1 and 4 .* got \[0, 2\]"),
        ({"at": (2, 5)}, "between 1 and 4"),
        ({"at": (3, 2)}, "rise"),
        ({"at": ()}, "at least one frame"),
        ({"commands": []}, "4 trajectory points need as many commands: 0"),
        ({"points": 0}, "points must be at least 1"),
    ],
)
def test_bad_arguments_are_named(sliding, disc, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        objmc(sliding, Drag(disc, Translation.by(4, 0)), **arguments)


def test_a_mask_of_another_size_is_refused(sliding) -> None:
    with pytest.raises(ValueError, match="64"):
        objmc(sliding, Drag(np.ones((64, 96), bool), Translation.by(4, 0)))


def test_results_are_plain_json(sliding, disc) -> None:
    result = objmc(sliding, Drag(disc, Translation.by(4, 0)))
    assert json.loads(json.dumps(result.to_json()))["still"] == pytest.approx(2.5)


class Bent:
    """Forgets the first row of its tracks."""

    name = "bent"

    def track(self, frames, points):
        tracks = np.repeat(np.asarray(points, float)[None], len(frames) - 1, axis=0)
        return tracks, np.ones(tracks.shape[:2], bool)


def test_a_tracker_of_ones_own_is_checked():
    frames = np.zeros((3, 40, 60, 3), np.uint8)
    drag = Drag(regions.disc(center=(20, 20), radius=6), Translation.by(6, 0))
    with pytest.raises(TypeError, match=r"a name and a method track\(frames, points\), got <"):
        objmc(frames, drag, tracker=object())
    with pytest.raises(ValueError, match=r"'bent' must give tracks.*shape \(2, \d+, 2\)"):
        objmc(frames, drag, tracker=Bent())
