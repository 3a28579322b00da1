"""Rewinding, forking and repeating give the same bits, and a block costs the same at any length."""

import pytest
import torch

from dragstream.drags import regions
from dragstream.method.settings import DragSettings
from dragstream.stream import Stream
from dragstream.stream import state as stream_state

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
        assert len(state.contexts) <= 4
        assert len(state.decoders) <= 4
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


# ------------------------------------------------------------------------------- progress bars


def test_only_recomputed_blocks_have_a_progress_bar(model, monkeypatch):
    """In a notebook each bar is ten widgets, shown or not."""
    bars = []

    def tqdm(steps, *_, disable=False, **__):
        bars.extend([] if disable else [len(steps)])
        return steps

    monkeypatch.setattr(stream_state, "tqdm", tqdm)
    stream = Stream(model, "red ball", seed=8, undo=1)
    for _ in range(6):
        stream.step()
    assert bars == []
    stream.rewind(to=2)
    stream.step()
    assert bars
    assert min(bars) > 0
