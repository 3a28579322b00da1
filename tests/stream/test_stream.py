import itertools

import numpy as np
import pytest
import torch

from dragstream.drags import regions
from dragstream.drags.motions import Drag, Memory, Translation
from dragstream.method.frequency import LowPass
from dragstream.method.moments import Moments
from dragstream.method.settings import DragSettings
from dragstream.stream import Mode, Stream
from dragstream.stream.block_plan import MotionSchedule
from dragstream.stream.noise import noise

SHAPE = (3, 4, 4, 6)


def replay(model, stream):
    """The clean latents of an undragged stream by the plainest loop, and its last context."""
    sigmas, clean, context = model.spec.sigmas, [], None
    for block in stream.blocks:
        text = model.encode_text(block.prompt)
        context = model.new_context(text) if context is None else model.with_text(context, text)
        latents = noise(stream.seed, block.index, 0, SHAPE)[None]
        for step, sigma in enumerate(sigmas):
            if step:
                fresh = noise(stream.seed, block.index, step, SHAPE)[None]
                latents = (1 - sigma) * latents + sigma * fresh
            assert torch.equal(latents[0], block.noisy[step])
            latents = model.denoise(latents, sigma, context)
        context = model.commit(latents, context)
        clean.append(latents[0])
    return clean, context


def test_blocks_are_what_the_denoising_loop_says(model, stream):
    stream.run(4, progress=False)
    clean, _ = replay(model, stream)
    assert all(torch.equal(a, block.latents) for a, block in zip(clean, stream.blocks, strict=True))


def test_the_streamed_decode_equals_the_whole_one(model, stream):
    stream.run(4, progress=False)
    whole, _ = model.decode(stream.latents[None])
    assert stream.frames.shape == (model.spec.clock.video_frames(12), 32, 48, 3)
    assert np.array_equal(stream.frames, whole)
    assert [block.video_frames for block in stream.blocks] == [
        range(5),
        range(5, 11),
        range(11, 17),
        range(17, 23),
    ]
    assert stream.blocks[2].latent_frames == range(6, 9)


def test_an_empty_stream_has_empty_arrays(stream):
    assert stream.frames.shape == (0, 32, 48, 3)
    assert stream.frames.dtype == np.uint8
    assert stream.latents.shape == (0, 4, 4, 6)
    assert len(stream) == 0
    assert stream.run(0) == []
    assert repr(stream) == "Stream('tiny', 'red ball', seed=7, blocks=0)"


def test_frames_of_a_block_cannot_be_written_and_those_of_a_stream_are_a_copy(stream):
    block = stream.step()
    with pytest.raises(ValueError, match="read-only"):
        block.frames[0] = 0
    stream.frames[:] = 0
    stream.latents[:] = 0
    assert block.frames.any()
    assert block.latents.any()


def test_a_block_is_one_allocation_so_that_long_streams_leave_no_gaps(stream):
    block = stream.step()
    kept = (block.latents, *block.noisy)
    assert len({tensor.untyped_storage().data_ptr() for tensor in kept}) == 1
    assert all(tensor.data_ptr() % 64 == 0 and tensor.is_contiguous() for tensor in kept)


def test_the_prompt_acts_from_the_next_block_on(model, stream, trace):
    stream.step()
    other = stream.fork()
    other.prompt = "blue ball jumps"
    assert torch.equal(other.blocks[0].latents, stream.blocks[0].latents)
    stream.run(2, progress=False)
    other.run(2, progress=False)
    assert not torch.equal(other.blocks[1].latents, stream.blocks[1].latents)
    assert [block.prompt for block in other.blocks] == ["red ball"] + ["blue ball jumps"] * 2
    clean, _ = replay(model, other)
    assert torch.equal(clean[-1], other.blocks[-1].latents)
    assert trace(other) != trace(stream)


# ------------------------------------------------------------------------ same calls, same bits


