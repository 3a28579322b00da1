from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dragstream.drags.geometry import Affine
from dragstream.drags.labels import RELEASED_CLOCK, read_label
from dragstream.metrics.__main__ import main
from dragstream.metrics.labelled import find_before, find_video, lacks_past, measure_label
from dragstream.metrics.objmc import LowCoverage, latent_offsets, objmc
from dragstream.metrics.trackers import LucasKanade, PoseTracker
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


def gone(poses: list[Affine], clip) -> np.ndarray:
    """Plain frames: nothing can be followed in them."""
    return np.full_like(clip(poses), 90)


def test_the_command_has_no_figure_where_too_little_was_followed(
    tmp_path, clip, capsys, write_video, write_label
) -> None:
    folder = write_label(tmp_path / "label", "Drag", [[9, -3]])
    before = write_video(tmp_path / "before.mp4", clip(at_rest(BEFORE + 1)))
    after = write_video(tmp_path / "after.mp4", gone(at_rest(BEFORE + 1), clip))
    out = tmp_path / "out.json"
    call = ["objmc", "--label", str(folder), "--video", str(after), "--before", str(before)]
    assert main([*call, "--json", str(out)]) == 3
    document = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert document["mean"] is None
    assert document["drags"][0]["distances"] == [None]
    assert "ObjMC not measured (coverage 0 %) by sift" in capsys.readouterr().out


def picture(file: Path, frame: np.ndarray) -> Path:
    Image.fromarray(frame).save(file)
    return file


SLIDE = [Affine.translation(2 * i, 0) for i in range(1, 13)]


def test_a_video_may_begin_after_the_labelled_frame(
    tmp_path, clip, capsys, write_video, write_label
) -> None:
    folder = write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]])
    rest, video = clip(at_rest(1))[0], write_video(tmp_path / "new.mp4", clip(SLIDE))
    call = ["objmc", "--label", str(folder), "--video", str(video), "--json", str(tmp_path / "o")]
    handle = picture(tmp_path / "handle.png", rest)
    past = write_video(tmp_path / "past.mp4", clip(at_rest(BEFORE + 1)))
    for more in (["--handle-frame", str(handle)], ["--before", str(past)]):
        assert main([*call, *more]) == 0
        document = json.loads((tmp_path / "o").read_text())
        assert document["mean"] < 0.5
        assert document["first_frame"] == -1
        said = capsys.readouterr().out
        assert "  frame    3: " in said  # the video's own number
        assert "  frame   11: " in said
    assert main(call) == 1
    assert "--handle-frame PICTURE, or --before VIDEO" in capsys.readouterr().err
    assert main([*call, "--handle-frame", str(handle), "--first-frame", "0"]) == 1
    assert "must not be given, got 0" in capsys.readouterr().err
    assert main([*call, "--handle-frame", str(past)]) == 1
    assert "--handle-frame takes a picture" in capsys.readouterr().err


def test_a_whole_video_beside_its_past_is_read_from_the_labelled_frame(
    tmp_path, clip, write_video, write_label
) -> None:
    moving = [Affine.translation(-2 * (BEFORE - i), 0) for i in range(BEFORE + 1)]
    past = write_video(tmp_path / "past.mp4", clip(moving))
    label = read_label(write_label(tmp_path / "label", "Animation", [[8, 0], [16, 0], [24, 0]]))
    whole = write_video(tmp_path / "whole.mp4", clip(moving + SLIDE))
    assert measure_label(label, whole, before=past).first_frame == BEFORE
    # As long, but begun after the labelled frame.
    longer = write_video(tmp_path / "longer.mp4", clip(SLIDE + [SLIDE[-1]] * 12))
    result = measure_label(label, longer, before=past)
    assert result.first_frame == -1
    assert result.mean < 0.5


