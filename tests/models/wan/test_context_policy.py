"""How the past is kept in sight: rolling on, restarting, made anew under a new prompt."""

from __future__ import annotations

import pytest
import torch

from dragstream.models.wan.context_policy import (
    Recaching,
    Restarting,
    RolloutContext,
    inner_context,
)


def texts_of(model):
    return [model.encode_text(prompt) for prompt in ("a red ball", "a blue box in the rain")]


def same(wan, first, second, latents):
    """Whether two contexts are the same past, as far as the next block can see."""
    a, b = (wan.denoise(latents, 0.7, context) for context in (first, second))
    return torch.equal(a, b)


def test_a_full_cache_restarts_from_the_last_picture_and_what_followed(models, block_of):
    model = models["causvid"]
    wan, (text, _) = model.wan, texts_of(model)
    policy = Restarting(wan, limit=6, overlap=3, again=model.vae.again)
    blocks = [block_of(model, seed) for seed in range(3)]
    context = policy.begin(text)
    for block in blocks[:2]:
        context = policy.extended(context, block)
    rollout = torch.cat(blocks[:2], dim=1)
    frames, _ = model.vae._decode(rollout[:, :4], None)
    first = model.vae.encode(frames[:, :, -1:])
    assert first.shape[1] == 1
    start = torch.cat([first, rollout[:, 4:]], dim=1)
    wanted = wan.commit(start, wan.new_context(text))
    assert same(wan, inner_context(context), wanted, blocks[2])
    assert (context.frames, inner_context(context).frames) == (6, 3)
    context = policy.extended(context, blocks[2])  # full again: the next rollout
    assert (context.frames, inner_context(context).frames) == (9, 3)


def test_before_it_is_full_the_cache_is_only_appended_to(models, block_of):
    model = models["causvid"]
    wan, (text, other) = model.wan, texts_of(model)
    context, plain = model.new_context(text), wan.new_context(text)
    for seed in range(6):
        block = block_of(model, seed)
        context, plain = model.commit(block, context), wan.commit(block, plain)
    assert inner_context(context).frames == 18
    assert same(wan, inner_context(context), plain, block_of(model, 9))
    told = model.with_text(context, other)
    assert same(wan, inner_context(told), wan.with_text(plain, other), block_of(model, 9))
    context = model.commit(block_of(model, 6), context)  # 21: the next block would not fit
    assert (context.frames, inner_context(context).frames) == (21, 3)


def test_a_new_prompt_makes_keys_and_values_anew(models, block_of):
    model = models["longlive"]
    wan, (text, other) = model.wan, texts_of(model)
    blocks = [block_of(model, seed) for seed in range(5)]
    context = model.new_context(text)
    for block in blocks[:4]:
        context = model.commit(block, context)
    # The sink stays as it was; all else is as if it had been committed under the new prompt.
    wanted = wan.with_text(wan.commit(blocks[0], wan.new_context(text)), other)
    for block in blocks[1:4]:
        wanted = wan.commit(block, wanted)
    told = model.with_text(context, other)
    assert same(wan, inner_context(told), wanted, blocks[4])
    assert told.frames == 12
    assert not same(
        wan, inner_context(told), wan.with_text(inner_context(context), other), blocks[4]
    )
    assert torch.equal(told.text, other)


def test_only_what_lies_in_the_window_is_made_anew(models, block_of):
    model = models["longlive"]
    text, other = texts_of(model)

    def told(changed):
        context = model.new_context(text)
        for seed in range(7):
            block = block_of(model, seed)
            context = model.commit(block + (seed == changed), context)
        return model.with_text(context, other)

    latents, plain = block_of(model, 9), told(None)
    assert inner_context(plain).since == 9  # 21 frames, of which 12 were made anew
    assert len(plain.latents) == 4
    # Frames 3 to 9 are out of sight; the old keys and values of 9 to 21 knew of them.
    assert same(model.wan, inner_context(plain), inner_context(told(1)), latents)
    assert not same(model.wan, inner_context(plain), inner_context(told(0)), latents)
    assert not same(model.wan, inner_context(plain), inner_context(told(4)), latents)
    onward = model.commit(latents, plain)
    assert onward.frames == 24
    assert torch.isfinite(model.denoise(latents, 0.7, onward)).all()


def test_a_new_prompt_at_the_very_beginning(models, block_of):
    model = models["longlive"]
    text, other = texts_of(model)
    told = model.with_text(model.new_context(text), other)
    assert same(
        model.wan, inner_context(told), inner_context(model.new_context(other)), block_of(model)
    )


def test_foreign_contexts_are_refused(models):
    with pytest.raises(TypeError, match="new_context"):
        inner_context("past")
    wan = models["longlive"].wan
    plain = wan.new_context(texts_of(models["longlive"])[0])
    with pytest.raises(TypeError, match="new_context"):
        Recaching(wan).with_text(plain, plain.text)
    assert inner_context(RolloutContext(plain)) is plain
