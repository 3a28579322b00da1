"""The optimisation begun with the dragged object at its target."""

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Translation
from dragstream.method.settings import DragSettings

SIGMA = 0.9


def predicted(scene, latents, context):
    return scene.model.wan.read(latents, SIGMA, context, (1,), predict=True).x0.float()


def warm(**overrides):
    off = dict.fromkeys(("rectification", "focus", "constraint", "cutoffs"), False)
    return DragSettings.fast(**{**off, "iterations": 0, **overrides})


def test_the_clean_part_at_the_targets_is_that_of_the_reference(scene):
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)  # latent cells 2..3 by 2..5
    drag = scene.drag(Translation.by(16, 16), (None, 1.0, None), mask=mask)
    moved = scene.run(warm(), [drag]).latents
    now = predicted(scene, scene.latents, scene.context)
    then = predicted(scene, scene.reference.latents, scene.reference.context)
    wanted = scene.latents.clone()
    change = then[0, 2, :, 2:4, 2:6] - now[0, 1, :, 4:6, 4:8]
    wanted[0, 1, :, 4:6, 4:8] += (1 - SIGMA) * change
    torch.testing.assert_close(moved, wanted, atol=1e-5, rtol=1e-5)
    assert float((moved - scene.latents).abs().max()) > 0.01


def test_cells_that_a_region_covers_in_part_change_in_part(scene):
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)
    whole, half = (
        scene.run(
            warm(), [scene.drag(Translation.by(16 + shift, 16), (1.0, None, None), mask=mask)]
        )
        for shift in (0, 4)
    )
    first = (whole.latents - scene.latents)[0, 0].abs().sum(0)
    second = (half.latents - scene.latents)[0, 0].abs().sum(0)
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
    def passes(settings):
        seen = []
        with monkeypatch.context() as patch:
            read = scene.model.read
            patch.setattr(scene.model, "read", lambda *a, **b: seen.append(1) or read(*a, **b))
            list(scene.run(settings))
        return len(seen)

    cold = passes(warm(iterations=2, warm_start=False))
    assert passes(warm(iterations=2)) == cold + 1


def test_the_loss_begins_lower(scene):
    cold, started = (
        next(scene.run(warm(iterations=1, warm_start=on, prediction_weight=1.0)))
        for on in (False, True)
    )
    assert started.loss < cold.loss


def test_fast_is_two_iterations_from_a_warm_start():
    fast = DragSettings.fast()
    assert fast == DragSettings(iterations=2, warm_start=True)
    assert repr(fast) == "DragSettings.fast()"
    assert repr(DragSettings.fast(iterations=1)) == "DragSettings.fast(iterations=1)"
    assert DragSettings.from_json(fast.to_json()) == fast
    with pytest.raises(ValueError, match="needs segment_pixels=None"):
        DragSettings.fast(segment_pixels=16)
    with pytest.raises(TypeError, match="warm_start"):
        DragSettings(warm_start=1)