def play(stream, drags):
    stream.run(2, progress=False)
    stream.animate(drags, blocks=2)
    stream.prompt = "blue ball"
    stream.step()
    stream.edit(drags[:1], keep=regions.box(30, 0, 48, 10))
    stream.animate(drags[1:], settings=DragSettings.released())
    stream.step()
    return stream


@pytest.fixture(scope="module")
def played(model, drags):
    return play(Stream(model, "red ball", seed=7, undo=2), drags)


@pytest.fixture(scope="module")
def undragged(model):
    stream = Stream(model, "red ball", seed=7, undo=2)
    stream.run(7, progress=False)
    return stream


@pytest.mark.parametrize("to", range(8))
def test_a_rewound_stream_repeats_itself(played, undragged, trace, to):
    stream, plain = played.fork(), undragged.fork()
    expected = trace(plain)
    plain.rewind(to=to)
    assert len(plain) == to
    plain.run(7 - to, progress=False)
    assert trace(plain) == expected
    stream.rewind(to=to)
    assert stream.prompt == ("blue ball" if to >= 4 else "red ball")
    first = trace(stream)
    stream.step()
    stream.rewind(to=to)
    assert trace(stream) == first


@pytest.mark.parametrize("remembers", [True, False])
def test_an_old_block_can_be_edited_as_if_it_were_new(tiny, drags, trace, remembers):
    model = tiny(remembers=remembers)
    stream = Stream(model, "red ball", seed=3, undo=1)
    stream.run(2, progress=False)
    stream.prompt = "blue ball"
    stream.step()
    fresh = stream.fork()
    fresh.edit(drags)
    fresh.step()
    stream.run(6, progress=False)
    stream.rewind(to=3)
    stream.edit(drags)
    stream.step()
    assert trace(stream) == trace(fresh)


def test_a_fork_shares_the_past_and_goes_its_own_way(stream, drags, trace):
    stream.run(4, progress=False)
    before = trace(stream)
    fork = stream.fork(at=3)
    assert all(a is b for a, b in zip(fork.blocks, stream.blocks, strict=False))
    assert len(fork) == 3
    fork.animate(drags)
    fork.prompt = "blue"
    fork.step()
    assert trace(stream) == before
    same = stream.fork(at=3)
    same.step()
    assert trace(same) == before
    assert len(stream.fork()) == 4
    assert len(stream.fork(at=0)) == 0


def test_forks_of_a_drag_draw_the_same_cutoffs(stream, drags):
    stream.run(2, progress=False)
    raw = stream.fork()
    stream.animate(drags, blocks=2)
    raw.animate(drags, blocks=2, settings=DragSettings.paper(rectification=False))
    pairs = [
        (a.cutoff, b.cutoff)
        for ours, theirs in zip(stream.blocks[2:], raw.blocks[2:], strict=True)
        for a, b in zip(ours.iterations, theirs.iterations, strict=True)
    ]
    assert all(a == b for a, b in pairs)
    assert len(set(pairs)) > 1
    assert not torch.equal(raw.latents, stream.latents)


def test_recomputed_contexts_are_the_ones_that_were_forgotten(model, drags):
    stream = play(Stream(model, "red ball", seed=7, undo=8), drags)
    forgetful = Stream(model, "red ball", seed=7, undo=1)
    forgetful._state = stream._state.__class__(
        stream.blocks,
        stream.prompt,
        forgetful._state.contexts,
        forgetful._state.decoders,
    )
    for boundary in (3, 1, 5, 7):
        kept = stream._cache.context(stream._state, boundary, "red ball")
        made = forgetful._cache.context(forgetful._state, boundary, "red ball")
        assert kept.frames == made.frames == 3 * boundary
        for ours, theirs in zip(kept.blocks, made.blocks, strict=True):
            for (key, value), (key_, value_) in zip(ours.layers, theirs.layers, strict=True):
                assert torch.equal(key, key_)
                assert torch.equal(value, value_)
        ours = stream._cache.decoder(stream._state, boundary)
        assert torch.equal(ours, forgetful._cache.decoder(forgetful._state, boundary))


