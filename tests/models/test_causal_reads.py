"""Features of the causal Wan: how many passes they take, what they filter, where gradients go."""

from __future__ import annotations

import pytest
import torch

from tests.models.random_wan import blocks_of, make, rolled, text_of


class Counting:
    """An identity that counts what it is asked to filter."""

    def __init__(self):
        self.shapes = []

    def __call__(self, maps):
        self.shapes.append(tuple(maps.shape))
        return maps


def test_committed_blocks_are_filtered_once(tiny):
    wan = make(tiny)
    blocks = blocks_of(tiny, 3, 4, 6)
    context = rolled(wan, blocks[:2], text_of(tiny))
    low_pass = Counting()
    wan.read(blocks[2], 0.9, context, (0, 2), (low_pass,))
    # keys and values of two layers, of two committed blocks and of the current one
    assert len(low_pass.shapes) == 2 * 2 * 3
    assert set(low_pass.shapes) == {(1, 2, 2, 3, 24)}
    wan.read(blocks[2], 0.9, context, (0, 2), (low_pass,))
    assert len(low_pass.shapes) == 2 * 2 * 3 + 2 * 2
    later = wan.commit(blocks[2], context)
    wan.read(blocks[2], 0.9, later, (0, 2), (low_pass,))
    # block 0 is still in sight and filtered already, block 1 is forgotten, block 2 is new
    assert len(low_pass.shapes) == 2 * 2 * 3 + 2 * 2 + 2 * 2 * 2


def test_filters_kept_are_bounded(tiny, butterworth):
    wan = make(tiny)
    blocks = blocks_of(tiny, 2)
    context = rolled(wan, blocks[:1], text_of(tiny))
    first = wan.read(blocks[1], 0.9, context, (1,), (butterworth(0.5),)).taps[0][1]
    for i in range(30):
        wan.read(blocks[1], 0.9, context, (1,), (butterworth(0.1 + i / 100),))
    assert len(context.blocks[0]._filtered) <= 8
    again = wan.read(blocks[1], 0.9, context, (1,), (butterworth(0.5),)).taps[0][1]
    assert torch.equal(first, again)


def test_an_identity_filter_changes_nothing(tiny):
    wan = make(tiny)
    blocks = blocks_of(tiny, 2)
    context = rolled(wan, blocks[:1], text_of(tiny))
    plain = wan.read(blocks[1], 0.9, context, (0, 1)).taps[0]
    filtered = wan.read(blocks[1], 0.9, context, (0, 1), (Counting(),)).taps[0]
    assert all(torch.equal(plain[layer], filtered[layer]) for layer in (0, 1))


def test_nothing_runs_above_the_last_tap(tiny):
    wan = make(tiny)
    ran = []
    for layer, block in enumerate(wan.transformer.blocks):
        block.ffn.register_forward_hook(lambda *_, layer=layer: ran.append(layer))
        block.attn1.to_q.register_forward_hook(lambda *_, layer=layer: ran.append(f"q{layer}"))
    context = wan.new_context(text_of(tiny))
    taps = wan.read(blocks_of(tiny, 1)[0], 0.9, context, (1, 0, 1)).taps[0]
    assert ran == ["q0", 0, "q1"]
    assert list(taps) == [0, 1]


def test_features_and_prediction_come_in_one_pass(tiny, butterworth):
    wan = make(tiny)
    *before, latents = blocks_of(tiny, 3)
    context, last = rolled(wan, before, text_of(tiny)), tiny["num_layers"] - 1
    latents.requires_grad_()
    filters = (None, butterworth(0.4))

    def gradient(taps, clean):
        losses = [tap.square().sum() for each in taps for tap in each.values()]
        return torch.autograd.grad(sum(losses) + 3 * clean.square().sum(), latents)[0]

    taps = wan.read(latents, 0.7, context, (0, last), filters).taps
    clean = wan.read(latents, 0.7, context, predict=True).x0
    both = wan.read(latents, 0.7, context, (0, last), filters, predict=True)
    for mine, theirs in zip(both.taps, taps, strict=True):
        assert list(mine) == list(theirs)
        for layer, tap in theirs.items():
            torch.testing.assert_close(mine[layer], tap)
    torch.testing.assert_close(both.x0, clean)
    torch.testing.assert_close(gradient(both.taps, both.x0), gradient(taps, clean))


def test_a_pass_gives_what_passes_for_each_filter_and_the_prediction_give(tiny, butterworth):
    wan = make(tiny)
    *before, latents = blocks_of(tiny, 3)
    context, filters = rolled(wan, before, text_of(tiny)), (None, butterworth(0.4))
    where = latents.requires_grad_(), 0.7, context
    whole = wan.read(*where, (2, 0), filters, predict=True)
    assert [list(taps) for taps in whole.taps] == [[0, 2], [0, 2]]
    assert whole.x0.requires_grad
    assert torch.equal(whole.x0, wan.read(*where, predict=True).x0)
    assert torch.equal(whole.x0, wan.denoise(*where))
    for taps, low in zip(whole.taps, filters, strict=True):
        for layer, tap in wan.read(*where, (0, 2), (low,)).taps[0].items():
            assert torch.equal(tap, taps[layer])
    features = wan.read(*where, (0,))
    assert features.x0 is None
    assert torch.equal(features.taps[0][0], whole.taps[0][0])
    assert wan.read(*where, predict=True).taps == [{}]


def test_a_read_asks_for_something(tiny):
    wan = make(tiny)
    where = blocks_of(tiny, 1)[0], 0.9, wan.new_context(text_of(tiny))
    with pytest.raises(ValueError, match=r"layers 0\.\.2"):
        wan.read(*where)
    with pytest.raises(TypeError, match="hashable"):
        wan.read(*where, (0,), (None, 0.4))
    with pytest.raises(TypeError, match="layers must be a sequence"):
        wan.read(*where, 0, predict=True)
    with pytest.raises(ValueError, match=r"0\.\.2"):
        wan.read(*where, (3,), predict=True)


def test_only_latents_receive_a_gradient(tiny):
    wan = make(tiny)
    blocks = blocks_of(tiny, 2)
    context = rolled(wan, blocks[:1], text_of(tiny))
    latents = blocks[1].requires_grad_()
    sum(tap.sum() for tap in wan.read(latents, 0.9, context, (0, 2)).taps[0].values()).backward()
    assert latents.grad is not None
    assert latents.grad.abs().max() > 0
    assert all(weight.grad is None for weight in wan.parameters())
    assert all(weight.requires_grad for weight in wan.parameters())
    assert not wan.denoise(latents, 0.9, context).requires_grad
    held = [part for block in context.blocks for pair in block.layers for part in pair]
    assert not any(part.requires_grad for part in held)


def test_a_context_made_in_inference_mode_serves_gradients(tiny, butterworth):
    wan = make(tiny)
    blocks = blocks_of(tiny, 2)
    with torch.inference_mode():
        context = rolled(wan, blocks[:1], text_of(tiny))
        wan.read(blocks[1], 0.9, context, (1,), (butterworth(0.3),))
    latents = blocks[1].requires_grad_()
    wan.read(latents, 0.9, context, (0, 1), (butterworth(0.3),)).taps[0][1].sum().backward()
    assert latents.grad is not None
