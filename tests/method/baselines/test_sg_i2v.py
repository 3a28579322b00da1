from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Rotation, Translation
from dragstream.method.baselines import SGI2V
from dragstream.method.baselines.sg_i2v import _box
from dragstream.method.block_drags import Reference


def start(scene, settings=None, drags=None, **kwargs):
    settings = SGI2V() if settings is None else settings
    return scene.run(settings, drags, **kwargs)


def test_the_loss_falls_and_nothing_is_rectified(scene):
    run = start(scene, SGI2V(iterations=6, cutoff=1.0))
    records = list(run)
    assert len(run) == len(records) == 6
    assert records[-1].loss < 0.8 * records[0].loss
    assert all(record.loss == record.loss_rec and record.loss_cst == 0 for record in records)
    assert all(record.moments == record.moments_before for record in records[:-1])
    assert records[-1].moments.means == pytest.approx(records[-1].moments_before.means, abs=1e-6)
    assert scene.latents.requires_grad is False


def test_what_is_in_place_already_costs_nothing(scene):
    itself = Reference(scene.latents, 0.9, scene.context, frame=2)
    drag = scene.drag(fractions=(None, None, 0.0), reference=itself)
    assert next(start(scene, drags=[drag])).loss == pytest.approx(0.0, abs=1e-10)


def test_high_frequencies_are_those_of_the_original(scene):
    """With cutoff w and order n, 1 - 1 / (1 + (r / w)^2n) of the original is left at radius r."""
    settings = SGI2V(cutoff=0.2, filter_order=3)
    run = start(scene, settings)
    *_, stepped = (run.latents.clone() for _ in zip(range(4), run, strict=False))
    # the same five steps without the last act
    free = start(scene, dataclasses.replace(settings, cutoff=1.0))
    list(free), list(run)
    spectrum = torch.fft.fft2(run.latents.double())
    optimised, original = torch.fft.fft2(free.latents.double()), torch.fft.fft2(scene.latents)
    rows, columns = torch.fft.fftfreq(8)[:, None], torch.fft.fftfreq(12)[None]
    gain = 1 / (1 + ((rows**2 + columns**2).sqrt() / 0.2) ** 6)
    expected = gain * optimised + (1 - gain) * original
    torch.testing.assert_close(spectrum, expected, atol=1e-4, rtol=1e-4)
    corner = (spectrum - original).abs()[..., 4, 6] / (optimised - original).abs()[..., 4, 6]
    assert float(corner.max()) < 0.003
    assert not torch.equal(stepped, run.latents)


def test_the_middle_of_the_box_weighs_most_and_its_size_sets_the_width(scene):
    mask = regions.rasterise(regions.box(16, 16, 48, 48), 64, 96)
    drag = scene.drag(Translation.by(16, 0), (None, None, 1.0), mask=mask)
    cells, weights = _box(drag, scene.model.spec.grid, upsampling=1, spread=0.5)
    # 2 x 2 tokens, moved one token to the right; each is 8 px from the middle along both axes
    found = zip(cells.rows.tolist(), cells.columns.tolist(), strict=True)
    assert set(found) == {(1, 2), (1, 3), (2, 2), (2, 3)}
    np.testing.assert_allclose(weights, 256 * np.exp(-1.0), rtol=1e-5)  # sigma = 0.5 * 16 px
    assert set(cells.frames.tolist()) == {2}


def test_boxes_move_but_do_not_turn(scene):
    """A box that is turned about its own middle stays where it is."""
    mask = regions.rasterise(regions.box(16, 24, 48, 40), 64, 96)
    middle = (31.5, 31.5)
    turned = scene.drag(Rotation(middle, degrees=90), mask=mask)
    still = scene.drag(Translation.by(16, 0), (0.0, 0.0, 0.0), mask=mask)
    grid = scene.model.spec.grid
    for one, other in zip(
        dataclasses.astuple(_box(turned, grid, 2, 0.4)[0]),
        dataclasses.astuple(_box(still, grid, 2, 0.4)[0]),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_a_box_that_leaves_the_frame_asks_for_nothing(scene):
    run = start(scene, SGI2V(weight_decay=0.0), [scene.drag(Translation.by(500, 0), (None, 1, 1))])
    assert [record.loss for record in run] == [0.0] * 5
    assert torch.equal(run.latents, scene.latents)


@pytest.mark.parametrize(
    ("constants", "said"),
    [
        ({"iterations": -1}, "iterations"),
        ({"cutoff": 0.0}, "cutoff"),
        ({"filter_order": 0}, "filter_order"),
        ({"spread": 0.0}, "spread"),
        ({"layers": (1, 1)}, "layers must differ"),
    ],
)
def test_bad_constants_are_named(constants, said):
    with pytest.raises(ValueError, match=said):
        SGI2V(**constants)


def test_constants_left_open_come_from_the_model(scene):
    resolved = SGI2V().resolve(scene.model.spec)
    assert (resolved.learning_rate, resolved.denoising_step, resolved.layers) == (0.05, 1, (1, 2))
    with pytest.raises(ValueError, match="layers"):
        SGI2V(layers=(9,)).resolve(scene.model.spec)
