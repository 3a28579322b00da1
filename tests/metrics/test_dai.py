from __future__ import annotations

import math

import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.geometry import Affine, Grid
from dragstream.drags.motions import Deformation, Drag, Rotation, Translation
from dragstream.metrics.dai import dai, handle_point, patch_radius

GRID = Grid.of(128, 192)


def ramp() -> torch.Tensor:
    """Latents whose two channels are the pixel coordinates x and y of their centres."""
    x = torch.arange(24) * 8 + 3.5
    y = torch.arange(16) * 8 + 3.5
    return torch.stack([x.expand(16, 24), y[:, None].expand(16, 24)])


def test_content_that_moved_as_commanded_scores_zero() -> None:
    # The picture moved by (16, 8) pixels, two latents and one.
    moved = ramp() - torch.tensor([16.0, 8.0])[:, None, None]
    shift = Affine.translation(16, 8)
    assert dai(ramp(), moved[None], (80, 60), [shift], grid=GRID, radius=6) == pytest.approx(
        0, abs=1e-6
    )


def test_content_that_stayed_scores_the_difference() -> None:
    # Every one of the 13 x 13 samples differs by (16, 8): the norm of the whole patch is
    # sqrt(169) * |(16, 8)|, divided by 169.
    shift = Affine.translation(16, 8)
    value = dai(ramp(), ramp()[None], (80, 60), [shift], grid=GRID, radius=6)
    assert value == pytest.approx(math.hypot(16, 8) / 13, rel=1e-4)


def test_x_and_y_scale_apart() -> None:
    # 12 pixels a latent along x, 8 along y.
    grid = Grid(
        height=128, width=288, latent_height=16, latent_width=24, token_height=8, token_width=12
    )
    x = torch.arange(24) * 12 + 5.5
    latents = x.expand(1, 16, 24)
    shift = Affine.translation(24, 16)
    value = dai(latents, latents[None], (80, 60), [shift], grid=grid, radius=2)
    assert value == pytest.approx(24 / 5, rel=1e-4)


def test_trajectory_points_are_averaged() -> None:
    shifts = [Affine.translation(8, 0), Affine.translation(16, 0)]
    value = dai(ramp(), torch.stack([ramp(), ramp()]), (80, 60), shifts, grid=GRID, radius=2)
    assert value == pytest.approx(12 / 5, rel=1e-4)


def test_the_handle_point_is_the_middle_of_what_is_held() -> None:
    region = regions.box(40, 30, 100, 60)
    assert handle_point(Drag(region, Translation.by(9, 0)), 128, 192) == (69.5, 44.5)
    x, y = handle_point(Drag(region, Deformation.by(9, 0)), 128, 192)  # its right third
    assert x == pytest.approx(89.5, abs=1)
    assert y == 44.5


def test_the_handle_point_of_a_rotation_is_away_from_its_centre() -> None:
    spinning = Drag(regions.box(40, 30, 100, 60), Rotation((69.5, 44.5), 30))
    x, y = handle_point(spinning, 128, 192)
    # Half-way to a corner, which is (29.5, 14.5) away.
    assert (abs(x - 69.5), abs(y - 44.5)) == pytest.approx((14.75, 7.25), abs=0.5)
    arm = Drag(regions.box(80, 60, 121, 64), Rotation((80, 62), -20))
    assert handle_point(arm, 128, 192) == pytest.approx((100, 62), abs=1)


def test_the_patch_turns_with_a_rotation() -> None:
    turn = Affine.rotation((80, 60), 90)
    back = turn.inverse()
    flat = ramp().permute(1, 2, 0)
    turned = torch.from_numpy(back.apply(flat.numpy())).float().permute(2, 0, 1)
    obeyed = dai(ramp(), turned[None], (80, 60), [turn], grid=GRID, radius=4)
    stayed = dai(ramp(), ramp()[None], (80, 60), [turn], grid=GRID, radius=4)
    assert obeyed == pytest.approx(0, abs=1e-4)
    assert stayed > 0.3


def test_the_papers_radius_scales_with_the_frame() -> None:
    assert patch_radius(Grid.of(480, 832)) == 20
    assert patch_radius(GRID) == 5  # 20 * 192 / 832 = 4.6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reference": torch.zeros(2, 15, 24)}, "reference must have shape"),
        ({"dragged": torch.zeros(1, 3, 16, 24)}, "dragged must have shape"),
        ({"targets": []}, "1 dragged latents need as many targets: 0"),
        ({"radius": 0}, "radius"),
        ({"handle": (float("nan"), 1)}, "handle"),
    ],
)
def test_bad_arguments_are_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        dai(**arguments(change))


def test_a_radius_is_a_whole_number() -> None:
    with pytest.raises(TypeError, match=r"radius must be an integer, got 2\.5"):
        dai(**arguments({"radius": 2.5}))


def arguments(change: dict[str, object]) -> dict[str, object]:
    return {
        "reference": ramp(),
        "dragged": ramp()[None],
        "handle": (80, 60),
        "targets": [Affine.identity()],
        "grid": GRID,
        "radius": 4,
        **change,
    }
