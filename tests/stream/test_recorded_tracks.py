"""A stream's animations as tracks over its video."""

from __future__ import annotations

import numpy as np
import pytest

import dragstream as ds
from dragstream.drags.motions import targets
from dragstream.drags.tracks import tracks_to_drags
from dragstream.stream import recorded_tracks

BALL = ds.Drag(ds.regions.disc((16, 16), 5), ds.Translation([(16, 16), (24, 8), (32, 16)]))
OTHER = ds.Drag(ds.regions.disc((36, 20), 5), ds.Translation.by(-8, 0))


def test_tracks_cover_the_video_and_show_each_drag_while_it_lasts(stream):
    stream.run(2, progress=False)
    stream.animate([BALL, OTHER], blocks=2)
    stream.step()
    stream.animate([BALL], blocks=2)
    stream.rewind(to=6)  # the last animation has one of its two blocks left

    tracks = recorded_tracks(stream)

    # latent frame n ends at video frame 2 n; a block has three
    assert tracks.points.shape == (1 + 2 * 17, 3, 2)
    assert tracks.frame_rate == 8
    seen = [np.flatnonzero(column)[[0, -1]].tolist() for column in tracks.visible.T]
    assert seen == [[10, 22], [10, 22], [28, 34]]
    commanded = [target.apply((16, 16)) for target in targets(BALL.motion, 6)]
    np.testing.assert_allclose(tracks.points[12:23:2, 0], commanded)
    np.testing.assert_allclose(tracks.points[30:35:2, 2], commanded[:3])
    assert (tracks.points[:10, 0] == (16, 16)).all()
    assert tracks.points[34, 1].tolist() == [28, 20]


def test_they_become_the_same_drags_again(stream):
    stream.run(2, progress=False)
    stream.animate([BALL], blocks=2)

    drags, keep = tracks_to_drags(
        recorded_tracks(stream), stream.model.spec.clock, radius=5, start=10
    )

    assert keep is None
    assert drags[0].region == BALL.region
    for wanted, found in zip(targets(BALL.motion, 6), targets(drags[0].motion, 6), strict=True):
        np.testing.assert_allclose(found.matrix, wanted.matrix)


def test_points_are_spread_over_the_handle(stream):
    stream.step()
    stream.animate([BALL])

    assert recorded_tracks(stream, points=9).points.shape[1] == 9


def test_a_stream_without_animations_has_no_tracks(stream):
    stream.step()
    stream.edit([BALL])

    with pytest.raises(ValueError, match="no block of the stream comes from an animation"):
        recorded_tracks(stream)
