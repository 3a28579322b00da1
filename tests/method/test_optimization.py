"""The optimisation step by step: the loss, the update, the drawn cutoffs and the rectification."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Rotation, Translation
from dragstream.method.focus import Focus
from dragstream.method.frequency import LowPass
from dragstream.method.moments import Moments, drift
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings
from tests.method.bare import bare, itself

# ---------------------------------------------------------------------- Eq. 1-3


def test_an_object_that_stays_where_it_is_costs_nothing(scene):
    drag = scene.drag(fractions=(None, None, 0.0), reference=itself(scene))
    assert next(scene.run(bare(), [drag])).loss == pytest.approx(0.0, abs=1e-6)
    square = next(scene.run(bare(loss="MSE"), [drag]))
    assert square.loss == pytest.approx(0.0, abs=1e-10)
    assert square.gradient_norm == pytest.approx(0.0, abs=1e-6)


def test_the_loss_is_the_mean_distance_of_features_over_the_targets(scene):
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)  # tokens (1, 1) and (1, 2)
    drag = scene.drag(Translation.by(16, 16), (None, 1.0, None), mask=mask)
    iteration = next(scene.run(bare(), [drag]))
    now = scene.model.wan.read(scene.latents, 0.9, scene.context, (1, 2)).taps[0]
    then = scene.model.wan.read(scene.reference.latents, 0.9, scene.reference.context, (1, 2)).taps[
        0
    ]
    distances = [
        (now[layer][0, 1, 2, column + 1] - then[layer][0, 2, 1, column]).abs().mean()
        for layer, column in itertools.product((1, 2), (1, 2))
    ]
    assert iteration.loss_rec == pytest.approx(float(torch.stack(distances).mean()), rel=1e-4)
    assert iteration.loss == iteration.loss_rec
    assert iteration.loss_cst == 0.0


@pytest.mark.parametrize("corners", [False, True])
def test_enlarged_features_are_compared_where_their_tokens_are(scene, corners):
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)  # cells 2..3 by 2..5
    drag = scene.drag(Translation.by(16, 16), (None, 1.0, None), mask=mask)
    settings = bare(upsampling=2, nearest_features=corners)
    iteration = next(scene.run(settings, [drag]))
    now = scene.model.wan.read(scene.latents, 0.9, scene.context, (1, 2)).taps[0]
    then = scene.model.wan.read(scene.reference.latents, 0.9, scene.reference.context, (1, 2)).taps[
        0
    ]
    larger = [
        torch.nn.functional.interpolate(
            torch.cat([taps[1], taps[2]], dim=-1)[0].movedim(-1, 1),
            scale_factor=2.0,
            mode="bilinear",
            align_corners=corners,
        )
        for taps in (now, then)
    ]
    distance = (larger[0][1, :, 4:6, 4:8] - larger[1][2, :, 2:4, 2:6]).abs().mean()
    assert iteration.loss_rec == pytest.approx(float(distance), rel=1e-4)


def test_optimisation_lowers_the_loss(scene):
    run = scene.run(bare(iterations=12, learning_rate=0.05))
    losses = [iteration.loss for iteration in run]
    assert len(losses) == 12
    assert losses[-1] < 0.8 * losses[0]
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))


def test_the_whole_method_lowers_the_loss(scene):
    keep = regions.rasterise(regions.box(0, 48, 96, 64), 64, 96)
    run = scene.run(DragSettings.paper(iterations=8, cutoffs=False), keep=keep)
    losses = [iteration.loss_rec for iteration in run]
    assert losses[-1] < losses[0]


def test_mse_is_the_mean_square(scene):
    absolute = next(scene.run(bare())).loss
    square = next(scene.run(bare(loss="MSE"))).loss
    assert absolute**2 <= square
    assert square != pytest.approx(absolute)


def test_the_gradient_is_that_of_the_loss(scene):
    """AdamW's first step is lr * sign(gradient); compare with finite differences."""
    run = scene.run(bare(learning_rate=1e-3))
    start = next(scene.run(bare()))
    next(run)
    moved = run.latents
    again = next(scene.run(bare(), latents=moved))
    assert again.loss < start.loss
    # a step against the sign lowers the loss by lr * |gradient|_1, to first order
    assert (start.loss - again.loss) > 0.5e-3 * start.gradient_norm


# ---------------------------------------------------------------------- predictions beside them


