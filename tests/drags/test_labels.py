from __future__ import annotations

import contextlib
import copy
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dragstream.drags import regions, targets, validate
from dragstream.drags.geometry import FrameClock
from dragstream.drags.labels import Mode, read_label, read_labels
from dragstream.drags.motions import Rotation, Translation

H, W = 48, 80
DELTAS = [[9.0, 22.0], [21.0, 43.0], [35.0, 62.0], [53.0, 78.0], [75.0, 87.0], [99.5, 87.25]]
DEGREES = [-8.8521, -18.4126, -28.8161, -39.2381, -49.0885, -58.1992]
HANDLE = regions.rasterise(regions.disc((20, 20), 8), H, W)
WHEEL = regions.rasterise(regions.disc((60, 20), 6), H, W)
MOVABLE = regions.rasterise(regions.box(5, 5, 75, 40), H, W)


def translation(deltas=DELTAS, blocks=2):
    count = len(deltas) // blocks
    return {
        "original_trajectory": {
            "is_rotation": False,
            "control_points": [[20, 20], [60, 30]],
            "points": [[20, 20]] + [[20 + round(x), 20 + round(y)] for x, y in deltas],
        },
        "block_trajectories": [
            {
                "is_rotation": False,
                "deltas": deltas[count * block : count * (block + 1)],
                "start_point": [20, 20],
            }
            for block in range(blocks)
        ],
        "mask_file": "handle.png",
    }


def rotation(degrees=DEGREES, blocks=2):
    count = len(degrees) // blocks
    return {
        "original_trajectory": {
            "is_rotation": True,
            "points": [[60, 20], [66, 20]] + [[60, 26]] * len(degrees),
        },
        "block_trajectories": [
            {
                "is_rotation": True,
                "deltas": degrees[count * block : count * (block + 1)],
                "start_point": [66, 20],
                "rotation_center": [60, 20],
            }
            for block in range(blocks)
        ],
        "mask_file": "wheel.png",
    }


def label(*trajectories, mode="Animation", blocks=2):
    return {
        "block_number": blocks,
        "prompt": "A mother orangutan\u2019s walk",
        "drag_or_animation_select": mode,
        "movable_area_mask_file": "movable.png",
        "trajectories": list(trajectories) or [translation(), rotation()],
    }


def save(folder, document, name="block_3_Animation_trajectory.json"):
    for stem, mask in (("handle", HANDLE), ("wheel", WHEEL), ("movable", MOVABLE)):
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{stem}.png")
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / name).write_text(text)
    return folder


def test_a_label_is_read_as_it_was_drawn(tmp_path):
    found = read_label(save(tmp_path, label()))
    assert (found.block, found.mode, found.blocks) == (3, Mode.ANIMATE, 2)
    assert found.prompt == "A mother orangutan’s walk"
    assert (found.height, found.width) == (H, W)
    # block b starts at video frame 12 b - 3, its label lives on 12 b - 4
    assert (found.start_frame, found.video_frame, found.latent_frame) == (33, 32, 8)
    assert found.deltas == (tuple(map(tuple, DELTAS)), tuple(DEGREES))
    np.testing.assert_array_equal(found.keep.array, ~MOVABLE)
    np.testing.assert_array_equal(found.drags[0].mask(H, W), HANDLE)
    np.testing.assert_array_equal(found.drags[1].mask(H, W), WHEEL)
    assert len(validate(found.drags, found.keep, H, W)) == 2


def test_targets_follow_the_deltas_to_the_letter(tmp_path):
    moved, turned = read_label(save(tmp_path, label())).drags
    for target, (dx, dy) in zip(targets(moved.motion, 6), DELTAS, strict=True):
        np.testing.assert_allclose(target.apply((20, 20)), (20 + dx, 20 + dy), atol=1e-10)
    assert isinstance(moved.motion, Translation)
    for target, degrees in zip(targets(turned.motion, 6), DEGREES, strict=True):
        angle = math.radians(degrees)
        arm = (60 + 6 * math.cos(angle), 20 + 6 * math.sin(angle))
        np.testing.assert_allclose(target.apply((66, 20)), arm, atol=1e-10)
    assert turned.motion.center == (60, 20)
    # negative is anticlockwise on screen: the arm to the right swings up
    assert turned.motion.at(1).apply((66, 20))[1] < 20


def test_a_driven_block_keeps_its_pace_when_fewer_or_more_are_made(tmp_path):
    for drag, deltas in zip(read_label(save(tmp_path, label())).drags, (6, 6), strict=True):
        assert drag.motion.duration == deltas
        six = targets(drag.motion, 6)
        assert targets(drag.motion, 3) == six[:3]
        assert targets(drag.motion, 9) == six + [six[-1]] * 3


