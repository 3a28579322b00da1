from __future__ import annotations

import math

import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.geometry import Grid
from dragstream.drags.motions import Translation
from dragstream.method.block_drags import BlockDrag, Reference
from dragstream.method.settings import DragSettings
from dragstream.method.targets import compute_targets, focus_map

GRID = Grid.of(64, 96)  # 8 x 12 latents of 8 pixels, 4 x 6 tokens of 16
MASK = regions.rasterise(regions.box(16, 16, 32, 32), 64, 96)  # token (1, 1)


def drag(fractions):
    reference = Reference(torch.zeros(1, 3, 4, 8, 12), 0.9, None, frame=0)
    return BlockDrag(reference, MASK, Translation.by(64, 0), fractions)


def test_the_focus_follows_each_frames_target_of_the_segment():
    maps = focus_map([drag((0.5, None, 1.0))], 0.5, GRID, DragSettings.paper())
    assert maps.shape == (1, 3, 1, 8, 12)
    # half of 32 and of 64 pixels on: centred between latents; sigma is 8 pixels, one latent
    corner, next_to_it = math.exp(-0.25), math.exp(-(0.5**2 + 1.5**2) / 2)
    found = maps[0, :, 0]
    assert found[0, 2, 4:7].tolist() == pytest.approx([corner, corner, next_to_it])
    assert float(found[1].max()) == 0.0
    assert found[2, 3, 5:9].tolist() == pytest.approx([next_to_it, corner, corner, next_to_it])


def test_targets_lie_at_their_share_of_the_way():
    settings = DragSettings.paper()
    targets = compute_targets([drag((0.5, None, 1.0))], 0.5, GRID, settings, torch.device("cpu"))
    (cells,) = targets.cells
    assert cells.frames.tolist() == [0, 2]
    assert cells.rows.tolist() == [1, 1]
    assert cells.columns.tolist() == [2, 3]
    assert targets.area == 512.0