def test_same_calls_same_bits(tiny, played, drags, trace):
    again = Stream(tiny(), "red ball", seed=7)
    assert trace(play(again, drags)) == trace(played)
    other = Stream(tiny(), "red ball", seed=8)
    other.run(2, progress=False)
    assert not torch.equal(other.latents, played.latents[:6])


# -------------------------------------------------------------------------- cost stays the same


def test_a_block_costs_the_same_passes_however_long_the_stream(tiny):
    model = tiny()
    stream = Stream(model, "red ball", seed=1)
    costs = []
    for _ in range(12):
        model.calls.clear()
        stream.step()
        costs.append(tuple(model.calls))
    assert set(costs) == {("denoise",) * 4 + ("commit", "decode")}


def test_undo_costs_nothing_and_memory_is_bounded(tiny, drags):
    model = tiny()
    stream = Stream(model, "red ball", seed=1, undo=3)
    stream.run(9, progress=False)
    for state in (stream._state, stream.fork(at=8)._state):
        assert len(state.contexts.items) <= 4
        assert len(state.decoders.items) <= 4
    model.calls.clear()
    stream.rewind(to=7)
    stream.edit(drags)  # boundaries 6 and 7 are kept
    assert model.calls.count("commit") == 1
    assert model.calls.count("decode") == 1
    assert model.calls.count("denoise") == 3  # from the drag's step on
    model.calls.clear()
    stream.rewind(to=2)
    stream.step()
    assert model.calls.count("commit") == 2 + 1
    model.calls.clear()
    stream.edit(drags)
    assert model.calls.count("commit") == 1
    assert len(stream._cache._contexts._items) <= 4


@pytest.mark.parametrize(("planned", "kept"), [(None, 4), (2, 2)])
def test_going_back_is_free_for_as_many_blocks_as_the_model_has_room_for(tiny, planned, kept):
    model = tiny()
    if planned is not None:
        model.undo = planned
    stream = Stream(model, "red ball", seed=1)
    stream.run(6, progress=False)
    commits = []
    for back in (kept, kept + 1):
        branch = stream.fork(at=6 - back)
        model.calls.clear()
        branch.step()
        commits.append(model.calls.count("commit"))
    assert commits == [1, 6 - kept]  # what was forgotten is committed again, from the beginning


def test_a_decoder_without_memory_is_not_asked_to_decode_the_past_again(tiny):
    model = tiny(remembers=False)
    stream = Stream(model, "red ball", undo=1)
    stream.run(8, progress=False)
    stream.rewind(to=4)
    model.calls.clear()
    stream.step()
    assert model.calls.count("decode") <= 2


# --------------------------------------------------------------------------------------- drags


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


def normalised(model, stream, index, count):
    """A block as the plain loop makes it, each prediction normalised as the release does."""
    block, context = stream.blocks[index], None
    for earlier in stream.blocks[:index]:
        context = context or model.new_context(model.encode_text(block.prompt))
        context = model.commit(earlier.latents[None], context)
    previous = [earlier.latents for earlier in stream.blocks[max(1, index - count) : index]]
    latents = block.noisy[0][None]
    for step, sigma in enumerate(model.spec.sigmas):
        if step:
            latents = (1 - sigma) * latents + sigma * noise(stream.seed, index, step, SHAPE)[None]
        latents = model.denoise(latents, sigma, context)
        together = torch.cat([*previous, latents[0]])
        latents = (latents - latents.mean()) / latents.std() * together.std() + together.mean()
    return latents[0]