def test_an_edit_has_one_target(tmp_path):
    document = label(translation([[9.0, -121.0]], 1), mode="Drag", blocks=1)
    found = read_label(save(tmp_path, document, "block_3_Drag_trajectory.json"))
    assert (found.mode, found.blocks, found.video_frame) == (Mode.EDIT, 1, 32)
    assert found.deltas == (((9.0, -121.0),),)
    np.testing.assert_allclose(found.drags[0].motion.at(1).apply((0, 0)), (9, -121))


@given(st.lists(st.floats(-60, -1) | st.floats(1, 60), min_size=6, max_size=6))
def test_angles_that_wrap_round_turn_on(steps):
    angles = np.cumsum(steps)
    stored = [float((angle + 180) % 360 - 180) for angle in angles]
    motion = read_motion(rotation(stored))
    np.testing.assert_allclose(motion.arc, [0, *angles], atol=1e-9)
    assert isinstance(motion, Rotation)


def read_motion(trajectory):
    from dragstream.drags.labels import _motion
    from dragstream.drags.reading import Budget

    return _motion(trajectory, "trajectories[0]", Budget())[1]


def test_angles_stored_beyond_half_a_turn_are_taken_as_they_are():
    assert read_motion(rotation([90.0, 200.0, 250.0, 300.0, 350.0, 400.0])).arc[-1] == 400


def test_the_centre_may_stand_in_the_points_alone():
    trajectory = rotation()
    for part in trajectory["block_trajectories"]:
        del part["rotation_center"]
    assert read_motion(trajectory).center == (60, 20)


def test_a_handle_outside_the_movable_area_makes_it_movable(tmp_path):
    save(tmp_path, label())
    wide = HANDLE | regions.rasterise(regions.box(0, 0, 10, 10), H, W)
    Image.fromarray(wide.astype(np.uint8) * 255).save(tmp_path / "handle.png")
    found = read_label(tmp_path)
    np.testing.assert_array_equal(found.keep.array, ~(MOVABLE | wide))
    validate(found.drags, found.keep, H, W)


def test_nothing_may_be_kept(tmp_path):
    document = label()
    document["movable_area_mask_file"] = None
    assert read_label(save(tmp_path, document)).keep is None
    save(tmp_path, label())
    Image.new("L", (W, H), 255).save(tmp_path / "movable.png")
    assert read_label(tmp_path).keep is None


def test_labels_of_other_models_have_other_times(tmp_path):
    document = label(translation(DELTAS[:4]))
    save(tmp_path, document)
    found = read_label(tmp_path, clock=FrameClock(1, 8), frames_per_block=2)
    assert (found.latent_frame, found.video_frame, found.start_frame) == (5, 5, 6)


def test_a_folder_of_labels_is_read_in_order(tmp_path):
    for name in ("block_12_Animation", "block_3_Animation"):
        save(tmp_path, label(), f"{name}_trajectory.json")
    edit = label(translation([[9.0, -12.0]], 1), mode="Drag", blocks=1)
    save(tmp_path, edit, "block_3_Drag_trajectory.json")
    found = read_labels(tmp_path)
    assert [(one.block, one.mode) for one in found] == [
        (3, Mode.EDIT),
        (3, Mode.ANIMATE),
        (12, Mode.ANIMATE),
    ]
    with pytest.raises(ValueError, match=r"should hold one label, found block_3_Drag"):
        read_label(tmp_path)
    assert read_label(tmp_path / "block_12_Animation_trajectory.json") == found[2]


def test_folders_without_labels_are_refused(tmp_path):
    with pytest.raises(ValueError, match="found none"):
        read_label(tmp_path)
    with pytest.raises(ValueError, match="holds no label"):
        read_labels(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_label(tmp_path / "block_3_Drag_trajectory.json")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match=r"'other.json' is no label"):
        read_label(tmp_path / "other.json")


