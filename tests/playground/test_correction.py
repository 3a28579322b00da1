"""Scenes that are fitted to frames: rendered ones, whose truth is known, and damaged ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dragstream.models.playground import clips, world
from dragstream.models.playground.correction import fit_scenes, repeated

ANGLES = {"critter": 360.0, "box": 180.0}
"""Turns by which a kind looks the same."""


def scene(*kinds: str, **poses: list[float]) -> world.Scenes:
    """One frame of a scene with an object of each kind."""
    rest = {"x": 90.0, "y": 84.0, "radius": 34.0, "aspect": 0.0, "angle": 0.0, "yaw": 0.0}
    count = len(kinds)
    return world.Scenes(
        place=torch.zeros(1, dtype=torch.int64),
        kind=torch.tensor([[world.KINDS.index(kind) for kind in kinds]]),
        color=torch.arange(count)[None] * 4,
        motion=torch.zeros(1, count, dtype=torch.int64),
        present=torch.ones(1, count, dtype=torch.bool),
        camera=torch.zeros(1, dtype=torch.int64),
        pan=torch.zeros(1, 1, 1),
        **{
            name: torch.tensor(poses.get(name, [value] * count))[None, None]
            for name, value in rest.items()
        },
    )


def frames_of(scenes: world.Scenes) -> torch.Tensor:
    return clips.as_input(torch.from_numpy(world.render(scenes))).permute(0, 1, 4, 2, 3)


@pytest.mark.parametrize("kind", world.KINDS)
def test_a_rendered_pose_is_found_again(kind: str) -> None:
    before = scene(kind)
    truth = scene(kind, x=[121.0], y=[99.0], radius=[37.0], aspect=[0.2], angle=[-27.0], yaw=[35.0])
    found = fit_scenes(frames_of(truth), before)
    assert abs(float(found.x - 121)) < 1
    assert abs(float(found.y - 99)) < 1
    assert abs(float(found.radius - 37)) < 1.5
    if kind != "star":  # stretched along one axis or another, a star looks nearly the same
        assert abs(float(found.aspect - 0.2)) < 0.05
        turn = ANGLES[kind]
        off = (float(found.angle) + 27 + turn / 2) % turn - turn / 2
        assert abs(off) < 8
    if kind == "critter":
        assert abs(float(found.yaw - 35)) < 12
    picture = world.render(found)[0, 0].astype(float)
    assert np.abs(picture - world.render(truth)[0, 0]).mean() < 3.0


def test_two_objects_that_overlap_are_found() -> None:
    before = scene("box", "star", x=[70.0, 180.0], y=[84.0, 80.0])
    truth = scene("box", "star", x=[100.0, 135.0], y=[90.0, 80.0], angle=[20.0, 10.0])
    found = fit_scenes(frames_of(truth), before)
    assert torch.allclose(found.x, truth.x, atol=2.0)
    assert torch.allclose(found.y, truth.y, atol=2.0)


def test_a_damaged_box_is_drawn_with_its_corners() -> None:
    truth = scene("box", x=[110.0], y=[90.0], angle=[12.0])
    video = world.render(truth)[0, 0].copy()
    y, x = np.mgrid[: world.HEIGHT, : world.WIDTH]
    video[(x - 110) ** 2 + (y - 90) ** 2 > 31**2] = world.render(
        replace(truth, present=torch.zeros_like(truth.present))
    )[0, 0][(x - 110) ** 2 + (y - 90) ** 2 > 31**2]
    frames = clips.as_input(torch.from_numpy(video)).permute(2, 0, 1)[None, None]
    found = fit_scenes(frames, scene("box"))
    assert abs(float(found.x - 110)) < 2
    assert abs(float(found.y - 90)) < 2
    assert abs(float(found.radius - 34)) < 4
    assert abs((float(found.angle) - 12 + 90) % 180 - 90) < 8


def test_what_is_not_seen_stays_where_it_was() -> None:
    before = scene("box", "critter", x=[60.0, 190.0])
    alone = replace(before, present=torch.tensor([[True, False]]))
    found = fit_scenes(frames_of(alone), alone)
    assert abs(float(found.x[..., 0] - 60)) < 1
    assert float(found.x[..., 1]) == 190.0


def test_fits_depend_on_nothing_else_and_change_nothing() -> None:
    before = scene("star")
    frames = frames_of(scene("star", x=[100.0]))
    first, x = fit_scenes(frames, before), before.x.clone()
    second = fit_scenes(frames, before)
    assert torch.equal(first.x, second.x)
    assert torch.equal(before.x, x)
    assert not first.x.requires_grad


def test_a_panning_camera_pans_on() -> None:
    before = replace(repeated(scene("box"), 1), pan=torch.tensor([[[0.0], [2.5]]]))
    two = {
        name: getattr(before, name).expand(-1, 2, -1)
        for name in ("x", "y", "radius", "aspect", "angle", "yaw")
    }
    before = replace(before, **two)
    found = fit_scenes(frames_of(before), before)
    assert found.pan.flatten().tolist() == [5.0, 7.5]


def test_scenes_are_repeated_one_after_the_other() -> None:
    both = world.sample_scenes(torch.Generator().manual_seed(0), 2, 3)
    twice = repeated(both, 2)
    assert len(twice) == 4
    assert torch.equal(twice.x[0], both.x[0])
    assert torch.equal(twice.x[1], both.x[0])
    assert torch.equal(twice.pan[3], both.pan[1])


def test_a_sketch_is_the_picture_seen_coarsely() -> None:
    scenes = world.sample_scenes(torch.Generator().manual_seed(5), 2, 1)
    coarse = world.sketch(scenes, 4)
    picture = torch.from_numpy(world.render(scenes)).float()[:, 0].permute(0, 3, 1, 2) / 255
    pooled = torch.nn.functional.avg_pool2d(picture, 4).permute(0, 2, 3, 1)
    assert coarse.shape == (2, 1, 40, 64, 3)
    assert float((coarse[:, 0] - pooled).abs().mean()) < 0.01


def test_frames_of_another_size_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"must be \(1, F, 3, 160, 256\), got \(2, 1, 3, 160, 256\)"
    ):
        fit_scenes(torch.zeros(2, 1, 3, 160, 256), scene("box"))
    with pytest.raises(ValueError, match="got"):
        fit_scenes(torch.zeros(1, 3, 160, 256), scene("box"))
