from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Rotation, Translation
from dragstream.method.block_drags import Reference
from dragstream.method.dispatch import create_optimizer, has_optimizer
from dragstream.method.focus import Focus
from dragstream.method.frequency import LowPass
from dragstream.method.iteration import Iteration
from dragstream.method.loss import Constraint
from dragstream.method.moments import Moments, drift
from dragstream.method.optimization import LatentOptimization
from dragstream.method.rectification import Rectification
from dragstream.method.settings import DragSettings

OFF = dict.fromkeys(("rectification", "focus", "constraint", "cutoffs"), False)
"""Nothing but Eq. 1-3 and AdamW."""


def bare(**overrides):
    return DragSettings(**{**OFF, "weight_decay": 0.0, **overrides})


def itself(scene):
    """A reference to the block that is dragged."""
    return Reference(scene.latents, 0.9, scene.context, frame=2)


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


# ---------------------------------------------------------------------- several drags, frames


def test_undriven_frames_are_left_alone_by_the_focus(scene):
    drag = scene.drag(fractions=(None, None, 1.0))
    run = scene.run(bare(focus=1.0), [drag])
    list(run)
    change = (run.latents - scene.latents).abs().amax((0, 2, 3, 4))
    assert change[:2].tolist() == [0.0, 0.0]
    assert float(change[2]) > 0.05


@pytest.mark.parametrize("on_gradient", [False, True])
def test_undriven_frames_stay_with_rectification_and_weight_decay(scene, on_gradient):
    settings = DragSettings.paper(focus=Focus(on_gradient=on_gradient), weight_decay=0.5)
    run = scene.run(settings, [scene.drag(fractions=(None, 0.5, None))])
    list(run)
    assert torch.equal(run.latents[:, [0, 2]], scene.latents[:, [0, 2]])
    found, past = Moments.of(run.latents[0, 1]), Moments.of(scene.neighbours)
    assert found.means == pytest.approx(past.means, abs=1e-5)
    assert found.stds == pytest.approx(past.stds, abs=1e-5)


def test_without_a_past_the_driven_frame_goes_back_to_its_own_statistics(scene):
    run = scene.run(
        DragSettings.paper(), [scene.drag(fractions=(None, None, 1.0))], neighbours=None
    )
    list(run)
    found, own = Moments.of(run.latents[0, 2]), Moments.of(scene.latents[0, 2])
    assert found.means == pytest.approx(own.means, abs=1e-5)
    assert found.stds == pytest.approx(own.stds, abs=1e-5)


def test_as_released_undriven_frames_stay_but_a_lone_driven_frame_takes_the_others_along(scene):
    """The release's Gaussian of an edit has no frame axis."""
    run = scene.run(DragSettings.released(), [scene.drag(fractions=(None, 0.5, 1.0))])
    list(run)
    change = (run.latents - scene.latents).abs().amax((0, 2, 3, 4))
    assert float(change[0]) == 0.0
    assert float(change[1:].min()) > 0.02
    edit = scene.run(DragSettings.released(iterations=1), [scene.drag(fractions=(None, None, 1.0))])
    list(edit)
    assert float((edit.latents - scene.latents).abs().amax((0, 2, 3, 4)).min()) > 0.01


def test_as_released_nothing_happens_where_the_focus_is_zero(scene):
    """Multiplied into the gradient, a Gaussian of 0 leaves AdamW nothing to step along."""
    focus = Focus(alpha=0.25, on_gradient=True, on_pixels=True)
    settings = DragSettings.released(focus=focus, rectification=False, weight_decay=0.0)
    mask = regions.rasterise(regions.box(8, 8, 24, 24), 64, 96)
    drag = scene.drag(Translation.by(8, 8), (0.5, 0.75, 1.0), mask=mask)
    run = scene.run(settings, [drag])
    list(run)
    change = (run.latents - scene.latents).abs().amax((0, 1, 2))
    assert float(change[1:4, 1:4].max()) > 0.02
    assert float(change[:, 8:].max()) == 0.0


def test_two_pulls_both_count(scene):
    other = scene.drag(
        Translation.by(-16, 16),
        mask=regions.rasterise(regions.disc(center=(72, 24), radius=12), 64, 96),
    )
    one, two = next(scene.run(bare(), [scene.drag()])), next(scene.run(bare(), [other]))
    both = next(scene.run(bare(), [scene.drag(), other]))
    assert min(one.loss, two.loss) < both.loss < max(one.loss, two.loss)


def test_another_frame_or_block_as_reference_asks_for_other_features(scene):
    references = [
        scene.reference,
        dataclasses.replace(scene.reference, frame=0),
        itself(scene),
    ]
    losses = [next(scene.run(bare(), [scene.drag(reference=r)])).loss for r in references]
    assert len({round(loss, 6) for loss in losses}) == 3


