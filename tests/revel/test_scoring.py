"""Scores of video files with a known error, in each layout; what cannot be read has a reason."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dragstream.drags import Tracks, write_tracks
from dragstream.revel.__main__ import main
from dragstream.revel.score_files import find_items
from dragstream.revel.scoring import SCORES, score, score_table, summarise
from dragstream.stream.mp4 import encode_mp4
from tests.drags.movebench_folder import write_movebench

HEIGHT, WIDTH, FRAMES, STEP = 96, 160, 5, 6
"""A patch goes right by six pixels a frame."""


def film(step: float, frames: int = FRAMES, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """A patch of noise over other noise that goes right by `step` a frame."""
    rng = np.random.default_rng(0)

    def noise(height: int, width: int) -> np.ndarray:
        small = Image.fromarray(rng.integers(0, 256, (height // 4, width // 4, 3), np.uint8))
        return np.array(small.resize((width, height), Image.Resampling.BICUBIC))

    ground, patch = noise(*size), noise(40, 40)
    found = np.repeat(ground[None], frames, axis=0)
    for index in range(frames):
        left = 20 + round(index * step)
        found[index, 28:68, left : left + 40] = patch
    return found


def tracks() -> Tracks:
    """Nine points in the patch, commanded to go by `STEP` a frame."""
    rest = np.array([[x, y] for x in (30.0, 40.0, 50.0) for y in (38.0, 48.0, 58.0)])
    points = np.repeat(rest[None], FRAMES, axis=0)
    points[:, :, 0] += STEP * np.arange(FRAMES)[:, None]
    return Tracks(points)


def mask() -> Image.Image:
    """The middle of the patch: what a window around its rim shows does not all move with it."""
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[38:59, 30:51] = True
    return Image.fromarray(inside)


@pytest.fixture
def folder(tmp_path):
    """A folder a case, with the videos of a perfect method, a lazy one, and a still one."""
    place = tmp_path / "cases" / "patch"
    place.mkdir(parents=True)
    write_tracks(tracks(), place / "tracks.npy")
    Image.fromarray(film(0)[0]).save(place / "first_frame.png")
    mask().save(place / "mask_0.png")
    for name, step in (("perfect", STEP), ("lazy", STEP / 2), ("still", 0)):
        encode_mp4(film(step), place / f"{name}.mp4", 16)
    return tmp_path / "cases"


def by_method(items) -> dict:
    return {row.method: row for row in score(items)}


def test_a_video_is_scored_by_how_far_it_stays_behind(folder) -> None:
    rows = by_method(find_items(folder))
    # steps 6, 12, 18, 24: 15 on average; half of it is left at half the pace
    assert rows["perfect"].scores["objmc"] == pytest.approx(0, abs=0.3)
    assert rows["lazy"].scores["objmc"] == pytest.approx(7.5, abs=0.3)
    assert rows["still"].scores["objmc"] == pytest.approx(15, abs=0.3)
    # each point by itself: the mean cannot hide what the points do, and here they do the same
    for row in rows.values():
        assert row.scores["epe"] == pytest.approx(row.scores["objmc"], abs=0.3)
    assert all(row.scores["still"] == pytest.approx(15) for row in rows.values())
    # what lies in the commanded region: the patch, half of it, and little of it
    likeness = [rows[name].scores["identity"] for name in ("perfect", "lazy", "still")]
    assert likeness[0] > 0.95
    assert likeness[0] > likeness[1] + 0.05
    assert likeness[0] > likeness[2] + 0.05
    assert all(row.scores["coverage"] > 0.5 for row in rows.values())


def test_flat_files_and_tracks_without_a_mask(tmp_path) -> None:
    flat = tmp_path / "Some-Method"
    flat.mkdir()
    write_tracks(tracks(), flat / "patch.json")
    encode_mp4(film(STEP / 2), flat / "patch.mp4", 16)
    (row,) = by_method(find_items(flat)).values()
    assert (row.case, row.method) == ("patch", "Some-Method")
    assert row.scores["objmc"] == pytest.approx(7.5, abs=0.5)


def test_videos_of_another_size_or_that_begin_after_the_frame(folder) -> None:
    place = folder / "patch"
    double = np.repeat(np.repeat(film(STEP / 2), 2, axis=1), 2, axis=2)
    encode_mp4(double, place / "double.mp4", 16)
    encode_mp4(film(STEP / 2)[1:], place / "after.mp4", 16)
    rows = by_method(find_items(place))  # the folder of a case is read, too
    for name in ("double", "after"):
        assert rows[name].scores["objmc"] == pytest.approx(7.5, abs=0.5)


def test_videos_that_cannot_be_scored_have_a_reason(folder) -> None:
    place = folder / "patch"
    encode_mp4(film(STEP)[:2], place / "short.mp4", 16)
    encode_mp4(film(STEP, size=(96, 96))[:, :, :96], place / "square.mp4", 16)
    (place / "broken.mp4").write_bytes(b"no video")
    rows = by_method(find_items(folder))
    assert "at least 5 frames are expected" in rows["short"].reason
    assert "shape of 160 x 96" in rows["square"].reason
    assert "cannot be read as a video" in rows["broken"].reason
    summary = summarise(rows.values())
    assert summary["methods"]["short"]["objmc"]["mean"] is None
    table = score_table(summary)
    assert "| short | 0 | not measured |" in table
    assert "3 video(s) without a score" in table
    json.dumps(summary, allow_nan=False)


def test_methods_are_compared_case_by_case(folder) -> None:
    rows = list(score(find_items(folder)))
    summary = summarise(rows)
    first = next(iter(summary["methods"]))
    assert first == "lazy"  # in the order of the files
    difference = summary["differences"]["still"]["objmc"]
    assert difference["mean"] == pytest.approx(7.5, abs=0.3)
    assert {each["name"] for each in summary["measures"]} == {each.name for each in SCORES}
    # nothing detects the patch, so its mask at the target is not known
    table = score_table(summary)
    assert "Not measured in any video: IoU at the target, duplicates, scraps." in table
    assert "| less lazy | ObjMC, px | EPE, px | identity |" in table
    with pytest.raises(ValueError, match="rows is empty"):
        summarise([])


def test_movebench_is_scored_from_folders_of_each_method(tmp_path) -> None:
    bench = write_movebench(tmp_path / "MoveBench")
    videos = tmp_path / "videos"
    videos.mkdir()
    frames = np.random.default_rng(0).integers(0, 256, (9, 32, 52, 3), np.uint8)
    encode_mp4(frames, videos / "cat.mp4", 16)
    items = find_items(bench, {"Wan-Move": videos}, movebench="single")
    cat, dog = score(items)
    assert cat.reason is None
    assert np.isnan(cat.scores["objmc"])
    assert cat.scores["still"] == pytest.approx(9, abs=0.01)  # 2, 4, ..., 16
    assert "dog.mp4" in dog.reason
    # a case in which nothing moves has no score, and stops no other
    encode_mp4(frames, videos / "dog.mp4", 16)
    np.save(bench / "track/single/dog_tracks.npy", np.full((9, 2, 2), 8.0))
    cat, dog = score(find_items(bench, {"Wan-Move": videos}, movebench="single"))
    assert (cat.reason, dog.reason) == (
        None,
        "case 'dog': no point of the tracks moves, so there is no drag",
    )


def test_the_command_writes_a_table_and_ends_with_3_where_nothing_was_measured(
    folder, tmp_path, capsys
) -> None:
    files = [tmp_path / "scores.json", tmp_path / "scores.md"]
    outputs = ["--json", str(files[0]), "--markdown", str(files[1])]
    assert main(["score", str(folder), *outputs]) == 0
    printed = capsys.readouterr().out
    assert printed == files[1].read_text()
    assert "| perfect | 1 | 0." in printed
    assert json.loads(files[0].read_text())["cases"] == 1
    for file in (folder / "patch").glob("*.mp4"):
        file.write_bytes(b"")
    assert main(["score", str(folder)]) == 3


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda at: [file.unlink() for file in at.glob("*.mp4")], "no video"),
        (lambda at: [file.unlink() for file in at.glob("*tracks*")], "holds no case"),
        (lambda at: (at / "tracks.npy").write_bytes(b"x"), "tracks.npy"),
        (lambda at: (at / "first_frame.png").write_bytes(b"x"), "a picture is expected"),
        (lambda at: (at / "case.json").write_text("{}"), "case of format 1 is expected"),
        (lambda at: Image.new("1", (8, 8), 1).save(at / "mask_0.png"), "mask of 160 x 96"),
    ],
)
def test_errors_name_the_file_and_what_is_expected(folder, capsys, spoil, said) -> None:
    spoil(folder / "patch")
    assert main(["score", str(folder)]) == 1
    assert said in capsys.readouterr().err
