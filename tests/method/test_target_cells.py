from __future__ import annotations

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.geometry import Affine, Grid
from dragstream.method.target_cells import enlarge, find_target_cells, move, resize, sample

GRID = Grid.of(64, 96)  # 4 x 6 tokens of 16 pixels
BOX = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)  # tokens (1, 1) and (1, 2)


def ramp(rows, columns):
    """A map whose two channels are the x and y of each cell's centre, in pixels."""
    x = (torch.arange(columns) + 0.5) * (96 / columns) - 0.5
    y = (torch.arange(rows) + 0.5) * (64 / rows) - 0.5
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def indices_of(found):
    indices = torch.stack((found.frames, found.rows, found.columns), dim=-1)
    return [tuple(index) for index in indices.tolist()]


def test_a_region_at_rest_refers_to_itself():
    cells = find_target_cells(BOX, {0: Affine.identity()}, GRID.cells(1))
    assert indices_of(cells) == [(0, 1, 1), (0, 1, 2)]
    assert cells.areas.tolist() == [256.0, 256.0]
    assert cells.area == 512.0
    found = sample(ramp(4, 6), cells.points)
    torch.testing.assert_close(found, ramp(4, 6)[cells.rows, cells.columns])


def test_targets_read_the_features_they_came_from():
    # one token down in frame 0; a token to the right, and back, in frame 2
    moves = {0: Affine.translation(0, 16), 2: Affine.translation(16, -16)}
    cells = find_target_cells(BOX, moves, GRID.cells(1))
    assert indices_of(cells) == [(0, 2, 1), (0, 2, 2), (2, 0, 2), (2, 0, 3)]
    features = torch.randn(4, 6, 7, generator=torch.Generator().manual_seed(0))
    found = sample(features, cells.points)
    expected = features[[1, 1, 1, 1], [1, 2, 1, 2]]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_steps_smaller_than_a_token_matter():
    cells = find_target_cells(BOX, {0: Affine.translation(4, 0)}, GRID.cells(1))
    # a quarter of a token further right: three quarters of (1, 1), all of (1, 2), a bit of (1, 3)
    assert indices_of(cells) == [(0, 1, 1), (0, 1, 2), (0, 1, 3)]
    assert cells.areas.tolist() == pytest.approx([192.0, 256.0, 64.0])
    # inside the frame features are read bilinearly, four pixels to the left of the token's centre
    torch.testing.assert_close(
        sample(ramp(4, 6), cells.points),
        ramp(4, 6)[cells.rows, cells.columns] - torch.tensor([4.0, 0.0]),
    )


def test_a_turn_reads_features_along_the_turn():
    centre = (47.5, 31.5)
    cells = find_target_cells(BOX, {1: Affine.rotation(centre, 90)}, GRID.cells(1))
    there = ramp(4, 6)[cells.rows, cells.columns]
    found = sample(ramp(4, 6), cells.points)
    # clockwise on screen: (dx, dy) -> (-dy, dx), so a target (dx, dy) came from (dy, -dx)
    delta = there - torch.tensor(centre)
    expected = torch.tensor(centre) + torch.stack((delta[:, 1], -delta[:, 0]), dim=-1)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert cells.area == pytest.approx(512.0)


def test_finer_cells():
    cells = find_target_cells(BOX, {0: Affine.translation(8, 0)}, GRID.cells(2))
    assert min(indices_of(cells)) == (0, 2, 3)
    assert len(indices_of(cells)) == 8
    assert cells.area == 512.0
    torch.testing.assert_close(
        sample(ramp(8, 12), cells.points),
        ramp(8, 12)[cells.rows, cells.columns] - torch.tensor([8.0, 0.0]),
    )


def test_nearest_masks_take_cells_wholly_or_not():
    cells = find_target_cells(BOX, {0: Affine.translation(4, 0)}, GRID.cells(1), nearest=True)
    assert set(cells.areas.tolist()) == {256.0}


def test_a_target_outside_the_frame_asks_for_nothing():
    cells = find_target_cells(BOX, {0: Affine.translation(500, 0)}, GRID.cells(1))
    assert indices_of(cells) == []
    assert cells.area == 0.0
    assert sample(ramp(4, 6), cells.points).shape == (0, 2)


def test_resize_measures_areas():
    mask = np.zeros((64, 96), dtype=bool)
    mask[:8, :4] = True
    coverage = resize(mask, 4, 6)
    assert float(coverage[0, 0]) == 32 / 256
    assert float(coverage.sum()) == 32 / 256
    assert torch.equal(resize(mask, 4, 6, nearest=True).unique(), torch.tensor([0.0, 1.0]))


def places(cells):
    """The centre of each cell, as `sample` takes points."""
    rows, columns = cells
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    size = torch.tensor((columns, rows))
    return (2 * (torch.stack((x, y), dim=-1) + 0.5) / size - 1).flatten(0, 1)


def test_an_enlarged_map_read_at_the_places_of_its_own_cells_is_the_map():
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(9.0), indexing="ij")
    ramps = torch.stack((x, y, 2 * x - y), dim=-1)
    for factor in (2, 3):
        larger = enlarge(ramps[None], factor)[0]
        assert larger.shape == (6 * factor, 9 * factor, 3)
        again = sample(larger, places((6, 9))).unflatten(0, (6, 9))
        inside = slice(1, -1)  # beyond the outermost centres a ramp is cut off
        torch.testing.assert_close(again[inside, inside], ramps[inside, inside], atol=1e-4, rtol=0)
    corners = enlarge(ramps[None], 2, corners=True)[0]
    torch.testing.assert_close(corners[0, -1], ramps[0, -1])  # and there corner lies on corner
    again = sample(corners, places((6, 9))).unflatten(0, (6, 9))
    assert float((again - ramps)[1:-1, 1:-1].abs().max()) > 0.2


def test_nearest_masks_move_by_whole_pixels_and_are_lost_outside():
    mask = np.zeros((6, 8), dtype=bool)
    mask[1:4, 1:3] = True
    moved = move(mask, Affine.translation(5.4, -1.6), nearest=True)
    expected = np.zeros((6, 8), np.float32)
    expected[0:2, 6:8] = 1
    assert np.array_equal(moved, expected)
    turned = move(mask, Affine.rotation((2, 2), 90), nearest=True)
    assert np.array_equal(np.argwhere(turned), [[r, c] for r in (1, 2) for c in (1, 2, 3)])


def test_nearest_features_come_from_whole_cells_and_are_zero_outside():
    ramp = torch.arange(4.0 * 6).reshape(4, 6, 1) + 1
    mask = np.ones((64, 96), dtype=bool)
    # 1.4 cells to the right: the nearest source is one cell to the left
    cells = find_target_cells(
        mask, {0: Affine.translation(22.4, 0)}, (4, 6), nearest=True, from_nearest=True
    )
    found = torch.zeros(4, 6)
    read = sample(ramp, cells.points, nearest=True)[:, 0]
    found[cells.rows, cells.columns] = read
    assert torch.equal(found[:, 2:], ramp[:, 1:5, 0])
    outside = sample(ramp, torch.tensor([[-1.5, 0.0], [0.0, 1.4]]), nearest=True)
    assert torch.equal(outside, torch.zeros(2, 1))