def test_a_target_out_of_sight_moves_nothing(scene):
    run = scene.run(bare(focus=1.0), [scene.drag(Translation.by(900, 0))])
    iterations = list(run)
    # the first frames may still see a bit of it; at 300 pixels nothing is left
    assert iterations[-1].loss == 0.0
    torch.testing.assert_close(run.latents, scene.latents)


# ---------------------------------------------------------------------- segments


def test_long_drags_take_several_segments(scene):
    settings = bare(iterations=3, segment_pixels=10.0)
    run = scene.run(settings, [scene.drag(Translation.by(34, 0))])  # 3.4, rounded down
    assert len(run) == 9
    records = list(run)
    assert [record.segment for record in records] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [record.index for record in records] == list(range(9))


def test_a_segments_target_is_its_share_of_the_way(scene):
    whole = scene.drag(Translation.by(30, 0), (None, None, 1.0))
    third = scene.drag(Translation.by(10, 0), (None, None, 1.0))
    split = next(scene.run(bare(segment_pixels=10.0), [whole]))
    assert split.loss == next(scene.run(bare(), [third])).loss


def test_each_segment_goes_a_share_farther(scene):
    still = {"iterations": 1, "learning_rate": 1e-30}  # no step is felt: only targets differ
    drag = scene.drag(Translation.by(30, 0), (None, None, 1.0))
    losses = [record.loss for record in scene.run(bare(segment_pixels=10.0, **still), [drag])]
    alone = [scene.drag(Translation.by(x, 0), (None, None, 1.0)) for x in (10, 20, 30)]
    expected = [next(scene.run(bare(**still), [drag])).loss for drag in alone]
    assert losses == pytest.approx(expected, rel=1e-6)
    assert len(set(expected)) == 3


def test_segments_count_from_where_the_drag_began_in_later_blocks_too(scene):
    second_half = scene.drag(Translation.by(40, 0), (None, None, 1.0), start=0.5)
    run = scene.run(bare(iterations=1, segment_pixels=10.0), [second_half])
    assert len(run) == 4
    there = scene.drag(Translation.by(10, 0), (None, None, 1.0))
    assert next(run).loss == next(scene.run(bare(), [there])).loss


def test_segments_go_by_the_displacement_and_not_by_the_way(scene):
    there_and_back = Translation.through([(40, 0), (20, 0), (0, 12)])
    third = scene.drag(there_and_back, (1 / 3, 2 / 3, 1.0))
    assert len(scene.run(bare(iterations=1, segment_pixels=16.0), [third])) == 2  # 40 px
    late = scene.drag(there_and_back, (None, None, 1.0))
    assert len(scene.run(bare(iterations=1, segment_pixels=4.0), [late])) == 3  # 12 px
    begun = next(scene.run(bare(iterations=1, segment_pixels=4.0), [late]))
    straight = scene.drag(Translation.by(0, 4), (None, None, 1.0))
    assert begun.loss == next(scene.run(bare(), [straight])).loss


def test_turns_are_split_by_degrees(scene):
    drag = scene.drag(Rotation(center=(32, 28), degrees=-45))
    assert len(scene.run(bare(iterations=1, segment_degrees=8.0), [drag])) == 5
    assert len(scene.run(bare(iterations=1, segment_pixels=1.0), [drag])) == 1


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


# ---------------------------------------------------------------------- the region to keep


def test_what_is_kept_changes_less(scene):
    keep = regions.rasterise(regions.box(64, 0, 96, 64), 64, 96)
    drag = scene.drag(Translation.by(12, 4))

    def moved(constraint):
        run = scene.run(bare(constraint=constraint, iterations=8), [drag], keep=keep)
        records = list(run)
        after = scene.model.wan.read(run.latents, 0.9, scene.context, (1, 2)).taps[0]
        before = scene.model.wan.read(scene.latents, 0.9, scene.context, (1, 2)).taps[0]
        change = sum((after[n] - before[n])[0, :, :, 4:].abs().mean() for n in (1, 2))
        return records, float(change)

    held, change_held = moved(constraint=1.0)
    free, change_free = moved(constraint=False)
    assert held[0].loss_cst == 0.0  # nothing has changed yet
    assert held[-1].loss_cst > 0.0
    assert held[-1].loss == pytest.approx(held[-1].loss_rec + held[-1].loss_cst)
    assert all(record.loss_cst == 0.0 for record in free)
    assert change_held < 0.9 * change_free