def test_an_edits_block_alone_is_measured_against_its_full_past(
    tmp_path, clip, capsys, write_video, write_label
) -> None:
    """Block 2 ends at frame 20 of `before`, and at frame 11 of the edited block."""
    folder = write_label(tmp_path / "label", "Drag", [[9, -3]])
    (folder / "block_1_Drag_trajectory.json").rename(folder / "block_2_Drag_trajectory.json")
    past = [Affine.translation(i - 20, 0) for i in range(21)]
    edit = [Affine.translation(9 - 11 + i, -3) for i in range(12)]
    before = write_video(tmp_path / "before.mp4", clip(past))
    alone = write_video(tmp_path / "alone.mp4", clip(edit))
    whole = write_video(tmp_path / "whole.mp4", clip(past[:9] + edit))
    out = tmp_path / "o"
    for video, number in ((alone, 11), (whole, 20)):
        call = ["objmc", "--label", str(folder), "--video", str(video), "--json", str(out)]
        assert main([*call, "--before", str(before)]) == 0
        document = json.loads(out.read_text())
        assert document["mean"] < 0.5
        assert (document["first_frame"], document["drags"][0]["frames"]) == (number, [0])
        assert f"  frame   {number}: " in capsys.readouterr().out
        assert main([*call, "--before", str(before), "--first-frame", str(number)]) == 0
        assert json.loads(out.read_text())["mean"] < 0.5
        assert main(call) == 1
        assert "--before VIDEO" in capsys.readouterr().err
    handle = picture(tmp_path / "handle.png", clip([STILL])[0])
    assert main([*call, "--handle-frame", str(handle)]) == 0


def test_an_edit_without_descriptors_is_followed_through_the_shared_past(
    tmp_path, clip, write_video, write_label
) -> None:
    """What cannot be recognised after the whole step can be followed in small ones."""
    folder = write_label(tmp_path / "label", "Drag", [[24, 0]])
    (folder / "block_1_Drag_trajectory.json").rename(folder / "block_2_Drag_trajectory.json")
    before = write_video(tmp_path / "before.mp4", clip(at_rest(21)))
    whole = write_video(tmp_path / "whole.mp4", clip(at_rest(9) + SLIDE))
    label = read_label(folder)

    class Shy(LucasKanade):
        """Follows nothing in one step."""

        def track(self, frames, points):
            tracks, good = super().track(frames, points)
            return tracks, good & (len(frames) > 2)

    with pytest.warns(LowCoverage):
        result = measure_label(label, whole, before=before, tracker=Shy())
    assert result.tracker == "lucas-kanade through the shared past"
    assert result.mean < 1
    assert result.drags[0].frames == (0,)
    alone = write_video(tmp_path / "alone.mp4", clip([*at_rest(8), SLIDE[-1]]))
    with pytest.warns(LowCoverage):
        assert np.isnan(
            measure_label(label, alone, before=before, first_frame=8, tracker=Shy()).mean
        )


def test_the_released_layouts_files_are_found(tmp_path, clip, write_video, write_label) -> None:
    (tmp_path / "saved_labels").mkdir()
    folder = write_label(tmp_path / "saved_labels" / "disc", "Drag", [[9, -3]])
    outputs = tmp_path / "outputs-editing" / "disc"
    outputs.mkdir(parents=True)
    label = read_label(folder)
    assert find_before(label, folder) is None
    write_video(outputs / "block_0_1.mp4", clip(at_rest(BEFORE + 1)))
    write_video(outputs / "block_0_11.mp4", clip(at_rest(1)))
    edited = clip([*at_rest(BEFORE), Affine.translation(9, -3)])
    write_video(outputs / "block_0_1_Drag_1.mp4", edited)
    write_video(outputs / "block_1_Drag_1.mp4", edited)
    assert find_before(label, folder) == outputs / "block_0_1.mp4"
    assert find_video(label, folder) == outputs / "block_0_1_Drag_1.mp4"
    assert main(["objmc", "--label", str(folder)]) == 0
    assert lacks_past(outputs / "block_1_Drag_1.mp4")
    assert not lacks_past(outputs / "block_0_1_Drag_1.mp4")
    write_video(outputs / "before_block_0_1.mp4", clip(at_rest(1)))
    with pytest.raises(ValueError, match="holds several such videos"):
        find_before(label, folder)


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