def test_predictions_count_on_the_cells_of_the_latents(scene):
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)  # latents 2..4 by 2..6
    drag = scene.drag(Translation.by(16, 16), (None, 1.0, None), mask=mask)
    both = next(scene.run(bare(prediction_weight=0.5), [drag]))
    alone = next(scene.run(bare(), [drag]))
    now = scene.model.wan.read(scene.latents, 0.9, scene.context, predict=True).x0
    then = scene.model.wan.read(
        scene.reference.latents, 0.9, scene.reference.context, predict=True
    ).x0
    distance = (now[0, 1, :, 4:6, 4:8] - then[0, 2, :, 2:4, 2:6]).abs().mean()
    assert both.loss - alone.loss == pytest.approx(0.5 * float(distance), rel=1e-4)
    assert both.loss == both.loss_rec


def test_the_paper_asks_for_no_prediction(scene):
    list(scene.run(DragSettings.paper()))
    assert not any(call["predict"] for call in scene.model.calls)


def test_predictions_come_in_the_pass_of_the_features(scene):
    run = scene.run(DragSettings.paper(iterations=6, prediction_weight=0.5))
    (reference,) = scene.model.calls  # under all low-passes
    list(run)
    assert len(scene.model.calls) == 1 + 6
    assert all(call["predict"] for call in scene.model.calls)
    assert reference["filters"] == tuple(
        None if low.is_identity else low for low in dict.fromkeys(run._low_passes)
    )


def test_a_reference_to_the_block_itself_is_predicted_from_its_first_latents(scene):
    drag = scene.drag(fractions=(None, None, 0.0), reference=itself(scene))
    assert next(scene.run(bare(prediction_weight=1.0), [drag])).loss == pytest.approx(0, abs=1e-6)
    drag = scene.drag(fractions=(None, None, 1.0), reference=itself(scene))
    run = scene.run(bare(prediction_weight=1.0, iterations=3), [drag])
    losses = [iteration.loss for iteration in run]
    assert losses[-1] < losses[0]


# ---------------------------------------------------------------------- the update, Eq. 9-10


def test_the_focus_shapes_the_step(scene):
    # The object is centred on a latent, 24 pixels wide: sigma is 12 pixels, a latent and a half.
    mask = regions.rasterise(regions.box(16, 16, 40, 40), 64, 96)
    drag = scene.drag(Translation.by(16, 8), (None, None, 1.0), mask=mask)
    steps = {}
    for focus in (False, Focus(), Focus(on_gradient=True)):
        run = scene.run(bare(focus=focus, learning_rate=0.05), [drag])
        next(run)
        steps[focus] = (run.latents - scene.latents)[0, 2].abs().mean(0) / 0.05
    torch.testing.assert_close(steps[False], torch.ones(8, 12), atol=2e-2, rtol=0)
    # target: x 32..56, y 24..48, centre (43.5, 35.5) = latent (column 5, row 4)
    assert float(steps[Focus()][4, 5]) == pytest.approx(1.0, abs=1e-3)
    assert float(steps[Focus()][4, 8]) == pytest.approx(np.exp(-2.0), abs=2e-3)
    assert float(steps[Focus()][7, 5]) == pytest.approx(np.exp(-2.0), abs=2e-3)
    # in the gradient it is divided out again
    assert float(steps[Focus(on_gradient=True)][4, 8]) > 0.9


def test_a_fresh_optimizer_steps_by_sign(scene):
    run = scene.run(bare(fresh_optimizer=True, learning_rate=0.03))
    before = scene.latents
    for _ in run:
        step = (run.latents - before).abs()
        assert float(step.median()) == pytest.approx(0.03, rel=1e-2)
        before = run.latents


def test_a_persistent_optimizer_remembers(scene):
    run, fresh = scene.run(bare()), scene.run(bare(fresh_optimizer=True))
    next(run), next(fresh)
    assert torch.equal(run.latents, fresh.latents)
    next(run), next(fresh)
    assert not torch.allclose(run.latents, fresh.latents, atol=1e-4)


def test_weight_decay_shrinks(scene):
    shrunk, plain = (
        scene.run(bare(weight_decay=decay, learning_rate=0.1, iterations=1)) for decay in (0.5, 0)
    )
    next(shrunk), next(plain)
    torch.testing.assert_close(shrunk.latents, plain.latents - 0.1 * 0.5 * scene.latents)