def test_the_terms_weigh_each_pixel_alike(scene):
    """Eq. 3: both are sums over pixels, here divided by the area of the targets."""
    keep = regions.rasterise(regions.box(48, 32, 96, 64), 64, 96)  # tokens rows 2-3, columns 3-5
    mask = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)
    drag = scene.drag(Translation.by(16, 0), (None, 1.0, None), mask=mask)
    run = scene.run(bare(constraint=0.5), [drag], keep=keep)
    next(run)
    after = scene.model.wan.read(run.latents, 0.9, scene.context, (1, 2)).taps[0]
    before = scene.model.wan.read(scene.latents, 0.9, scene.context, (1, 2)).taps[0]
    change = sum((after[n] - before[n])[0, :, 2:, 3:].abs().mean(-1).sum() / 2 for n in (1, 2))
    second = next(run)
    assert second.loss_cst == pytest.approx(float(change) * 256 / 512, rel=1e-4)
    assert second.loss == pytest.approx(second.loss_rec + 0.5 * second.loss_cst)


def test_predictions_can_be_kept_instead_of_features(scene):
    keep = regions.rasterise(regions.box(64, 0, 96, 64), 64, 96)
    settings = bare(constraint=Constraint(predictions=True), iterations=2)
    run = scene.run(settings, keep=keep)
    next(run)
    after = scene.model.wan.read(run.latents, 0.9, scene.context, predict=True).x0
    before = scene.model.wan.read(scene.latents, 0.9, scene.context, predict=True).x0
    change = (after - before)[..., 8:].abs().mean(2).sum() * 64 / run._targets[1].area
    assert next(run).loss_cst == pytest.approx(float(change), rel=1e-4)


def test_targets_may_be_spared_and_handles_are_not(scene):
    keep = regions.rasterise(regions.box(16, 16, 48, 32), 64, 96)
    target = scene.drag(Translation.by(0, 32), (None, 1.0, None), mask=keep)  # leaves what is kept
    there = regions.rasterise(regions.box(16, 48, 48, 64), 64, 96)
    for spare, kept, expected in ((False, there, True), (True, there, False), (True, keep, True)):
        settings = bare(constraint=Constraint(spare_targets=spare))
        run = scene.run(settings, [target], keep=kept)
        next(run)
        assert (next(run).loss_cst > 0) is expected


def test_a_constraint_per_element_is_a_mean_over_the_block(scene):
    keep = regions.rasterise(regions.box(64, 0, 96, 64), 64, 96)
    settings = bare(constraint=Constraint(predictions=True, per_element=True), iterations=2)
    run = scene.run(settings, keep=keep)
    next(run)
    after = scene.model.wan.read(run.latents, 0.9, scene.context, predict=True).x0
    before = scene.model.wan.read(scene.latents, 0.9, scene.context, predict=True).x0
    change = (after - before)[..., 8:].abs().sum() / before.numel()
    assert next(run).loss_cst == pytest.approx(float(change), rel=1e-4)


def test_kept_predictions_come_in_the_pass_of_the_features(scene):
    keep = regions.rasterise(regions.box(64, 0, 96, 64), 64, 96)
    settings = DragSettings.released(iterations=3, segment_pixels=None)
    list(scene.run(settings, keep=keep))
    assert [call["predict"] for call in scene.model.calls] == [False, True, True, True]
    scene.model.calls.clear()
    list(scene.run(settings))  # nothing is kept: the layers above are not run
    assert not any(call["predict"] for call in scene.model.calls)


# ---------------------------------------------------------------------- presets


@pytest.mark.parametrize("settings", [DragSettings.paper(), DragSettings.released()])
def test_presets_run(scene, settings):
    keep = regions.rasterise(regions.box(0, 48, 96, 64), 64, 96)
    drags = [scene.drag(), scene.drag(Rotation(center=(32, 28), degrees=20))]
    records = list(scene.run(settings, drags, keep=keep))
    segments = 2 if settings.segment_degrees else 1  # 20 degrees of 8
    assert len(records) == segments * settings.iterations
    assert all(np.isfinite(record.loss) for record in records)


# ---------------------------------------------------------------------- a run as a value


def test_the_same_seed_gives_the_same_bits(scene):
    runs = [scene.run(DragSettings.paper(), seed=seed) for seed in (5, 5, 6)]
    losses = [[iteration.loss for iteration in run] for run in runs]
    assert torch.equal(runs[0].latents, runs[1].latents)
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_nothing_outside_is_touched(scene):
    latents, reference = scene.latents.clone(), scene.reference.latents.clone()
    state = torch.random.get_rng_state()
    list(scene.run(DragSettings.paper()))
    assert torch.equal(scene.latents, latents)
    assert torch.equal(scene.reference.latents, reference)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not scene.latents.requires_grad
    parameters = list(scene.model.wan.parameters())
    assert all(parameter.grad is None for parameter in parameters)
    assert all(parameter.requires_grad for parameter in parameters)


def test_the_latents_of_a_run_carry_no_graph(scene):
    run = scene.run(DragSettings.paper())
    assert torch.equal(run.latents, scene.latents)
    next(run)
    assert not run.latents.requires_grad
    assert run.latents.grad_fn is None


