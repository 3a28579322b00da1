from __future__ import annotations

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.geometry import Grid
from dragstream.drags.motions import Rotation, Translation
from dragstream.method.baselines import DragVideo
from dragstream.method.baselines.drag_video import handle_points, patch, read, supervise, track

GRID = Grid.of(64, 96)  # 8 x 12 latents, 4 x 6 tokens
CELL = (8.0, 8.0)  # pixels of a cell at two cells per token
HERE = torch.device("cpu")


def start(scene, settings=None, drags=None, **kwargs):
    settings = DragVideo(iterations=4) if settings is None else settings
    return scene.run(settings, drags, **kwargs)


def centre(row, column):
    """The pixel in the middle of a cell."""
    return [8 * column + 3.5, 8 * row + 3.5]


def maps(seed=0):
    return torch.randn(8, 12, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_tracking_follows_a_known_shift():
    features = maps()
    points = torch.tensor([centre(3, 4), centre(4, 7)], dtype=torch.float64)
    templates = read(features, points, GRID)
    shifted = torch.roll(features, shifts=(-1, 2), dims=(0, 1))  # a cell up, two to the right
    found = track(shifted, templates, points, patch(3, CELL, HERE), GRID)
    torch.testing.assert_close(found, points + torch.tensor([16.0, -8.0], dtype=torch.float64))
    # two cells are out of reach of a search of one
    near = track(shifted, templates, points, patch(1, CELL, HERE), GRID)
    assert ((near - points).abs() <= 8).all()


def test_tracked_points_stay_in_the_frame():
    corner = torch.tensor([[95.0, 0.0]], dtype=torch.float64)
    found = track(maps(), torch.full((1, 5), 9.0).double(), corner, patch(3, CELL, HERE), GRID)
    assert 0 <= found[0, 0] <= 95
    assert 0 <= found[0, 1] <= 63


def test_supervision_compares_a_patch_with_itself_one_step_on():
    features = maps()
    at = torch.tensor([centre(3, 4)], dtype=torch.float64)
    around = patch(1, CELL, HERE)
    far = at + torch.tensor([[80.0, 0.0]])
    loss = supervise(features, at, far, around, grid=GRID, step=8.0)
    expected = (features[2:5, 4:7] - features[2:5, 3:6]).abs().mean()
    assert float(loss) == pytest.approx(float(expected))
    near = at + torch.tensor([[0.0, 4.0]])  # nearer than a step: half a cell
    half = (features[2:5, 3:6] + features[3:6, 3:6]) / 2
    loss = supervise(features, at, near, around, grid=GRID, step=8.0)
    assert float(loss) == pytest.approx(float((half - features[2:5, 3:6]).abs().mean()))
    assert float(supervise(features, at, at, around, grid=GRID, step=8.0)) == 0.0


def test_supervision_moves_what_lies_ahead_not_what_is_held():
    """Only the place that the patch shall move to feels a gradient."""
    features = maps().requires_grad_()
    at = torch.tensor([centre(3, 4)], dtype=torch.float64)
    far = at + torch.tensor([[80.0, 0.0]])
    supervise(features, at, far, patch(0, CELL, HERE), grid=GRID, step=8.0).backward()
    felt = features.grad.abs().sum(dim=-1).nonzero().tolist()
    assert felt == [[3, 5]]


def test_handle_points_are_apart_and_inside():
    mask = regions.rasterise(regions.disc(center=(40, 30), radius=16), 64, 96)
    points = handle_points(mask, 4)
    assert points.shape == (4, 2)
    np.testing.assert_allclose(points[0], (40, 30), atol=0.5)
    assert (np.linalg.norm(points - (40, 30), axis=1) <= 9).all()  # the inner half
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1) + 99 * np.eye(4)
    assert gaps.min() > 6
    one = np.zeros((64, 96), bool)
    one[5, 7] = True
    np.testing.assert_array_equal(handle_points(one, 4), [[7, 5]])


def test_points_begin_where_they_stood_and_aim_at_the_drags_targets(scene):
    drag = scene.drag(Translation.by(24, 8), (2 / 3, None, 1.0), start=1 / 3)
    run = start(scene, DragVideo(iterations=1, points=1), [drag])
    next(run)
    middle = handle_points(scene.mask, 1)
    first, last = run._points
    assert (first.frame, last.frame) == (0, 2)
    for points, share in ((first, 2 / 3), (last, 1.0)):
        np.testing.assert_allclose(points.at, middle + np.array((24, 8)) / 3, atol=1e-4)
        np.testing.assert_allclose(points.targets, middle + np.array((24, 8)) * share, atol=1e-4)


def test_motion_supervision_lowers_its_own_loss(scene):
    """Points held where they are: then the loss is the same function in each iteration."""
    settings = DragVideo(iterations=6, search_radius=0, learning_rate=0.01)
    losses = [record.loss for record in start(scene, settings)]
    assert losses[-1] < losses[0]


def test_what_keep_covers_stays_to_the_bit(scene):
    keep = regions.rasterise(regions.box(0, 48, 96, 64), 64, 96)
    keep[:, :4] = True  # half a column of cells
    settings = DragVideo(iterations=3, weight_decay=0.01)
    run = start(scene, settings, keep=keep)
    list(run)
    change = (run.latents - scene.latents).abs()
    assert float(change[..., 6:, :].max()) == 0.0
    assert float(change[..., :6, :].max()) > 0.01
    free = start(scene, settings)
    next(free)
    once = start(scene, settings, keep=keep)
    next(once)
    half = (once.latents - scene.latents)[..., :6, 0]
    torch.testing.assert_close(half, 0.5 * (free.latents - scene.latents)[..., :6, 0])


def test_a_turn_drags_the_points_that_are_off_its_centre(scene):
    drag = scene.drag(Rotation((32, 28), degrees=45), (None, None, 1.0))
    run = start(scene, DragVideo(iterations=1), [drag])
    assert next(run).gradient_norm > 0
    (points,) = run._points
    lengths = torch.linalg.vector_norm(points.targets - points.at, dim=-1)
    assert float(lengths.max()) > 3


def test_its_many_steps_are_a_quarter_as_long_as_dragstreams(scene):
    spec = scene.model.spec
    assert DragVideo().resolve(spec).learning_rate == pytest.approx(0.05 / 4)
    assert DragVideo(learning_rate=0.02).resolve(spec).learning_rate == 0.02
    once = DragVideo().resolve(spec)
    assert once.resolve(spec) == once


@pytest.mark.parametrize(
    ("constants", "error", "said"),
    [
        ({"points": 0}, ValueError, "points"),
        ({"step_cells": 0}, ValueError, "step_cells"),
        ({"patch_radius": -1}, ValueError, "patch_radius"),
        ({"search_radius": 1.5}, TypeError, "search_radius"),
        ({"upsampling": 0}, ValueError, "upsampling"),
    ],
)
def test_bad_constants_are_named(constants, error, said):
    with pytest.raises(error, match=said):
        DragVideo(**constants)


def test_a_mask_of_another_size_is_refused(scene):
    with pytest.raises(ValueError, match="keep must have shape"):
        start(scene, keep=np.zeros((32, 48), bool))