def test_clipping_needs_a_persistent_optimizer_to_matter(scene):
    clipped = scene.run(bare(gradient_clip=1e-15, iterations=1))
    free = scene.run(bare(iterations=1))
    assert next(clipped).gradient_norm == next(free).gradient_norm  # recorded before clipping
    # gradients far below AdamW's epsilon no longer make full steps
    assert float((clipped.latents - scene.latents).abs().max()) < 1e-3
    assert float((free.latents - scene.latents).abs().max()) > 0.02


# ---------------------------------------------------------------------- frequency selection


def test_cutoffs_are_drawn_from_the_generator(scene):
    def draw(seed, count=24):
        run = scene.run(bare(iterations=count, cutoffs=(0.2, 0.6, 1.0)), seed=seed)
        return [low_pass.cutoff for low_pass in run._low_passes]

    assert set(draw(0)) == {0.2, 0.6, 1.0}
    assert draw(0) == draw(0)
    assert draw(0) != draw(1)


def test_the_record_tells_the_cutoff(scene):
    run = scene.run(bare(iterations=6, cutoffs=(0.2, 1.0)))
    assert [i.cutoff for i in run] == [low_pass.cutoff for low_pass in run._low_passes]


def test_only_the_reference_is_filtered(scene):
    list(scene.run(bare(iterations=3, cutoffs=(0.3,))))
    filters = [call["filters"] for call in scene.model.calls]
    assert filters == [(LowPass(0.3),), (None,), (None,), (None,)]
    filtered, plain = (next(scene.run(bare(cutoffs=c))).loss for c in ((0.3,), False))
    assert filtered != pytest.approx(plain, rel=1e-3)


def test_one_pass_of_the_reference_and_one_an_iteration(scene):
    drags = [scene.drag(), scene.drag(Translation.by(0, 16))]
    keep = regions.rasterise(regions.box(0, 48, 96, 64), 64, 96)
    settings = DragSettings.paper(iterations=20)
    run = scene.run(settings, drags, keep=keep)
    assert len(scene.model.calls) == 1
    list(run)
    assert len(scene.model.calls) == 20 + 1
    drags.append(scene.drag(reference=itself(scene)))
    scene.model.calls.clear()
    list(scene.run(settings, drags, keep=keep))
    assert len(scene.model.calls) == 20 + 2


# ---------------------------------------------------------------------- rectification


def test_after_each_iteration_the_channels_are_the_neighbours(scene):
    run = scene.run(bare(rectification=Rectification()))
    past = Moments.of(scene.neighbours)
    for iteration in run:
        assert iteration.moments.means == pytest.approx(past.means, abs=1e-5)
        assert iteration.moments.stds == pytest.approx(past.stds, abs=1e-5)
        assert iteration.drift == pytest.approx(0.0, abs=1e-5)
        assert iteration.drift_before == drift(iteration.moments_before, past)
        assert iteration.drift_before > 1e-3
        assert Moments.of(run.latents) == iteration.moments


def test_without_rectification_the_latents_drift(scene):
    run = scene.run(bare(iterations=3, learning_rate=0.2))
    drifts = [iteration.drift for iteration in run]
    assert drifts[0] > 0.1
    last = list(scene.run(bare(iterations=1)))[-1]
    assert last.moments == last.moments_before


@pytest.mark.parametrize("neighbours", [None, torch.zeros(0, 4, 8, 12)])
def test_without_a_past_the_blocks_own_start_counts(scene, neighbours):
    run = scene.run(bare(rectification=9, learning_rate=0.3), neighbours=neighbours)
    own = Moments.of(scene.latents)
    *_, last = run
    assert last.moments.stds == pytest.approx(own.stds, abs=1e-5)
    assert last.drift == pytest.approx(0.0, abs=1e-5)
    assert last.drift_before > 0.0


# ---------------------------------------------------------------------- presets


@pytest.mark.parametrize("settings", [DragSettings.paper(), DragSettings.released()])
def test_presets_run(scene, settings):
    keep = regions.rasterise(regions.box(0, 48, 96, 64), 64, 96)
    drags = [scene.drag(), scene.drag(Rotation(center=(32, 28), degrees=20))]
    records = list(scene.run(settings, drags, keep=keep))
    segments = 2 if settings.segment_degrees else 1  # 20 degrees of 8
    assert len(records) == segments * settings.iterations
    assert all(np.isfinite(record.loss) for record in records)
