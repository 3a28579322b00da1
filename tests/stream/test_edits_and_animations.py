"""Drags in a stream: an edit changes the newest block, an animation makes those that follow."""

import itertools

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Drag, Memory, Translation
from dragstream.method.moments import Moments
from dragstream.method.settings import DragSettings
from dragstream.stream import Mode, Stream
from dragstream.stream.block_plan import MotionSchedule


def test_an_edit_starts_from_the_recorded_latents_and_keeps_the_block_number(stream, drags):
    stream.run(2, progress=False)
    plain = stream.blocks[-1]
    stream.prompt = "blue"
    block = stream.edit(drags)
    assert stream.prompt == "blue"
    assert (block.index, block.mode, block.prompt) == (1, Mode.EDIT, "red ball")
    assert len(stream) == 2
    assert torch.equal(block.noisy[0], plain.noisy[0])
    assert not torch.equal(block.noisy[1], plain.noisy[1])
    assert len(block.timings.steps) == 3
    assert block.drags == tuple(drags)
    again = stream.edit(drags)  # goes on from there
    assert not torch.equal(again.noisy[1], block.noisy[1])


def test_no_iterations_change_nothing(stream, drags):
    stream.run(2, progress=False)
    plain = stream.blocks[-1]
    block = stream.edit(drags, settings=DragSettings.paper(iterations=0))
    assert torch.equal(block.latents, plain.latents)
    assert np.array_equal(block.frames, plain.frames)
    assert block.iterations == ()
    stream.step()
    expected = stream.blocks[-1].latents
    stream.rewind(to=2)
    (driven,) = stream.animate(drags, settings=DragSettings.paper(iterations=0))
    assert torch.equal(driven.latents, expected)


def test_animate_reports_its_blocks(stream, drags):
    stream.run(2, progress=False)
    seen = []
    blocks = stream.animate(drags, blocks=3, callback=seen.append)
    assert blocks == list(stream.blocks[-3:])
    assert [block.part for block in blocks] == [(0, 3), (1, 3), (2, 3)]
    assert {block.mode for block in blocks} == {Mode.ANIMATE}
    assert list(itertools.chain(*(block.iterations for block in blocks))) == seen
    assert [item.index for item in blocks[1].iterations] == [0, 1, 2, 3]
    assert blocks[0].settings == DragSettings.paper().resolve(stream.model.spec)
    assert blocks[0].timings.total > blocks[0].timings.drag > 0


def test_rectification_keeps_the_moments_of_the_preceding_frames_at_the_drags_step(stream, drags):
    stream.run(4, progress=False)
    (block,) = stream.animate(drags)
    preceding = torch.cat([earlier.noisy[1] for earlier in stream.blocks[1:4]])
    neighbours = Moments.of(preceding[-9:])
    assert Moments.of(block.noisy[1]).means == pytest.approx(neighbours.means, abs=1e-5)
    assert Moments.of(block.noisy[1]).stds == pytest.approx(neighbours.stds, rel=1e-5)
    edited = stream.edit(drags)  # the neighbours of an edit precede the edited block
    driven = Moments.of(edited.noisy[1][2:])
    assert driven.means == pytest.approx(neighbours.means, abs=1e-5)
    few = stream.animate(drags, settings=DragSettings.paper(rectification=2))[0]
    expected = Moments.of(edited.noisy[1][-2:])
    assert Moments.of(few.noisy[1]).stds == pytest.approx(expected.stds, rel=1e-5)


@pytest.mark.parametrize("rectification", [False, 9])
def test_an_edit_moves_only_where_it_should(stream, rectification):
    stream.run(3, progress=False)
    before = stream.blocks[-1].noisy[1]
    drag = Drag(regions.box(0, 0, 16, 16), Translation.by(0, 12))
    settings = DragSettings.paper(rectification=rectification, focus=1)
    after = stream.edit([drag], settings=settings).noisy[1]
    assert torch.equal(after[:2], before[:2])  # the edit drives the last frame alone
    change = (after - before)[2].abs().amax(dim=0)
    assert change[2, 0] > 0.05
    if rectification is False:
        # The target's middle is (7.5, 19.5) px with deviations of 8 px; latents lie 8 px apart, so
        # the first column is half a deviation away from it and the last one 4.5.
        assert change[2, 0] < 4 * 0.05 * 1.05
        assert change[:, 5].max() < 4 * 0.05 * 1e-3


def test_by_default_too_an_edit_leaves_the_other_frames_bit_for_bit(stream, drags):
    stream.run(3, progress=False)
    before = stream.blocks[-1].noisy[1]
    after = stream.edit(drags).noisy[1]
    assert torch.equal(after[:2], before[:2])
    assert not torch.equal(after[2], before[2])


def test_a_longer_animation_follows_the_same_path_more_slowly(model):
    drag = Drag(regions.disc(center=(14, 12), radius=6), Translation.by(12, 4))
    reached = []
    stream = Stream(model, "red ball", seed=7)
    stream.step()
    for part in range(2):
        schedule = MotionSchedule(frames=3, before=3 * part, total=6)
        reached += schedule.fractions(drag.motion)
        assert schedule.start(drag.motion) == 3 * part / 6
    assert reached == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    pinned = Translation.through([(2, 0), (4, 0)])
    assert MotionSchedule(3, 0, 6).fractions(pinned) == (0.5, 1.0, 1.0)
    assert MotionSchedule(3, 3, 6).start(pinned) == 1.0
    assert MotionSchedule(3).fractions(pinned) == (None, None, 1.0)


def test_a_memory_brings_back_what_was_remembered(stream):
    stream.run(2, progress=False)
    disc = regions.disc(center=(14, 12), radius=6)
    memory = stream.remember(disc)
    assert memory == Memory(1, disc)
    stream.run(5, progress=False)
    place = regions.disc(center=(34, 20), radius=6)
    here = stream.fork().animate([Drag(place, Translation.by(3, 0))])[0]
    back = stream.fork().animate([Drag(place, Translation.by(3, 0), source=memory)])[0]
    assert back.drags[0].source == memory
    assert back.iterations[0].loss != here.iterations[0].loss
    assert not torch.equal(back.noisy[1], here.noisy[1])


def test_a_memory_of_the_newest_frame_in_place_is_an_ordinary_drag(stream):
    stream.run(3, progress=False)
    disc = regions.disc(center=(14, 12), radius=6)
    plain = stream.fork().animate([Drag(disc, Translation.by(8, 4))])
    drag = Drag(disc, Translation.by(8, 4), source=stream.remember(disc))
    assert torch.equal(stream.animate([drag])[0].latents, plain[0].latents)


def test_a_drag_that_ends_far_outside_is_refused_and_changes_nothing(model, trace):
    stream = Stream(model, "red ball", seed=7)
    stream.step()
    before = trace(stream)
    far = Drag(regions.disc(center=(20, 10), radius=5), Translation.by(900, 0))
    near = Drag(regions.disc(center=(20, 10), radius=5), Translation.by(60, 0))
    for call in (stream.edit, stream.animate):
        with pytest.raises(ValueError, match=r"drags\[1\] ends around \(920, 10\), far outside"):
            call([near, far])
        assert trace(stream) == before
    stream.animate([near])  # out of sight, which is a drag like any other
