"""What each mode of a PNG means as a mask."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dragstream.drags import regions
from dragstream.drags.labels import read_label
from dragstream.drags.mask_files import MaskReader, read_mask

H, W = 40, 60
INSIDE = np.zeros((H, W), bool)
INSIDE[10:20, 30:50] = True
PAPER = np.where(INSIDE, 255, 0).astype(np.uint8)


def layer(paint, ground=255, opacity=None):
    """Paint of a brightness on a layer that is clear elsewhere, of the brightness `ground`."""
    pixels = np.empty((H, W, 4), np.uint8)
    pixels[..., :3] = np.where(INSIDE, paint, ground)[..., None]
    pixels[..., 3] = PAPER if opacity is None else opacity
    return pixels


def palette(indices, colours):
    image = Image.fromarray(indices.astype(np.uint8), "P")
    image.putpalette(np.array(colours, np.uint8).tobytes())
    return image


VOC = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]

READ = {
    "1": Image.fromarray(INSIDE),
    "L": Image.fromarray(PAPER),
    "L, soft edges": Image.fromarray(np.where(INSIDE, 200, 90).astype(np.uint8)),
    "L of 0 and 1": Image.fromarray(INSIDE.astype(np.uint8)),
    "RGB": Image.fromarray(np.stack([PAPER] * 3, axis=-1)),
    "16 bit": Image.fromarray(np.where(INSIDE, 65535, 200).astype(np.uint16)),
    "16 bit, half": Image.fromarray(np.where(INSIDE, 32768, 32767).astype(np.uint16)),
    "16 bit of 0 and 1": Image.fromarray(INSIDE.astype(np.uint16)),
    "RGBA, white paint on white": Image.fromarray(layer(255)),
    "RGBA, white paint on black": Image.fromarray(layer(255, 0)),
    "RGBA, black paint": Image.fromarray(layer(0)),
    "RGBA, opaque": Image.fromarray(layer(255, 0, 255)),
    "RGBA, dark and light paint": Image.fromarray(layer(255, 0, np.maximum(PAPER, 200))),
    "LA": Image.fromarray(layer(255)[..., 2:]),
    "P, black and white": palette(INSIDE, [(0, 0, 0), (255, 255, 255)]),
    "P, white first": palette(~INSIDE, [(255, 255, 255), (0, 0, 0)]),
    "P, one object": palette(INSIDE, VOC),
    "P, one object of another number": palette(3 * INSIDE, VOC),
    "P, 0 and 1 in grey": palette(INSIDE, [(n, n, n) for n in range(256)]),
}

REFUSED = {
    "L of 0 and 2": (Image.fromarray(2 * INSIDE.astype(np.uint8)), "brightest value is 2 of 255"),
    "L, red as grey": (Image.fromarray(PAPER // 4), "brightest value is 63 of 255"),
    "8 bits in 16": (Image.fromarray(PAPER.astype(np.uint16)), "brightest value is 255 of 65535"),
    "several objects": (palette(np.arange(H * W).reshape(H, W) % 3, VOC), "brightest value is 2"),
    "objects without a ground": (palette(1 + INSIDE, VOC), r"entries \[1, 2\] are used"),
}


@pytest.mark.parametrize("name", READ)
def test_a_mask_is_what_was_painted(name, tmp_path):
    READ[name].save(tmp_path / "mask.png")
    found = read_mask(tmp_path / "mask.png")
    np.testing.assert_array_equal(found.array, INSIDE)
    assert found == regions.read_mask(str(tmp_path / "mask.png"))


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_mean_anything_is_refused_with_its_brightest_value(name, tmp_path):
    image, message = REFUSED[name]
    image.save(tmp_path / "mask.png")
    with pytest.raises(ValueError, match=message) as caught:
        read_mask(tmp_path / "mask.png")
    assert "mask.png" in str(caught.value)


def test_a_value_may_be_clear(tmp_path):
    Image.fromarray(np.where(INSIDE, 255, 254).astype(np.uint8)).save(
        tmp_path / "mask.png", transparency=254
    )
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png").array, INSIDE)


def test_an_empty_mask_is_empty(tmp_path):
    Image.fromarray(PAPER * 0).save(tmp_path / "mask.png")
    assert not read_mask(tmp_path / "mask.png").array.any()


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"P5 2 2 255 abcd"])
def test_other_files_are_refused_by_name(data, tmp_path):
    (tmp_path / "mask.png").write_bytes(data)
    with pytest.raises(ValueError, match=r"mask\.png is no readable PNG"):
        read_mask(tmp_path / "mask.png")
    with pytest.raises(FileNotFoundError, match="no file"):
        read_mask(tmp_path / "other.png")


def test_a_file_is_read_once_and_all_files_share_a_budget(tmp_path, monkeypatch):
    for name in "ab":
        Image.fromarray(PAPER).save(tmp_path / f"{name}.png")
    monkeypatch.setattr("dragstream.drags.mask_files.MOST_PIXELS_IN_ALL", H * W)
    reader = MaskReader()
    assert reader.read(tmp_path / "a.png") is reader.read(tmp_path / "." / "a.png")
    with pytest.raises(ValueError, match=r"b\.png: at most 2400 pixels are read altogether"):
        reader.read(tmp_path / "b.png")


@pytest.mark.parametrize("name", ["RGBA, white paint on white", "16 bit", "L of 0 and 1"])
def test_labels_read_handles_and_movable_areas_alike(name, tmp_path):
    READ[name].save(tmp_path / "mask.png")
    Image.fromarray(INSIDE[:, ::-1]).save(tmp_path / "handle.png")
    part = {"is_rotation": False, "start_point": [1, 1], "deltas": [[10, 0]] * 3}
    stored = {
        "drag_or_animation_select": "Animation",
        "block_number": 1,
        "prompt": "x",
        "trajectories": [{"mask_file": "handle.png", "block_trajectories": [part]}],
        "movable_area_mask_file": "mask.png",
    }
    path = tmp_path / "block_3_Animation_trajectory.json"
    path.write_text(json.dumps(stored))
    np.testing.assert_array_equal(read_label(path).keep.array, ~INSIDE & ~INSIDE[:, ::-1])
    stored["trajectories"][0]["mask_file"] = "mask.png"
    path.write_text(json.dumps(stored))
    np.testing.assert_array_equal(read_label(path).drags[0].region.array, INSIDE)
