"""The renderer: what it draws is where its truth says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from dragstream.models.playground import world


def scene(**changes: float) -> world.Scenes:
    """One blue box in the middle of one frame, with some of its numbers changed."""
    drawn = world.sample_scenes(torch.Generator().manual_seed(0), 1, 1, objects=1)
    values = {
        "place": list(world.PLACES).index("room"),
        "kind": world.KINDS.index("box"),
        "color": list(world.COLORS).index("blue"),
        "x": 96.0,
        "y": 80.0,
        "radius": 20.0,
        "camera": 0,
        "pan": 0.0,
        "aspect": 0.0,
        "angle": 0.0,
        "yaw": 0.0,
        **changes,
    }
    fields = {name: torch.full_like(getattr(drawn, name), value) for name, value in values.items()}
    return dataclasses.replace(drawn, **fields)


def test_the_same_seed_gives_the_same_video() -> None:
    clips = [
        world.render(world.sample_scenes(torch.Generator().manual_seed(3), 2, 3)) for _ in range(2)
    ]
    assert np.array_equal(*clips)
    assert clips[0].shape == (2, 3, world.HEIGHT, world.WIDTH, 3)
    assert clips[0].dtype == np.uint8


def test_an_object_is_where_its_centre_says() -> None:
    seen = world.masks(scene(x=60.0, y=75.0))[0, 0, 0]
    rows, columns = np.nonzero(seen)
    assert columns.mean() == pytest.approx(60.0, abs=0.3)
    assert rows.mean() == pytest.approx(75.0, abs=0.3)


def test_a_ball_covers_the_area_of_its_circle() -> None:
    critter = world.KINDS.index("critter")
    for aspect in (0.0, 0.3):  # stretching keeps the area
        area = world.masks(scene(kind=critter, aspect=aspect))[0, 0, 0].sum()
        assert area == pytest.approx(np.pi * 20.0**2, rel=0.02)


def test_angles_turn_clockwise_on_screen() -> None:
    flat = world.masks(scene(aspect=0.35))[0, 0, 0]
    turned = world.masks(scene(aspect=0.35, angle=30.0))[0, 0, 0]
    rows, columns = np.nonzero(turned)
    # Along the long side of a box turned clockwise, y (down) grows with x.
    slope = np.cov(columns, rows)[0, 1]
    assert abs(np.cov(*np.nonzero(flat)[::-1])[0, 1]) < 0.02 * slope


def test_a_yawing_critter_moves_its_eyes_and_nothing_else() -> None:
    critter = world.KINDS.index("critter")
    left, right = (world.render(scene(kind=critter, yaw=yaw))[0, 0] for yaw in (-40.0, 40.0))
    white = [np.nonzero(frame.min(axis=-1) > 248)[1] for frame in (left, right)]
    middle = [columns[abs(columns - 96) < 20].mean() for columns in white]
    assert middle[0] < 92
    assert middle[1] > 100
    changed = np.nonzero((left != right).any(axis=-1))
    assert max(abs(changed[1] - 96)) <= 21
    assert max(abs(changed[0] - 80)) <= 21


def test_the_lower_object_hides_the_upper_one() -> None:
    drawn = world.sample_scenes(torch.Generator().manual_seed(1), 1, 1, objects=2)
    spots = {"x": torch.tensor([[[90.0, 100.0]]]), "y": torch.tensor([[[80.0, 70.0]]])}
    seen = world.masks(dataclasses.replace(drawn, **spots))[0, 0]
    swapped = {**spots, "y": torch.tensor([[[70.0, 80.0]]])}
    hidden = world.masks(dataclasses.replace(drawn, **swapped))[0, 0]
    assert not (seen[0] & seen[1]).any()
    assert seen[0].sum() > hidden[0].sum()


def test_objects_stay_in_the_frame_and_jump_further_than_people_drag() -> None:
    scenes = world.sample_scenes(torch.Generator().manual_seed(5), 64, 40)
    assert scenes.x.min() > 0
    assert scenes.x.max() < world.WIDTH
    assert scenes.y.max() < world.HEIGHT
    moved = (scenes.x[:, 3:] - scenes.x[:, :-3]).abs().flatten()
    assert moved.quantile(0.9) > 20  # pixels in a block


@pytest.mark.parametrize(("count", "frames", "objects"), [(0, 1, None), (1, 0, None), (1, 1, 3)])
def test_impossible_scenes_are_refused(count: int, frames: int, objects: int | None) -> None:
    with pytest.raises(ValueError, match="got"):
        world.sample_scenes(torch.Generator(), count, frames, objects)


def test_a_panning_camera_moves_the_whole_picture() -> None:
    still = scene()
    turned = world.render(dataclasses.replace(still, pan=torch.full_like(still.pan, 9.0)))[0, 0]
    floor = slice(world.HEIGHT - 12, world.HEIGHT)
    before, after = (frame[floor].astype(int) for frame in (world.render(still)[0, 0], turned))
    assert np.array_equal(after[:, :-9], before[:, 9:])  # to the right: what is seen goes left
    assert not np.array_equal(after, before)


def test_a_camera_pans_the_way_it_says_and_objects_go_the_other_way() -> None:
    scenes = world.sample_scenes(torch.Generator().manual_seed(2), 3000, 12)
    assert float((scenes.camera > 0).float().mean()) == pytest.approx(0.15, abs=0.02)
    way = torch.tensor([0.0, -1.0, 1.0])[scenes.camera]
    assert torch.all(scenes.pan[:, 0] == 0)
    assert torch.all(scenes.pan[scenes.camera == 0] == 0)
    assert torch.all((scenes.pan[:, -1, 0] * way)[scenes.camera > 0] > 0)
    went = (scenes.x[:, -1] - scenes.x[:, 0]).mean(dim=1)
    still, left, right = (float(went[scenes.camera == index].mean()) for index in range(3))
    assert left - still > 8  # what does not bounce off a side goes 27 pixels
    assert right - still < -8
