"""A region is followed through a clip, and another one moves alike."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.geometry import Affine, FrameClock
from dragstream.drags.motions import Combined, Rotation, Scale, Translation, targets
from dragstream.metrics.driving_video import drag_from_video, follow_region
from dragstream.stream.video import to_gif

CLOCK = FrameClock(temporal_factor=4, frame_rate=16.0)
SIZE = (160, 256)
PART = regions.disc((60, 70), 30)
MOTION = Combined([Rotation((60, 70), 30), Scale((60, 70), 1.2), Translation.by(48, 10)])


@pytest.fixture(scope="module")
def clip():
    """A textured disc that travels, turns and grows before a textured ground: 9 frames."""
    noise = np.random.default_rng(3).standard_normal((2, *SIZE, 3))
    ground, skin = (
        np.clip(127 + 300 * ndimage.gaussian_filter(layer, (2, 2, 0)), 0, 255).astype(np.uint8)
        for layer in noise
    )
    mask = regions.rasterise(PART, *SIZE).astype(np.uint8)
    frames = []
    for time in range(9):
        matrix = np.array(MOTION.at(time / 8).matrix)
        moved, there = (cv2.warpAffine(each, matrix, SIZE[::-1]) for each in (skin, mask))
        frames.append(np.where(there[..., None] > 0, moved, ground))
    return np.stack(frames)


def test_another_region_moves_alike(clip):
    onto = regions.box(180, 40, 200, 60)
    drag = drag_from_video(clip, PART, onto, CLOCK, SIZE)

    assert drag.region == onto
    assert drag.motion.duration == 2
    moved = Affine.translation(60 - 189.5, 70 - 49.5)  # the middle of one onto that of the other
    corners = np.array([(180, 40), (199, 40), (199, 59), (180, 59)], float)
    for wanted, found in zip(targets(MOTION, 2), targets(drag.motion, 2), strict=True):
        expected = moved.then(wanted).then(moved.inverse())
        np.testing.assert_allclose(found.apply(corners), expected.apply(corners), atol=1)


def test_displacements_are_scaled_and_turns_left_out(clip):
    drag = drag_from_video(clip, PART, PART, CLOCK, SIZE, similarity=False, scale=0.5)

    assert isinstance(drag.motion, Translation)
    np.testing.assert_allclose(drag.motion.at(1).matrix, [[1, 0, 24], [0, 1, 5]], atol=0.5)


def test_a_file_is_followed_from_the_frame_that_is_named(clip, tmp_path):
    file = to_gif(clip, tmp_path / "clip.gif", 16)
    half = Affine(MOTION.at(0.5).matrix)
    later = regions.disc(half.apply((60, 70)), 28)

    tracks = follow_region(file, later, first=4, frame_rate=16)

    assert tracks.points.shape[0] == 5
    assert tracks.frame_rate == 16
    seen = tracks.visible[-1]
    assert seen.mean() > 0.8
    wanted = half.inverse().then(MOTION.at(1)).apply(tracks.points[0])
    assert np.linalg.norm(tracks.points[-1] - wanted, axis=1)[seen].mean() < 1.5
    drag = drag_from_video(file, later, later, CLOCK, SIZE, first=4)
    assert drag.motion.duration == 1


def test_what_cannot_be_followed_is_said(clip):
    rng = np.random.default_rng(0)
    torn = np.concatenate([clip[:1], rng.integers(0, 256, clip[1:].shape, np.uint8)])
    with pytest.raises(ValueError, match="cannot be followed through the first latent frame"):
        drag_from_video(torn, PART, PART, CLOCK, SIZE)
    with pytest.raises(ValueError, match="the points do not move"):
        drag_from_video(clip[:1].repeat(9, axis=0), PART, PART, CLOCK, SIZE)
    with pytest.raises(ValueError, match=r"has 1 frame\(s\) from frame 8 on"):
        follow_region(clip, PART, first=8)
    with pytest.raises(ValueError, match="shorter than a latent frame"):
        drag_from_video(clip, PART, PART, CLOCK, SIZE, first=6)
    with pytest.raises(ValueError, match="scale must be above 0"):
        drag_from_video(clip, PART, PART, CLOCK, SIZE, scale=0)
