"""Point tracks as drags, and drags as tracks."""

from __future__ import annotations

import numpy as np
import pytest

from dragstream.drags import regions
from dragstream.drags.geometry import Affine, FrameClock
from dragstream.drags.motion_fit import fit_motion
from dragstream.drags.motions import (
    Combined,
    Deformation,
    Drag,
    Path,
    Rotation,
    Scale,
    Translation,
    targets,
)
from dragstream.drags.tracks import Tracks, drags_to_tracks, tracks_to_drags

CLOCK = FrameClock(temporal_factor=4, frame_rate=16.0)
SIZE = (60, 90)
BOX = regions.box(10, 20, 30, 40)
CURVE = Translation(Path.spline([(20, 30), (35, 20), (50, 34)], ease="ease_out"))


def lines(*steps, frames=9):
    """Tracks of points that move by (dx, dy) a frame."""
    time = np.arange(frames)[:, None, None]
    starts = np.array([(20.0 + 10 * n, 30.0) for n in range(len(steps))])
    return starts + time * np.array(steps, float)


def test_a_point_moves_a_disc_pinned_to_latent_frames() -> None:
    (drag,), keep = tracks_to_drags(Tracks(lines((1, -2))), CLOCK, radius=5)

    assert keep is None
    assert drag.region == regions.disc((20, 30), 5)
    assert drag.motion.path.frames == (0, 1, 2)
    assert [target.matrix for target in targets(drag.motion, 2)] == [
        Affine.translation(4, -8).matrix,
        Affine.translation(8, -16).matrix,
    ]


def test_a_second_stays_a_second() -> None:
    found, _ = tracks_to_drags(Tracks(lines((1, 0), frames=13), frame_rate=24.0), CLOCK, radius=5)

    # a latent frame takes a quarter of a second, six frames of the tracks
    assert [target.matrix[0][2] for target in targets(found[0].motion, 2)] == pytest.approx([6, 12])


def test_drags_begin_at_the_frame_that_is_named() -> None:
    (drag,), _ = tracks_to_drags(Tracks(lines((1, 0))), CLOCK, radius=5, start=3)

    assert drag.region.center == (23, 30)
    assert drag.motion.path.frames == (0, 1)
    assert drag.motion.at(1).matrix[0][2] == 4


def test_points_that_stay_are_kept() -> None:
    drags, keep = tracks_to_drags(Tracks(lines((1, 0), (0, 0), (0, 0.01))), CLOCK, radius=5)

    assert [drag.region.center for drag in drags] == [(20, 30)]
    assert keep == regions.disc((30, 30), 5) | regions.disc((40, 30), 5)


def test_hidden_points_do_not_count() -> None:
    points = lines((1, 0), (1, 0), (1, 0), (1, 0))
    visible = np.ones((9, 4), bool)
    visible[0, 0] = False  # not there when the drag begins
    visible[4, 1] = False  # in between
    visible[5:, 2] = False  # at the end
    points[0, 0] = np.nan
    points[4, 1] = (1000, 1000)

    drags, _ = tracks_to_drags(Tracks(points, visible), CLOCK, radius=5)

    assert [drag.region.center[0] for drag in drags] == [30, 40, 50]
    assert [drag.motion.path.frames for drag in drags] == [(0, 2), (0, 1), (0, 1, 2)]
    assert [drag.motion.at(1).matrix[0][2] for drag in drags] == [8, 4, 8]


def test_a_region_moves_as_its_points_do_on_average() -> None:
    points = lines((1, 0), (3, 0), (50, 0))  # the third lies outside
    (drag,), _ = tracks_to_drags(Tracks(points), CLOCK, regions=[BOX | BOX], size=SIZE, start=0)

    assert drag.motion.at(1).matrix == Affine.translation(8, 0).matrix
    (drag,), _ = tracks_to_drags(
        Tracks(points), CLOCK, regions=[regions.box(10, 20, 35, 40)], size=SIZE
    )
    assert drag.motion.at(1).matrix == Affine.translation(16, 0).matrix


def test_turns_and_sizes_are_fitted_where_points_allow_it() -> None:
    motion = Combined(
        [
            Rotation((20, 30), [100, 200], frames=[0, 1, 2]),
            Scale((20, 30), [1.5, 1.2], frames=[0, 1, 2]),
            Translation(Path.polyline([(0, 0), (6, 0), (6, -9)], frames=[0, 1, 2])),
        ]
    )
    tracks = drags_to_tracks([Drag(BOX, motion)], CLOCK, 2, *SIZE, points=25)
    seen = Tracks(tracks.points, None)

    (found,), _ = tracks_to_drags(seen, CLOCK, regions=[BOX], size=SIZE, similarity=True)
    (plain,), _ = tracks_to_drags(seen, CLOCK, regions=[BOX], size=SIZE)

    for wanted, target in zip(targets(motion, 2), targets(found.motion, 2), strict=True):
        np.testing.assert_allclose(target.matrix, wanted.matrix, atol=1e-6)
    assert isinstance(plain.motion, Translation)
    assert abs(found.motion.of[0].angle(1)) == pytest.approx(200)


