"""The optimisation begun with the dragged object at its target."""

import dataclasses

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Translation
from dragstream.method.settings import DragSettings


def warm(**overrides):
    off = dict.fromkeys(("rectification", "focus", "constraint", "cutoffs"), False)
    return DragSettings.fast(**{**off, "iterations": 0, **overrides})


def test_cells_that_a_region_covers_in_part_change_in_part(scene):
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)
    whole, half = (
        scene.run(
            warm(), [scene.drag(Translation.by(16 + shift, 16), (1.0, None, None), mask=mask)]
        )
        for shift in (0, 4)
    )
    first = (whole.latents - scene.latents)[0, 0, :, 4:6].abs().sum(0)
    second = (half.latents - scene.latents)[0, 0, :, 4:6].abs().sum(0)
    assert torch.nonzero(first.sum(0)).flatten().tolist() == [4, 5, 6, 7]
    assert torch.nonzero(second.sum(0)).flatten().tolist() == [4, 5, 6, 7, 8]


def test_of_overlapping_regions_the_later_is_in_front(scene):
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)
    left, down = (
        scene.drag(Translation.by(*by), (None, None, 1.0), mask=mask) for by in ((16, 0), (16, 16))
    )
    alone, both = scene.run(warm(), [down]), scene.run(warm(), [left, down])
    torch.testing.assert_close(
        both.latents[0, 2, :, 4:6, 4:8], alone.latents[0, 2, :, 4:6, 4:8], atol=1e-5, rtol=1e-5
    )


def test_what_is_kept_is_compared_with_the_block_before_the_start(scene):
    keep = np.zeros((64, 96), bool)
    keep[:16] = True
    settings = {"constraint": 1.0, "iterations": 1}
    cold = next(scene.run(warm(**settings, warm_start=False), keep=keep))
    started = next(scene.run(warm(**settings), keep=keep))
    assert cold.loss_cst == 0.0
    assert started.loss_cst > 0.0


def test_it_takes_one_more_pass_of_the_block(scene, monkeypatch):
    clean = torch.zeros_like(scene.latents[0, 0])
    drag = scene.drag(reference=dataclasses.replace(scene.reference, clean=clean))

    def passes(settings):
        seen = []
        with monkeypatch.context() as patch:
            read = scene.model.read
            patch.setattr(scene.model, "read", lambda *a, **b: seen.append(1) or read(*a, **b))
            list(scene.run(settings, [drag]))
        return len(seen)

    cold = passes(warm(iterations=2, warm_start=False))
    assert passes(warm(iterations=2)) == cold + 1


def test_the_loss_begins_lower(scene):
    cold, started = (
        next(scene.run(warm(iterations=1, warm_start=on, prediction_weight=1.0)))
        for on in (False, True)
    )
    assert started.loss < cold.loss


def test_fast_is_one_iteration_from_a_warm_start():
    fast = DragSettings.fast()
    assert fast == DragSettings(iterations=1, warm_start=True)
    assert repr(fast) == "DragSettings.fast()"
    assert repr(DragSettings.fast(iterations=2)) == "DragSettings.fast(iterations=2)"
    assert DragSettings.from_json(fast.to_json()) == fast
    with pytest.raises(ValueError, match="needs segment_pixels=None"):
        DragSettings.fast(segment_pixels=16)
    with pytest.raises(TypeError, match="warm_start"):
        DragSettings(warm_start=1)
