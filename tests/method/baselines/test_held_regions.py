"""Cut-and-paste and Time-to-Move: what is held where, and for how long."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Translation
from dragstream.method.baselines import CutAndPaste, TimeToMove
from dragstream.method.settings import DragSettings

SIGMAS = (1.0, 0.9, 0.75, 0.5)  # of the fixture's model; drags act at the second
WARM = DragSettings(iterations=0, warm_start=True)


@pytest.fixture
def known(scene):
    """A drag of latent cells (rows 2-3, columns 2-5) by 16 px: two cells right, two down."""
    torch.manual_seed(5)
    clean = torch.randn(4, 8, 12)
    for row, beyond in ((2, 1), (3, 4)):  # corners have two nearest cells: let them be equal
        clean[:, row, 1], clean[:, row, 6] = clean[:, beyond, 2], clean[:, beyond, 5]
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)
    reference = dataclasses.replace(scene.reference, clean=clean)
    by = Translation.by(16, 16)
    return clean, scene.drag(by, (None, 1.0, None), mask=mask, reference=reference)


def pasted(clean, prediction, *, hole):
    """The same by slices: the region at its target, and its old place from the columns beside."""
    wanted = prediction.clone()
    if hole:
        # the nearest cells outside: the row above for row 2, the row below for row 3
        wanted[0, 1, :, 2, 2:6] = clean[:, 1, 2:6]
        wanted[0, 1, :, 3, 2:6] = clean[:, 4, 2:6]
    wanted[0, 1, :, 4:6, 4:8] = clean[:, 2:4, 2:6]
    return wanted


def test_predictions_are_the_pasted_reference_and_the_rest_is_left(scene, known):
    clean, drag = known
    prediction = torch.randn(1, 3, 4, 8, 12)
    held = scene.run(CutAndPaste(), [drag])
    for sigma in SIGMAS[1:]:
        found = held.adjust_prediction(prediction, sigma)
        torch.testing.assert_close(found, pasted(clean, prediction, hole=True))
        assert torch.equal(found[:, [0, 2]], prediction[:, [0, 2]])
        assert torch.equal(found[:, 1, :, 6:], prediction[:, 1, :, 6:])
    free = scene.run(CutAndPaste(hole="model"), [drag])
    found = free.adjust_prediction(prediction, 0.5)
    torch.testing.assert_close(found, pasted(clean, prediction, hole=False))


def test_time_to_move_lets_go_after_its_steps(scene, known):
    clean, drag = known
    prediction = torch.randn(1, 3, 4, 8, 12)
    for steps, held in ((1, SIGMAS[1:2]), (2, SIGMAS[1:3]), (9, SIGMAS[1:])):
        run = scene.run(TimeToMove(held_steps=steps), [drag])
        for sigma in SIGMAS[1:]:
            wanted = pasted(clean, prediction, hole=False) if sigma in held else prediction
            torch.testing.assert_close(run.adjust_prediction(prediction, sigma), wanted)


def test_a_warm_start_lets_go_after_its_own_step(scene, known):
    clean, drag = known
    prediction = torch.randn(1, 3, 4, 8, 12)
    warm, cold = scene.run(WARM, [drag]), scene.run(DragSettings(iterations=0), [drag])
    wanted = pasted(clean, prediction, hole=False)
    torch.testing.assert_close(warm.adjust_prediction(prediction, 0.9), wanted)
    assert torch.equal(warm.adjust_prediction(prediction, 0.75), prediction)
    assert torch.equal(cold.adjust_prediction(prediction, 0.9), prediction)


@pytest.mark.parametrize("method", [CutAndPaste(), TimeToMove(), WARM])
def test_the_clean_part_of_the_latents_changes_and_the_noise_stays(scene, known, method):
    clean, drag = known
    run = scene.run(method, [drag])
    assert len(run) == 0
    assert list(run) == []
    x0 = scene.model.wan.read(scene.latents, 0.9, scene.context, (1,), predict=True).x0.float()
    wanted = scene.latents + (1 - 0.9) * (pasted(clean, x0, hole=True) - x0)
    torch.testing.assert_close(run.latents, wanted)
    assert torch.equal(run.latents[:, [0, 2]], scene.latents[:, [0, 2]])
    again = scene.run(method, [drag])
    assert torch.equal(run.latents, again.latents)


def test_pure_noise_is_left_without_a_pass(scene, known):
    clean, drag = known
    before = len(scene.model.calls)
    run = scene.run(CutAndPaste(denoising_step=0), [drag])
    assert torch.equal(run.latents, scene.latents)
    assert len(scene.model.calls) == before
    prediction = torch.zeros_like(scene.latents)
    found = run.adjust_prediction(prediction, 1.0)
    torch.testing.assert_close(found, pasted(clean, prediction, hole=True))


def test_without_finished_latents_the_reference_is_predicted(scene, known):
    _, drag = known
    reference = scene.reference
    unknown = scene.drag(drag.motion, drag.fractions, mask=drag.mask, reference=reference)
    read = scene.model.wan.read(
        reference.latents, reference.sigma, reference.context, (1,), predict=True
    )
    prediction = torch.zeros_like(scene.latents)
    run = scene.run(CutAndPaste(hole="model"), [unknown])
    found = run.adjust_prediction(prediction, 0.5)
    wanted = pasted(read.x0[0, 2].float(), prediction, hole=False)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_later_drags_are_in_front_and_no_hole_lies_on_a_target(scene, known):
    clean, drag = known
    back = scene.drag(
        Translation.by(-16, -16),
        (None, 1.0, None),
        mask=regions.rasterise(regions.box(32, 32, 64, 48), 64, 96),
        reference=drag.reference,
    )
    # each goes where the other was: a swap without any hole
    found = scene.run(CutAndPaste(), [drag, back]).adjust_prediction(scene.latents, 0.5)
    wanted = scene.latents.clone()
    wanted[0, 1, :, 4:6, 4:8] = clean[:, 2:4, 2:6]
    wanted[0, 1, :, 2:4, 2:6] = clean[:, 4:6, 4:8]
    torch.testing.assert_close(found, wanted)


def test_a_half_covered_cell_changes_by_half(scene, known):
    clean, _ = known
    reference = dataclasses.replace(scene.reference, clean=torch.ones_like(clean))
    mask = np.zeros((64, 96), bool)
    mask[16:32, 16:48] = True
    drag = scene.drag(Translation.by(20, 16), (None, 1.0, None), mask=mask, reference=reference)
    found = scene.run(CutAndPaste(hole="model"), [drag]).adjust_prediction(
        torch.zeros_like(scene.latents), 0.5
    )
    row = found[0, 1, 0, 4]
    assert row[3:10].tolist() == pytest.approx([0, 0.5, 1, 1, 1, 0.5, 0], abs=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: CutAndPaste(hole="paint"), ValueError, "hole must be one of background,"),
        (lambda: CutAndPaste(denoising_step=-1), ValueError, "denoising_step must be"),
        (lambda: CutAndPaste(denoising_step=1.5), TypeError, "denoising_step"),
        (lambda: TimeToMove(held_steps=0), ValueError, "held_steps must be"),
        (lambda: TimeToMove(held_steps=True), TypeError, "held_steps"),
    ],
)
def test_constants_out_of_bounds_are_named(make, error, said):
    with pytest.raises(error, match=said):
        make()


def test_the_model_decides_on_the_step(scene):
    spec = scene.model.spec
    assert TimeToMove().resolve(spec) == TimeToMove(denoising_step=1)
    assert CutAndPaste(denoising_step=0).resolve(spec).denoising_step == 0
    with pytest.raises(ValueError, match="denoising_step"):
        CutAndPaste(denoising_step=4).resolve(spec)


@pytest.mark.parametrize(
    ("drag_step", "held", "start"), [(3, 2, 2), (3, 1, 3), (1, 2, 1), (3, 9, 0)]
)
def test_time_to_move_begins_early_enough_to_hold_its_steps(scene, drag_step, held, start):
    spec = dataclasses.replace(scene.model.spec, denoising_step=drag_step)
    assert len(spec.sigmas) == 4
    assert TimeToMove(held_steps=held).resolve(spec).denoising_step == start
    asked = TimeToMove(denoising_step=3, held_steps=held)
    assert asked.resolve(spec) == asked