DELETE = object()
PART = ("trajectories", 0, "block_trajectories", 1)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("prompt",), DELETE, "label lacks 'prompt'; is it a DragStream label"),
        (("prompt",), 3, "label: prompt must be of type str, got 3"),
        (("block_number",), 0, "block_number must be at least 1"),
        (("block_number",), True, "block_number must be of type int"),
        (("block_number",), 3, r"trajectories\[0\].block_trajectories holds 2 blocks, .* is 3"),
        (("drag_or_animation_select",), "Drag", "the file's name says 'Animation'"),
        (("trajectories",), [], "trajectories is empty"),
        (("trajectories",), [None], r"trajectories\[0\] must be an object"),
        (("trajectories", 0, "mask_file"), DELETE, r"trajectories\[0\] lacks 'mask_file'"),
        (("trajectories", 0, "mask_file"), "none.png", "there is no file 'none.png'"),
        (("trajectories", 0, "mask_file"), "../handle.png", "in the label's folder"),
        (("trajectories", 0, "mask_file"), "..", "in the label's folder"),
        (("trajectories", 0, "mask_file"), "/etc/passwd", "in the label's folder"),
        (("trajectories", 0, "mask_file"), "", "in the label's folder"),
        (("trajectories", 0, "mask_file"), "a\0b", "must name a file"),
        (("movable_area_mask_file",), "../movable.png", "in the label's folder"),
        (("movable_area_mask_file",), 7, "movable_area_mask_file must be of type str"),
        (("trajectories", 0, "block_trajectories"), [], "block_trajectories is empty"),
        ((*PART, "is_rotation"), True, "is_rotation differs"),
        ((*PART, "is_rotation"), "no", "is_rotation must be of type bool"),
        ((*PART, "deltas"), [], "deltas is empty"),
        ((*PART, "deltas"), [[1, 2]], r"\[1\].deltas must hold 3 targets.*got 1"),
        ((*PART, "deltas", 2), 5.0, r"\[1\]: deltas\[2\] must be a pair"),
        ((*PART, "deltas", 2, 1), math.nan, r"y of deltas\[2\] must be finite"),
        ((*PART, "start_point"), [21, 20], "start_point differs between its blocks"),
        ((*PART, "start_point"), DELETE, r"\[1\] lacks 'start_point'"),
        (("trajectories", 1, "block_trajectories", 0, "deltas", 0), [1.0], "must be a number"),
        (
            ("trajectories", 1, "block_trajectories", 0, "rotation_center"),
            [1, 1],
            "rotation_center differs",
        ),
        (
            ("trajectories", 1, "block_trajectories", 1, "rotation_center"),
            DELETE,
            "lacks 'rotation",
        ),
    ],
)
def test_damage_is_named_with_its_place(tmp_path, place, value, message):
    document = copy.deepcopy(label())
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    if value is DELETE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    with pytest.raises(ValueError, match=message) as caught:
        read_label(save(tmp_path, document))
    assert "block_3_Animation_trajectory.json" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"block_number": 2', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1, 2]", "label must be an object"),
        ("{}", "lacks 'drag_or_animation_select'"),
    ],
)
def test_what_is_no_label_is_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_label(save(tmp_path, text))


def test_rest_is_no_drag(tmp_path):
    with pytest.raises(ValueError, match=r"trajectories\[0\]: a path must have a length"):
        read_label(save(tmp_path, label(translation([[0.0, 0.0]] * 6))))
    with pytest.raises(ValueError, match=r"trajectories\[0\]: a rotation must turn"):
        read_label(save(tmp_path, label(rotation([0.0] * 6))))


def test_block_0_has_no_frame_to_drag(tmp_path):
    with pytest.raises(ValueError, match="block 0"):
        read_label(save(tmp_path, label(), "block_0_Animation_trajectory.json"))


def test_masks_must_fit_one_another(tmp_path):
    save(tmp_path, label())
    Image.new("L", (W, H + 1), 255).save(tmp_path / "wheel.png")
    with pytest.raises(ValueError, match=r"trajectories\[1\].mask_file has shape \(49, 80\)"):
        read_label(tmp_path)
    save(tmp_path, label())
    Image.new("L", (W + 1, H), 255).save(tmp_path / "movable.png")
    with pytest.raises(ValueError, match=r"movable_area_mask_file has shape \(48, 81\)"):
        read_label(tmp_path)
    save(tmp_path, label())
    Image.new("L", (W, H)).save(tmp_path / "handle.png")
    with pytest.raises(ValueError, match="the handle has no pixel"):
        read_label(tmp_path)


def test_damaged_images_are_refused(tmp_path):
    save(tmp_path, label())
    whole = (tmp_path / "handle.png").read_bytes()
    for cut in range(0, whole.index(b"IDAT") + 20, 7):
        (tmp_path / "handle.png").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"handle\.png is no readable PNG"):
            read_label(tmp_path)
    for place in range(len(whole)):
        broken = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        (tmp_path / "handle.png").write_bytes(broken)
        with contextlib.suppress(ValueError):  # some damage goes unseen, none breaks out
            read_label(tmp_path)
    Image.new("L", (W, H)).save(tmp_path / "handle.png", format="BMP")
    with pytest.raises(ValueError, match="no readable PNG"):
        read_label(tmp_path)


def test_huge_images_are_refused_unread(tmp_path):
    save(tmp_path, label())
    Image.new("1", (8200, 8200)).save(tmp_path / "handle.png")
    with pytest.raises(ValueError, match="8200 x 8200 pixels, a mask may have at most 33554432"):
        read_label(tmp_path)


def test_masks_cannot_be_links_out_of_the_folder(tmp_path):
    inside = tmp_path / "label"
    inside.mkdir()
    save(inside, label())
    (inside / "handle.png").rename(tmp_path / "secret.png")
    (inside / "handle.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(ValueError, match="in the label's folder"):
        read_label(inside)