def test_no_iterations_change_nothing(scene):
    run = scene.run(DragSettings.paper(iterations=0))
    assert len(run) == 0
    assert list(run) == []
    assert torch.equal(run.latents, scene.latents)


def test_a_run_ends(scene):
    run = scene.run(bare(iterations=1))
    assert len(list(run)) == 1
    with pytest.raises(StopIteration):
        next(run)


def test_gradients_may_be_off_outside(scene):
    with torch.inference_mode():
        latents = scene.latents.clone()
        run = scene.run(DragSettings.paper(iterations=1), latents=latents)
        inside = next(run)
    with torch.no_grad():
        outside = next(scene.run(DragSettings.paper(iterations=1)))
    assert inside.loss == outside.loss
    assert inside.gradient_norm > 0


def test_latents_keep_their_type(scene):
    run = scene.run(bare(iterations=1), latents=scene.latents.bfloat16())
    next(run)
    assert run.latents.dtype == torch.bfloat16


def test_a_loss_that_is_not_finite_stops_the_run(scene):
    run = scene.run(bare(learning_rate=1e38, iterations=9))
    with pytest.raises((FloatingPointError, ValueError), match="finite"):
        list(run)


def test_a_record_survives_json(scene):
    record = next(scene.run(DragSettings.paper()))
    assert Iteration.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert record.seconds > 0
    with pytest.raises(ValueError, match="exactly the keys"):
        Iteration.from_json({"index": 0})
    with pytest.raises(ValueError, match="finite"):
        Iteration.from_json({**record.to_json(), "loss": float("nan")})


# ---------------------------------------------------------------------- what is refused


def test_bad_drags_are_refused(scene):
    empty, small = np.zeros((64, 96), dtype=bool), np.ones((8, 8), dtype=bool)
    for drag, error, message in (
        (scene.drag(mask=empty), ValueError, "empty"),
        (scene.drag(mask=small), ValueError, r"\(64, 96\).*\(8, 8\)"),
        (scene.drag(mask=scene.mask.astype(float)), TypeError, "float64"),
        (scene.drag(fractions=(1.0,)), ValueError, "3 latent frames"),
        (scene.drag(fractions=(None,) * 3), ValueError, "not all of them None"),
        (scene.drag(fractions=(0.1, 0.2, float("nan"))), ValueError, "fraction"),
        (scene.drag(start=float("nan")), ValueError, "start"),
        (scene.drag(reference=dataclasses.replace(itself(scene), frame=3)), ValueError, "got 3"),
        (
            scene.drag(reference=dataclasses.replace(itself(scene), latents=torch.zeros(1, 3))),
            ValueError,
            r"\(1, 3\)",
        ),
        (
            scene.drag(reference=dataclasses.replace(itself(scene), clean=torch.zeros(4, 2, 3))),
            ValueError,
            r"clean latents .*\(4, 8, 12\).*\(4, 2, 3\)",
        ),
    ):
        with pytest.raises(error, match=message):
            scene.run(bare(), [drag])
    with pytest.raises(ValueError, match="at least one drag"):
        scene.run(bare(), [])


def test_other_bad_arguments_are_refused(scene):
    with pytest.raises(ValueError, match="latents"):
        scene.run(bare(), latents=scene.latents[0])
    with pytest.raises(ValueError, match=r"\(4, 8, 12\)"):
        scene.run(bare(), latents=scene.latents[..., :6])
    with pytest.raises(TypeError, match="keep"):
        scene.run(bare(), keep=[[True]])
    with pytest.raises(ValueError, match="keep"):
        scene.run(bare(), keep=np.ones((8, 8), dtype=bool))
    with pytest.raises(ValueError, match="neighbours"):
        scene.run(bare(), neighbours=torch.zeros(2, 4, 4, 4))
    with pytest.raises(ValueError, match="layers"):
        scene.run(bare(layers=(7,)))


def test_a_choice_needs_a_generator(scene):
    problem = scene.problem(generator=None)
    with pytest.raises(TypeError, match="Generator"):
        LatentOptimization(DragSettings.paper(), problem)
    assert len(LatentOptimization(bare(), problem)) == 4
    assert len(scene.model.calls) == 1  # nothing is read before the check


def test_a_method_of_ones_own_announces_its_optimizer(scene):
    class Mine(DragSettings):
        pass

    class Other:
        pass

    assert isinstance(create_optimizer(Mine(), scene.problem()), LatentOptimization)
    assert has_optimizer(Mine())
    assert not has_optimizer(Other())
    assert not has_optimizer(DragSettings)
    with pytest.raises(TypeError, match="no optimiser is registered for Other"):
        create_optimizer(Other(), scene.problem())
    create_optimizer.register(Other, lambda _, problem: LatentOptimization(bare(), problem))
    assert len(create_optimizer(Other(), scene.problem())) == 4