def test_a_fit_with_a_hidden_half_carries_the_whole_centre() -> None:
    turn = Rotation((20, 30), [60], frames=[0, 1])
    tracks = drags_to_tracks([Drag(BOX, turn)], CLOCK, 1, *SIZE, points=30)
    visible = np.ones_like(tracks.visible)
    visible[1:, :12] = False

    (drag,), _ = tracks_to_drags(
        Tracks(tracks.points, visible), CLOCK, regions=[BOX], size=SIZE, similarity=True
    )

    np.testing.assert_allclose(drag.motion.at(1).matrix, turn.at(1).matrix, atol=1e-6)


def test_a_single_point_shows_no_turn() -> None:
    (drag,), _ = tracks_to_drags(
        Tracks(lines((1, 0))), CLOCK, regions=[BOX], size=SIZE, similarity=True
    )

    assert drag.motion == Translation(
        Path.polyline([(20, 30), (24, 30), (28, 30)], frames=[0, 1, 2])
    )


@pytest.mark.parametrize("motion", [CURVE, Deformation.by(9, 4), Rotation((40, 30), 30)])
def test_the_handle_point_of_any_drag_makes_the_round_trip(motion) -> None:
    tracks = drags_to_tracks([Drag(BOX, motion)], CLOCK, 3, *SIZE)
    drags, keep = tracks_to_drags(tracks, CLOCK, radius=5)

    assert tracks.points.shape == (13, 1, 2)
    assert (tracks.frame_rate, keep) == (16, None)
    mask = Drag(BOX, motion).mask(*SIZE)
    anchor = motion.anchor(mask)
    np.testing.assert_allclose(tracks.points[0, 0], anchor)
    for wanted, found in zip(targets(motion, 3), targets(drags[0].motion, 3), strict=True):
        np.testing.assert_allclose(found.apply(anchor), wanted.apply(anchor))


def test_points_outside_the_frame_are_hidden() -> None:
    tracks = drags_to_tracks([Drag(BOX, Translation.by(0, -40))], CLOCK, 1, *SIZE)

    assert tracks.points[:, 0, 1].tolist() == [29.5, 19.5, 9.5, -0.5, -10.5]
    assert tracks.visible[:, 0].tolist() == [True, True, True, True, False]


def test_tracks_of_other_frames_are_resized() -> None:
    tracks = Tracks(np.array([[[0.0, 0.0], [89.0, 59.0]]])).resized(SIZE, (120, 45))

    assert tracks.points[0].tolist() == [[-0.25, 0.5], [44.25, 118.5]]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "give either a radius or regions"),
        ({"radius": 5, "regions": [BOX]}, "give either a radius or regions"),
        ({"radius": 0}, "radius must be positive"),
        ({"radius": 5, "start": 6}, "9 frames from frame 6 on are shorter than a latent frame"),
        ({"regions": [BOX]}, "regions need the size of the frame"),
        (
            {"regions": [BOX, regions.disc((80, 50), 4)], "size": SIZE},
            r"regions\[1\] holds no visible point",
        ),
    ],
)
def test_bad_arguments(arguments, text) -> None:
    with pytest.raises(ValueError, match=text):
        tracks_to_drags(Tracks(lines((1, 0))), CLOCK, **arguments)


def test_bad_tracks() -> None:
    with pytest.raises(ValueError, match=r"shape \(T, N, 2\), got \(9, 2\)"):
        Tracks(np.zeros((9, 2)))
    with pytest.raises(ValueError, match=r"visible must have shape \(9, 1\)"):
        Tracks(np.zeros((9, 1, 2)), np.ones((9, 2), bool))
    points = np.zeros((9, 2, 2))
    points[3, 1] = np.inf
    with pytest.raises(ValueError, match="point 1 is visible in frame 3, but its position is"):
        Tracks(points)
    with pytest.raises(ValueError, match="no point is visible in frame 0"):
        tracks_to_drags(Tracks(points, np.zeros((9, 2), bool)), CLOCK, radius=5)
    visible = np.zeros((9, 2), bool)
    visible[0] = True
    with pytest.raises(ValueError, match="no point is visible both at rest and later"):
        fit_motion(np.ones((9, 2, 2)), visible, similarity=True)