def test_a_stream_may_normalise_the_predictions_of_every_block(model, stream, trace):
    released = Stream(model, "red ball", seed=7, prediction_blocks=2)
    released.run(5, progress=False)
    stream.run(5, progress=False)
    assert released.prediction_blocks == 2
    same = [torch.equal(a.latents, b.latents) for a, b in zip(released.blocks, stream.blocks)]  # noqa: B905
    assert same == [True, True, False, False, False]  # from the third block on
    for index in (2, 3, 4):
        expected = normalised(model, released, index, 2)
        torch.testing.assert_close(released.blocks[index].latents, expected, atol=1e-4, rtol=0)
    again = released.fork(3)
    again.run(2, progress=False)
    assert trace(again) == trace(released)
    with pytest.raises(ValueError, match="prediction_blocks must be at least 0, got -1"):
        Stream(model, "red ball", prediction_blocks=-1)


def test_the_released_preset_normalises_the_blocks_that_it_drags(model, stream, drags):
    settings = DragSettings.released(iterations=0)
    stream.run(3, progress=False)
    plain = stream.blocks[2].latents
    (block,) = stream.animate(drags, settings=settings)
    expected = normalised(model, stream, 3, 2)
    torch.testing.assert_close(block.latents, expected, atol=1e-4, rtol=0)
    assert torch.equal(stream.blocks[2].latents, plain)  # and no other
    early = Stream(model, "red ball", seed=7)
    early.step()
    (second,) = early.animate(drags, settings=settings)  # too early: there is only the first block
    assert torch.equal(second.latents, stream.blocks[1].latents)


def test_drags_with_other_settings_follow_the_streams_normalisation(model, drags):
    streams = [Stream(model, "red ball", seed=7, prediction_blocks=count) for count in (0, 2)]
    for each in streams:
        each.run(2, progress=False)
        each.animate(drags, settings=DragSettings.paper(iterations=0))
    expected = normalised(model, streams[1], 2, 2)
    torch.testing.assert_close(streams[1].blocks[2].latents, expected, atol=1e-4, rtol=0)
    assert not torch.allclose(streams[0].blocks[2].latents, expected, atol=1e-3)


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


# ---------------------------------------------------------------------------------------- image


def picture():
    x, y = np.meshgrid(np.arange(48), np.arange(32))
    return np.stack([x * 5, y * 7, x + y], axis=-1).astype(np.uint8)


def test_a_picture_becomes_block_0(model, drags, trace):
    stream = Stream(model, "red ball", seed=7, image=picture())
    assert len(stream) == 1
    block = stream.blocks[0]
    assert block.mode is Mode.IMAGE
    assert torch.equal(block.latents, model.encode_image(picture())[0])
    expected = 0.1 * block.latents + 0.9 * noise(7, 0, 1, SHAPE)
    torch.testing.assert_close(block.noisy[1], expected)
    assert stream.step().index == 1
    stream.rewind(to=1)
    stream.edit(drags)
    stream.animate(drags)
    again = Stream(model, "red ball", seed=7, image=picture())
    again.edit(drags)
    again.animate(drags)
    assert trace(again) == trace(stream)
    for call in (stream.rewind, stream.fork):
        with pytest.raises(ValueError, match="must be at least 1, got 0"):
            call(0)


def test_a_read_only_picture_is_handed_on_as_a_copy(model, trace):
    image = picture()
    image.setflags(write=False)
    handed = []

    class Careless:
        def __getattr__(self, name):
            return getattr(model, name)

        def encode_image(self, given):
            handed.append(given)
            latents = model.encode_image(given)
            given[:] = 0
            return latents

    stream = Stream(Careless(), "red ball", seed=7, image=image)
    assert trace(stream) == trace(Stream(model, "red ball", seed=7, image=picture()))
    assert not np.shares_memory(handed[0], image)
    assert np.array_equal(image, picture())


@pytest.mark.parametrize(
    ("image", "error"),
    [
        (picture()[:-1], ValueError),
        (picture().astype(np.float32), ValueError),
        (picture()[..., 0], ValueError),
        ([[0]], TypeError),
    ],
)
def test_a_picture_of_another_kind_is_refused(model, image, error):
    with pytest.raises(error, match="image must be"):
        Stream(model, "red ball", image=image)


# ------------------------------------------------------------------------------------- features


