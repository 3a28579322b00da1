from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dragstream.drags.geometry import Affine
from dragstream.drags.labels import RELEASED_CLOCK, read_label
from dragstream.metrics.__main__ import main
from dragstream.metrics.labelled import measure_label
from dragstream.metrics.objmc import latent_offsets, objmc
from dragstream.metrics.trackers import PoseTracker
from dragstream.metrics.videos import read_video

ORANGUTANS = Path(__file__).parent / "orangutans"
CENTER = (70, 80)
STILL = Affine.identity()
BEFORE = 8
"""The label lies on video frame 8, the last before block 1."""


def at_rest(count: int) -> list[Affine]:
    return [STILL] * count


def test_the_orangutans_command_against_a_track_that_does_not_move() -> None:
    label = read_label(ORANGUTANS)
    at = latent_offsets(RELEASED_CLOCK, label.latent_frame, 6)
    assert label.video_frame == 12 * 3 - 4
    assert at == (4, 8, 12, 16, 20, 24)
    result = objmc(
        np.zeros((25, 480, 832, 3), np.uint8),
        label.drags[0],
        at=at,
        tracker=PoseTracker(lambda *_: STILL, "still"),
    )
    assert result.mean == pytest.approx(80.63, abs=0.01)
    assert result.still == pytest.approx(80.63, abs=0.01)


def test_an_animation_is_read_at_the_latents_last_frames(
    tmp_path, clip, write_video, write_label
) -> None:
    # 2 px a video frame from frame 8 on, so 8, 16 and 24 px at the three latent frames.
    slide = [Affine.translation(2 * i, 0) for i in range(1, 13)]
    video = write_video(tmp_path / "after.mp4", clip(at_rest(BEFORE + 1) + slide))
    label = read_label(write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]]))
    result = measure_label(label, video)
    assert result.first_frame == BEFORE
    assert result.drags[0].frames == (4, 8, 12)
    assert result.mean < 0.5
    assert result.still == pytest.approx(16.0)
    # Against a label that asks for 6 px down as well at each of them.
    other = write_label(tmp_path / "other", "Animation", [[8, 6], [16, 6], [24, 6]])
    assert measure_label(read_label(other), video).mean == pytest.approx(6.0, abs=0.5)


def test_a_trimmed_video_names_its_labelled_frame(tmp_path, clip, write_video, write_label) -> None:
    slide = [Affine.translation(2 * i, 0) for i in range(13)]
    video = write_video(tmp_path / "after.mp4", clip(slide))
    label = read_label(write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]]))
    assert measure_label(label, video, first_frame=0).mean < 0.5
    with pytest.raises(ValueError, match="13 frames, but frames 8 to 20 are needed"):
        measure_label(label, video)
    with pytest.raises(ValueError, match="first_frame must be at least 0, got -1"):
        measure_label(label, video, first_frame=-1)


def test_a_rotation_compares_each_points_target(tmp_path, clip, write_video, write_label) -> None:
    turn = [Affine.rotation(CENTER, 2 * i) for i in range(1, 13)]
    video = write_video(tmp_path / "after.mp4", clip(at_rest(BEFORE + 1) + turn))
    label = read_label(write_label(tmp_path / "label", "Animation", [8.0, 16.0, 24.0], turns=True))
    result = measure_label(label, video)
    assert result.mean < 1.0
    assert result.still > 2.5


def test_an_edit_compares_before_with_after(tmp_path, clip, write_video, write_label) -> None:
    before = write_video(tmp_path / "before.mp4", clip(at_rest(BEFORE + 1)))
    after = write_video(tmp_path / "after.mp4", clip([*at_rest(BEFORE), Affine.translation(9, -3)]))
    label = read_label(write_label(tmp_path / "label", "Drag", [[3, -1], [6, -2], [9, -3]]))
    result = measure_label(label, after, before=before)
    assert len(result.drags[0].distances) == 1
    assert result.mean < 0.5
    assert result.still == pytest.approx(np.hypot(9, 3))
    with pytest.raises(ValueError, match="video before the edit"):
        measure_label(label, after)


def test_a_video_of_another_size_is_refused(tmp_path, write_video, write_label) -> None:
    video = write_video(tmp_path / "small.mp4", np.zeros((21, 64, 96, 3), np.uint8))
    label = read_label(write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]]))
    with pytest.raises(ValueError, match=r"is 96x64, but the label was drawn on 192x128"):
        measure_label(label, video)


def test_videos_come_back_in_order_and_in_rgb(tmp_path, write_video) -> None:
    frames = np.zeros((6, 64, 96, 3), np.uint8)
    frames[..., 0] = (np.arange(6) * 40)[:, None, None]
    file = write_video(tmp_path / "ramp.mp4", frames)
    part = read_video(file, first=2, count=3)
    assert part.shape == (3, 64, 96, 3)
    np.testing.assert_allclose(part[..., 0].mean(axis=(1, 2)), [80, 120, 160], atol=6)
    assert part[..., 2].mean() < 8
    with pytest.raises(ValueError, match="6 frames, but frames from 6 on"):
        read_video(file, first=6)
    with pytest.raises(FileNotFoundError, match="nothing"):
        read_video(tmp_path / "nothing.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ValueError, match="cannot be read as a video"):
        read_video(tmp_path / "text.mp4")


def test_the_command_prints_and_writes_the_result(
    tmp_path, clip, capsys, write_video, write_label
) -> None:
    slide = [Affine.translation(2 * i, 0) for i in range(1, 13)]
    video = write_video(tmp_path / "after.mp4", clip(at_rest(BEFORE + 1) + slide))
    folder = write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]])
    out = tmp_path / "results" / "objmc.json"
    call = ["objmc", "--label", str(folder), "--video", str(video), "--json", str(out)]
    assert main(call) == 0
    document = json.loads(out.read_text())
    assert document["mean"] < 0.5
    assert document["first_frame"] == BEFORE
    assert document["mode"] == "animate"
    assert document["tracker"] == "lucas-kanade"
    assert len(document["drags"][0]["trajectory"]) == 3
    assert f"ObjMC {document['mean']:.2f} px" in capsys.readouterr().out


def test_the_command_finds_the_video_before_an_edit(
    tmp_path, clip, write_video, write_label
) -> None:
    folder = write_label(tmp_path / "label", "Drag", [[9, -3]])
    write_video(folder / "before_block_0_1.mp4", clip(at_rest(BEFORE + 1)))
    after = write_video(tmp_path / "after.mp4", clip([*at_rest(BEFORE), Affine.translation(9, -3)]))
    out = tmp_path / "objmc.json"
    assert main(["objmc", "--label", str(folder), "--video", str(after), "--json", str(out)]) == 0
    assert json.loads(out.read_text())["mean"] < 0.5


def test_the_command_says_what_is_wrong_without_a_traceback(tmp_path) -> None:
    call = ["objmc", "--label", str(ORANGUTANS), "--video", str(tmp_path / "none.mp4")]
    done = subprocess.run(
        [sys.executable, "-m", "dragstream.metrics", *call],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no video file")
    assert "Traceback" not in done.stderr
