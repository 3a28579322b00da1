"""Released labels in the frames and blocks of other models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.label_fitting import fit_label, resize_mask
from dragstream.drags.labels import read_label
from dragstream.drags.motions import Rotation, targets
from dragstream.drags.regions import centroid

ORANGUTANS = Path(__file__).parents[1] / "metrics" / "orangutans"
CLOCK = FrameClock(temporal_factor=4, frame_rate=16.0)


def write_label(folder, part, mode="Animation", blocks=1):
    mask = np.zeros((64, 96), np.uint8)
    mask[16:32, 24:48] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    label = {
        "drag_or_animation_select": mode,
        "block_number": blocks,
        "prompt": "x",
        "movable_area_mask_file": None,
        "trajectories": [{"mask_file": "mask.png", "block_trajectories": [part] * blocks}],
    }
    (folder / f"block_2_{mode}_trajectory.json").write_text(json.dumps(label))
    return read_label(folder)


def test_a_label_of_the_same_size_stays_as_it_is() -> None:
    label = read_label(ORANGUTANS)

    assert fit_label(label, Grid.of(480, 832), CLOCK, 3) == label


def test_a_smaller_frame_scales_masks_and_targets_along_both_axes() -> None:
    label = read_label(ORANGUTANS)
    fitted = fit_label(label, Grid.of(240, 208), CLOCK, 3)
    (before,), (after,) = label.drags, fitted.drags

    x, y = centroid(before.mask(480, 832))
    assert centroid(after.mask(240, 208)) == pytest.approx(
        ((x + 0.5) / 4 - 0.5, (y + 0.5) / 2 - 0.5), abs=0.1
    )
    assert targets(after.motion, 6)[-1].matrix == ((1, 0, 99 / 4), (0, 1, 87 / 2))
    assert fitted.deltas[0][0] == (9 / 4, 22 / 2)
    assert fitted.keep.array.mean() == pytest.approx(label.keep.array.mean(), abs=0.01)
    assert not (fitted.keep.array & after.mask(240, 208)).any()


def test_frames_stay_where_blocks_are_shorter() -> None:
    label = read_label(ORANGUTANS)
    fitted = fit_label(label, Grid.of(480, 832), FrameClock(1, 8.0), 1)

    assert (fitted.block, fitted.blocks) == (9, 6)
    assert (fitted.latent_frame, fitted.video_frame, fitted.start_frame) == (8, 8, 9)
    with pytest.raises(ValueError, match="latent frame 8, which is not the last of a block of 4"):
        fit_label(label, Grid.of(480, 832), CLOCK, 4)


def test_an_edit_lasts_one_block_and_a_rotation_keeps_its_angles(tmp_path) -> None:
    part = {"is_rotation": True, "rotation_center": [40, 20], "start_point": [1, 1]}
    label = write_label(tmp_path, part | {"deltas": [20.0, 40.0]}, mode="Drag")
    fitted = fit_label(label, Grid.of(32, 32), CLOCK, 1)

    assert fitted.blocks == 1
    assert fitted.drags[0].motion == Rotation(
        ((40.5) / 3 - 0.5, (20.5) / 2 - 0.5), (0.0, 20.0, 40.0), frames=(0, 1, 2)
    )


def test_a_handle_of_a_few_pixels_survives() -> None:
    mask = np.zeros((64, 96), bool)
    mask[21, 33] = True

    found = resize_mask(mask, Grid.of(16, 16))

    assert np.argwhere(found).tolist() == [[5, 5]]