def test_features_are_those_of_the_drags_step(model, stream):
    stream.run(4, progress=False)
    found = stream.features(block=2)
    _, context = replay(model, stream.fork(at=2))
    noisy = stream.blocks[2].noisy[1][None]
    expected = model.read(noisy, 0.9, context, (1, 2)).taps[0]
    assert list(found) == [1, 2]
    assert found[1].shape == (3, 2, 3, 24)
    assert all(torch.equal(found[layer], expected[layer][0]) for layer in found)
    low = stream.features(block=-2, layers=0, cutoff=0.4, step=3)
    noisy = stream.blocks[2].noisy[3][None]
    expected = model.read(noisy, 0.4, context, (0,), (LowPass(0.4),)).taps[0]
    assert torch.equal(low[0], expected[0][0])


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"block": 3}, ValueError),
        ({"block": -4}, ValueError),
        ({"block": True}, TypeError),
        ({"layers": 3}, ValueError),
        ({"layers": ()}, ValueError),
        ({"layers": -1}, ValueError),
        ({"layers": (1.0,)}, TypeError),
        ({"layers": 1.0}, TypeError),
        ({"layers": "12"}, TypeError),
        ({"layers": True}, TypeError),
        ({"cutoff": 0}, ValueError),
        ({"cutoff": 1.5}, ValueError),
        ({"step": 4}, ValueError),
    ],
)
def test_features_that_do_not_exist_are_refused(stream, wrong, error):
    stream.run(3, progress=False)
    with pytest.raises(error, match=next(iter(wrong))):
        stream.features(**wrong)


def test_layers_may_be_numpys_integers(stream):
    stream.step()
    assert list(stream.features(layers=np.int64(1))) == [1]
    assert list(stream.features(layers=np.array([2, 0]))) == [2, 0]


def test_features_of_an_empty_stream_are_refused(stream):
    with pytest.raises(ValueError, match="the stream has no blocks"):
        stream.features()


# ------------------------------------------------------------------------------------ listeners


def test_listeners_hear_of_each_change_once_it_is_made(stream, drags, caplog):
    seen = []
    unsubscribe = stream.subscribe(lambda: seen.append((len(stream), stream.prompt)))
    stream.subscribe(lambda: 1 / 0)  # logged; the others and the call go on
    stream.run(2, progress=False)
    stream.prompt = "blue"
    stream.animate(drags, blocks=2)
    stream.edit(drags)
    stream.rewind(to=1)
    expected = [(1, "red ball"), (2, "red ball"), (2, "blue"), (4, "blue"), (4, "blue")]
    assert seen == [*expected, (1, "red ball")]
    assert "division by zero" in caplog.text
    with pytest.raises(ValueError, match="at most 1"):
        stream.rewind(to=2)
    stream.fork().step()
    unsubscribe()
    unsubscribe()
    stream.step()
    assert len(seen) == 6
    with pytest.raises(TypeError, match="listener must be callable, got 3"):
        stream.subscribe(3)


def test_a_listener_may_write(stream):
    stream.subscribe(lambda: len(stream) < 3 and stream.step())
    stream.step()
    assert len(stream) == 3


def test_an_empty_stream_is_true(model):
    stream = Stream(model, "red ball")
    assert len(stream) == 0
    assert bool(stream) is True


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


def test_a_saved_stream_goes_on_normalising_and_says_so_in_code(model, trace, tmp_path):
    stream = Stream(model, "red ball", seed=7, prediction_blocks=2)
    stream.run(3, progress=False)
    again = Stream.restore(stream.save(tmp_path / "a.dragstream"), model)
    assert again.prediction_blocks == 2
    stream.step()
    again.step()
    assert trace(again) == trace(stream)
    assert "prediction_blocks=2)" in stream.to_code(model="model")
    plain = Stream(model, "red ball", seed=7)
    plain.step()
    assert Stream.restore(plain.save(tmp_path / "b.dragstream"), model).prediction_blocks == 0
