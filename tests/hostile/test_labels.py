"""Label folders made to overwhelm, and damaged ones."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from dragstream.drags.labels import read_label, read_labels

NAME = "block_3_Animation_trajectory.json"
PART = {"is_rotation": False, "start_point": [1, 1], "deltas": [[10, 0]] * 3}


def label(masks):
    trajectories = [{"mask_file": name, "block_trajectories": [PART]} for name in masks]
    return {
        "drag_or_animation_select": "Animation",
        "block_number": 1,
        "prompt": "x",
        "trajectories": trajectories,
        "movable_area_mask_file": None,
    }


def write(folder, masks, name=NAME):
    (folder / name).write_text(json.dumps(label(masks)))


def large(folder, name, mode="L", size=(8192, 4096)):
    Image.new(mode, size, "white").save(folder / name, compress_level=1)


def test_many_trajectories_on_one_large_mask_take_it_once(tmp_path, in_its_own_process):
    large(tmp_path, "m.png", "RGBA")
    write(tmp_path, ["m.png"] * 15)
    taken, said = in_its_own_process(
        f"label = read_label({str(tmp_path)!r})\n"
        "assert len({id(drag.region) for drag in label.drags}) == 1",
        "from dragstream.drags.labels import read_label",
    )
    assert said == ""
    assert taken < 600  # the picture itself takes 128 MiB; each trajectory took 100 more


def test_masks_of_a_label_are_within_one_budget(tmp_path, in_its_own_process):
    names = [f"{n}.png" for n in range(12)]
    large(tmp_path, names[0])
    for name in names[1:]:
        shutil.copy(tmp_path / names[0], tmp_path / name)
    write(tmp_path, names)
    taken, said = in_its_own_process(
        f"read_label({str(tmp_path)!r})", "from dragstream.drags.labels import read_label"
    )
    assert "8.png: at most 268435456 pixels are read altogether" in said
    assert taken < 700


def test_all_labels_of_a_folder_are_within_one_budget(tmp_path):
    large(tmp_path, "mask.png", "1")
    for block in range(1, 12):
        shutil.copy(tmp_path / "mask.png", tmp_path / f"{block}.png")
        write(tmp_path, [f"{block}.png"], f"block_{block}_Animation_trajectory.json")
    with pytest.raises(ValueError, match="at most 268435456 pixels are read altogether"):
        read_labels(tmp_path)


def test_a_mask_that_is_too_large_is_not_decoded(tmp_path, monkeypatch):
    large(tmp_path, "m.png", "1", (8200, 4100))
    write(tmp_path, ["m.png"])
    monkeypatch.setattr(Image.Image, "load", None)
    with pytest.raises(ValueError, match=r"m\.png has 8200 x 4100 pixels"):
        read_label(tmp_path)


def handled(folder):
    Image.fromarray(np.full((20, 30), 255, np.uint8)).save(folder / "m.png")
    return label(["m.png"])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b"null",
        b'{"block_number": ' + b"9" * 5000 + b"}",
        b'{"trajectories": 1e999}',
        json.dumps({"x": "y" * 10**6}).encode(),
    ],
)
def test_damaged_labels_are_named(tmp_path, text):
    (tmp_path / NAME).write_bytes(text)
    with pytest.raises(ValueError, match=NAME) as caught:
        read_label(tmp_path)
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prompt": ["x" * 10**6]}, "prompt must be"),
        ({"drag_or_animation_select": "x" * 10**6}, "file's name says"),
        ({"trajectories": [label(["m.png"])["trajectories"][0]] * 300}, "may be at most 256"),
        ({"movable_area_mask_file": "x" * 10**5}, "must name a file"),
        ({"block_number": 2**70}, "block_number"),
    ],
)
def test_texts_of_a_label_are_cut(tmp_path, change, message):
    (tmp_path / NAME).write_text(json.dumps(handled(tmp_path) | change))
    with pytest.raises(ValueError, match=message) as caught:
        read_label(tmp_path)
    assert len(str(caught.value)) < 800


def test_targets_of_a_label_are_within_one_budget(tmp_path):
    stored = handled(tmp_path)
    stored["block_number"] = 2
    long = PART | {"deltas": [[n % 7, 0] for n in range(2**14)]}
    stored["trajectories"][0]["block_trajectories"] = [long] * 2
    (tmp_path / NAME).write_text(json.dumps(stored))
    with pytest.raises(ValueError, match="at most 16384 targets are read altogether"):
        read_label(tmp_path)
