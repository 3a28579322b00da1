"""Each policy of the cache against a plain one in float64, which keeps every frame by itself."""

from __future__ import annotations

import pytest
import torch

from dragstream.models.causal_wan import CausalWan
from dragstream.models.wan.context_policy import (
    Averaging,
    Recaching,
    Restarting,
    Rolling,
    inner_context,
)
from dragstream.models.wan.release import Release

CONFIG = {
    "num_layers": 2,
    "num_heads": 2,
    "head_dim": 12,
    "ffn_dim": 20,
    "text_dim": 10,
    "freq_dim": 16,
    "latent_channels": 4,
    "frames_per_block": 2,
    "window": 6,
    "sink": 2,
}
DECAY = 0.6


@pytest.fixture(scope="module")
def wan():
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        model = CausalWan.from_config(CONFIG)
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight), alpha=0.1)
        return model.requires_grad_(False)  # noqa: FBT003 - torch's signature


@pytest.fixture(scope="module")
def text():
    return torch.randn(1, 5, 10, generator=torch.Generator().manual_seed(1))


def blocks(count):
    generator = torch.Generator().manual_seed(2)
    return [torch.randn(1, 2, 4, 4, 4, generator=generator) for _ in range(count)]


def running_mean(naive):
    """A plain model with keys before their rotation, and places counted within the cache."""

    class RunningMean(naive):
        def __init__(self, wan):
            super().__init__(wan)
            self.sinks = [None] * wan.config.num_layers

        def rotate(self, x, *_place):
            return x  # later, in `attend`

        def self_attention(self, layer, x, start, size, *, tapped, low_pass):
            self.place, self.layer, self.start = size, layer, start
            return super().self_attention(layer, x, start, size, tapped=tapped, low_pass=low_pass)

        def attend(self, query, key, value):
            rows, columns = self.place
            tokens = rows * columns
            if len(key) % tokens or len(key) == 5:  # attention to the text
                return super().attend(query, key, value)
            keys, values = list(key.split(tokens)), list(value.split(tokens))
            if self.sinks[self.layer] is not None:
                keys[:2], values[:2] = zip(*self.sinks[self.layer], strict=True)
            rotate = super().rotate
            keys = [rotate(key, place, rows, columns) for place, key in enumerate(keys)]
            first = len(keys) - len(query) // tokens
            queries = [
                rotate(part, first + index, rows, columns)
                for index, part in enumerate(query.split(tokens))
            ]
            return super().attend(torch.cat(queries), torch.cat(keys), torch.cat(values))

        def commit(self, latents, text, start):
            self.block(latents, 0.0, text, start, commit=True)
            leaving = start + 2 + 2 - 4 - 2  # the first frame of the block that leaves now
            if leaving < 2:
                return
            for layer, frames in enumerate(self.seen):
                sink = self.sinks[layer] or [frames[0], frames[1]]
                self.sinks[layer] = [
                    tuple(
                        DECAY * old + (1 - DECAY) * new
                        for old, new in zip(sink[place], frames[leaving + place], strict=True)
                    )
                    for place in range(2)
                ]

    return RunningMean


def test_a_running_mean_takes_in_what_leaves_the_window(wan, text, naive):
    memory, plain = Averaging(wan, DECAY), running_mean(naive)(wan)
    context, noisy = memory.begin(text), blocks(8)[-1]
    for index, block in enumerate(blocks(7)):
        start = 2 * index
        wanted, _ = plain.block(noisy, 0.7, text, start)
        found = wan.denoise(noisy, 0.7, inner_context(context))
        torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4)
        context = memory.extended(context, block)
        plain.commit(block, text, start)
    fixed = Rolling(wan).begin(text)
    for block in blocks(7):
        fixed = Rolling(wan).extended(fixed, block)
    apart = wan.denoise(noisy, 0.7, inner_context(fixed)) - wan.denoise(
        noisy, 0.7, inner_context(context)
    )
    assert apart.abs().max() > 1e-2


