"""MoveBench as drags, from a small folder in its layout; damaged folders are explained."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from dragstream.drags import FrameClock, read_movebench
from tests.drags.movebench_folder import FRAMES, HEIGHT, RUN, WIDTH, write_movebench

CLOCK = FrameClock(temporal_factor=4, frame_rate=16.0)


@pytest.fixture
def folder(tmp_path):
    return write_movebench(tmp_path / "MoveBench")


def test_cases_have_captions_frames_and_tracks(folder) -> None:
    cat, dog = read_movebench(folder.parent)
    assert (cat.name, cat.caption, dog.name) == ("cat", "A cat, sitting.", "dog")
    assert cat.size == (HEIGHT, WIDTH)
    assert cat.frame().shape == (HEIGHT, WIDTH, 3)
    assert cat.tracks.points.shape == (FRAMES, 2, 2)
    assert cat.tracks.frame_rate == 16.0
    assert [len(each.masks) for each in (cat, dog)] == [1, 0]
    assert cat.video is None
    assert [each.name for each in read_movebench(folder, count=1)] == ["cat"]


def test_a_mask_moves_with_the_points_in_it(folder) -> None:
    cat = read_movebench(folder)[0]
    drags, keep = cat.drags(CLOCK, height=HEIGHT, width=WIDTH)
    assert len(drags) == 1
    assert keep is None
    assert drags[0].mask(HEIGHT, WIDTH).sum() == 13 * 13
    # two latent frames of four video frames: half of the way, then all of it
    for share, reached in ((0.5, RUN / 2), (1.0, RUN)):
        moved = drags[0].motion.at(share).apply(np.array([[12.0, 16.0]]))
        assert moved[0].tolist() == pytest.approx([12 + reached, 16], abs=1e-5)


def test_points_without_a_mask_move_discs_and_those_at_rest_are_kept(folder) -> None:
    dog = read_movebench(folder)[1]
    drags, keep = dog.drags(CLOCK, height=2 * HEIGHT, width=2 * WIDTH, radius=4)
    assert len(drags) == 1
    assert keep is not None
    rows, columns = np.nonzero(drags[0].mask(2 * HEIGHT, 2 * WIDTH))
    # twice as large a frame: pixel centres (12, 16) go to (24.5, 32.5)
    assert (columns.mean(), rows.mean()) == pytest.approx((24.5, 32.5), abs=0.3)
    end = drags[0].motion.at(1.0).apply(np.array([[24.5, 32.5]]))[0]
    assert end.tolist() == pytest.approx([24.5 + 2 * RUN, 32.5], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "damage", "error", "said"),
    [
        ("single_track.txt", None, FileNotFoundError, "a line NAME.mp4,caption"),
        ("first_frame/cat.jpg", None, FileNotFoundError, "picture of the first frame"),
        ("track/single/cat_tracks.npy", None, FileNotFoundError, r"positions \(T, N, 2\)"),
        ("track/single/cat_visibility.npy", None, FileNotFoundError, r"visibility \(T, N\)"),
        ("track/single/cat_tracks.npy", np.zeros((9, 2)), ValueError, r"\(T, N, 2\)"),
        ("track/single/cat_visibility.npy", np.ones((4, 2)), ValueError, r"shape \(9, 2\)"),
        ("track/single/cat_tracks.npy", b"\x93NUMPY", ValueError, r"positions \(T, N, 2\)"),
        ("first_frame/cat.jpg", b"\xff\xd8\xff", ValueError, "a picture is expected"),
        ("single_track.txt", b"cat.mp4", ValueError, "line 1: NAME.mp4,caption is expected"),
        ("single_track.txt", b"../cat.mp4,x", ValueError, "a name inside the folder"),
        ("single_track.txt", b"a.mp4,x\na.mp4,y", ValueError, "'a' is in the list twice"),
        ("single_track.txt", b"\xff,x", ValueError, "UTF-8"),
    ],
)
def test_errors_name_the_file_and_what_is_expected(folder, name, damage, error, said) -> None:
    file = folder / name
    match damage:
        case None:
            file.unlink()
        case bytes():
            file.write_bytes(damage)
        case _:
            np.save(file, damage)
    with pytest.raises(error, match=said) as raised:
        read_movebench(folder if name != "single_track.txt" else folder.parent)
    assert re.search(re.escape(file.name), str(raised.value))


def test_a_truncated_array_and_a_wrong_mask_are_explained(folder) -> None:
    file = folder / "track/single/cat_tracks.npy"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"positions \(T, N, 2\) in cat_tracks\.npy .*expected"):
        read_movebench(folder)
    write_movebench(folder / "again")
    Image.fromarray(np.ones((5, 5), bool)).save(folder / "again/en/first_frame_mask/cat.png")
    cat = read_movebench(folder / "again")[0]
    with pytest.raises(ValueError, match=r"cat\.png: .*52 x 32 pixels is expected, got 5 x 5"):
        cat.drags(CLOCK, height=HEIGHT, width=WIDTH)


def test_another_mode_is_refused(folder) -> None:
    with pytest.raises(ValueError, match=r"mode must be one of .*'double'"):
        read_movebench(folder, mode="double")
