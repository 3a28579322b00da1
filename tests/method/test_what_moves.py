"""Which frames a drag moves, in how many segments, and what the region to keep holds still."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Rotation, Translation
from dragstream.method.focus import Focus
from dragstream.method.loss import Constraint
from dragstream.method.moments import Moments
from dragstream.method.settings import DragSettings
from tests.method.bare import bare, itself

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