def test_a_running_mean_leaves_earlier_contexts_as_they_were(wan, text):
    memory = Averaging(wan, DECAY)
    context, (*past, noisy) = memory.begin(text), blocks(7)
    for block in past[:4]:
        context = memory.extended(context, block)
    before = wan.denoise(noisy, 0.7, inner_context(context))
    ahead = memory.extended(memory.extended(context, past[4]), past[5])
    assert torch.equal(wan.denoise(noisy, 0.7, inner_context(context)), before)
    again = memory.extended(memory.extended(context, past[4]), past[5])
    assert torch.equal(*(wan.denoise(noisy, 0.7, inner_context(it)) for it in (ahead, again)))
    other = memory.with_text(ahead, text + 1)
    assert torch.equal(other.text, text + 1)
    assert inner_context(other).blocks == inner_context(ahead).blocks
    latents = noisy.clone().requires_grad_()
    with torch.inference_mode():
        inner = memory.extended(ahead, past[0])
    wan.read(latents, 0.7, inner_context(inner), predict=True).x0.sum().backward()
    assert torch.isfinite(latents.grad).all()


def test_a_window_with_a_sink(wan, text, naive):
    plain, context, noisy = naive(wan), Rolling(wan).begin(text), blocks(8)[-1]
    for index, block in enumerate(blocks(6)):
        context = Rolling(wan).extended(context, block)
        plain.block(block, 0.0, text, 2 * index, commit=True)
    wanted, _ = plain.block(noisy, 0.7, text, 12)
    found = wan.denoise(noisy, 0.7, inner_context(context))
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4)


def test_a_new_prompt_computes_the_window_anew(wan, text, naive):
    class Since(naive):
        def visible(self, start, new):
            return [
                frame
                for frame in super().visible(start, new)
                if frame in known | {start, start + 1}
            ]

    memory, plain, (*past, noisy) = Recaching(wan), naive(wan), blocks(7)
    context = memory.begin(text)
    for index, block in enumerate(past):
        context = memory.extended(context, block)
        plain.block(block, 0.0, text, 2 * index, commit=True)
    other = text.flip(1)
    context = memory.with_text(context, other)
    anew = Since(wan)  # the sink under the old prompt, six frames under the new one
    anew.seen = [{frame: pairs[frame] for frame in (0, 1)} for pairs in plain.seen]
    known = {0, 1}
    for index in (3, 4, 5):
        anew.block(past[index], 0.0, other, 2 * index, commit=True)
        known |= {2 * index, 2 * index + 1}
    wanted, _ = anew.block(noisy, 0.7, other, 12)
    found = wan.denoise(noisy, 0.7, inner_context(context))
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("recached", [False, True])
def test_a_cache_that_restarts_before_each_block(wan, text, naive, recached):
    """Krea Realtime: each block sees the one before it, committed anew under the prompt."""
    memory = Restarting(wan, 4, 2, lambda clip: clip[:, -1:] / 2, recached)
    context, (*past, noisy) = memory.begin(text), blocks(4)
    for block in past:
        context = memory.extended(context, block)
    prompt = text.flip(1)
    context = memory.with_text(context, prompt)
    plain = naive(wan)
    start = torch.cat([past[2][:, :1] / 2, past[2][:, 1:]], dim=1)
    plain.block(start, 0.0, prompt if recached else text, 0, commit=True)
    wanted, _ = plain.block(noisy, 0.7, prompt, 2)
    found = wan.denoise(noisy, 0.7, inner_context(context))
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-4)
    assert context.frames == 6


@pytest.mark.parametrize(
    "changes",
    [
        {"sink_decay": 1.5},
        {"sink_decay": 0.5, "sink": 0},
        {"sink_decay": 0.5, "window": None},
        {"sink_decay": 0.5, "window": 20},
        {"sink_decay": 0.5, "recached": True},
    ],
)
def test_a_running_mean_needs_whole_blocks(changes):
    with pytest.raises(ValueError, match="sink_decay"):
        Release("mine", "", "base", **({"window": 21, "sink": 3} | changes))
