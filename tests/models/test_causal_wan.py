"""The causal Wan against the golden file, and against a naive one in other configurations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dragstream.method.frequency import LowPass
from dragstream.models.causal_wan import CausalWan
from tests.models.random_wan import blocks_of, close, make, rolled, text_of

GOLDEN = Path(__file__).parents[1] / "golden"
SIGMAS = (1.0, 0.9375, 0.625)


@pytest.fixture(scope="module")
def golden():
    return load_file(GOLDEN / "causal_wan_a.safetensors")


@pytest.fixture(scope="module")
def config():
    return json.loads((GOLDEN / "causal_wan_a.json").read_text())


@pytest.fixture(scope="module")
def released(config):
    return CausalWan.from_released(GOLDEN / "causal_wan_a.pt", config)


@pytest.fixture(scope="module")
def before_last(released, golden):
    """The context of the last block of the golden stream."""
    return rolled(released, golden["x0"][:-1, -1], golden["text"])


def test_golden_stream(released, golden, config):
    context = released.new_context(golden["text"])
    sigmas, per_block = config["sigmas"], config["frames_per_block"]
    for block in range(config["blocks"]):
        latents = golden["noise"][:, block * per_block : (block + 1) * per_block]
        for step, sigma in enumerate(sigmas):
            x0 = released.denoise(latents, sigma, context)
            close(x0, golden["x0"][block, step])
            if step + 1 < len(sigmas):
                later = sigmas[step + 1]
                latents = (1 - later) * x0 + later * golden["renoise"][block, step]
        context = released.commit(x0, context)
    assert context.frames == config["blocks"] * per_block
    assert sum(block.frames for block in context.blocks) == config["window"] - per_block


def test_golden_taps_and_gradient(released, golden, config, before_last):
    latents = golden["drag.z"].clone().requires_grad_()
    taps = released.read(latents, config["sigmas"][1], before_last, config["taps"]).taps[0]
    loss = torch.zeros(())
    for layer, tap in taps.items():
        assert tap.shape == (1, 3, 4, 6, 96)
        close(tap.flatten(1, 3), golden[f"tap.{layer}"])
        loss = loss + torch.nn.functional.mse_loss(tap.flatten(1, 3), golden[f"target.{layer}"])
    close(loss, golden["loss"][0])
    (gradient,) = torch.autograd.grad(loss, latents)
    # The gradient is of the order of 1e-4, so it is its shape that counts.
    close(gradient / golden["grad"].abs().max(), golden["grad"] / golden["grad"].abs().max())


@pytest.mark.parametrize("cutoff", [0.2, 0.4, 0.6])
def test_golden_low_passed_taps(released, golden, before_last, cutoff):
    taps = released.read(golden["drag.z"], 0.9375, before_last, (2, 3), (LowPass(cutoff),)).taps[0]
    for layer, tap in taps.items():
        close(tap.flatten(1, 3), golden[f"tap.{layer}.cutoff{cutoff}"])


@pytest.mark.parametrize(
    "case",
    [
        ({}, (4, 6), (1, 2)),
        ({"num_heads": 3, "head_dim": 8}, (6, 4), (0,)),
        ({"num_heads": 1, "head_dim": 20, "num_layers": 2}, (2, 8), (0, 1)),
        ({"window": None, "sink": 0}, (4, 4), (2,)),
        ({"window": 4, "sink": 0}, (4, 4), (0, 2)),
        ({"window": 7, "sink": 3, "frames_per_block": 3}, (2, 4), (1,)),
        ({"window": 3, "sink": 2, "frames_per_block": 1}, (4, 2), (0, 1, 2)),
        ({"patch": (1, 2), "latent_channels": 3}, (3, 4), (1, 2)),
        ({"num_layers": 1}, (2, 2), (0,)),
    ],
    ids=lambda case: json.dumps(case[0]),
)
def test_other_configurations_agree(tiny, naive, butterworth, case):
    changes, size, taps = case
    config = tiny | changes
    wan, text = make(config), text_of(config)
    reference, context = naive(wan), wan.new_context(text)
    for latents, sigma in zip(blocks_of(config, 5, *size), (*SIGMAS, 0.3, 0.9), strict=True):
        start = context.frames
        inputs = latents.clone().requires_grad_()
        expected_x0, expected = reference.block(inputs, sigma, text, start, taps=taps)
        close(wan.denoise(latents, sigma, context), expected_x0)
        features = wan.read(inputs, sigma, context, taps).taps[0]
        for layer in taps:
            close(features[layer], expected[layer])
        weights = {layer: torch.randn_like(tap) for layer, tap in features.items()}
        (gradient,) = torch.autograd.grad(
            sum((features[layer] * weights[layer]).sum() for layer in taps), inputs
        )
        (wanted,) = torch.autograd.grad(
            sum((expected[layer] * weights[layer]).sum() for layer in taps), inputs
        )
        close(gradient, wanted, 1e-4)
        _, expected = reference.block(
            latents, sigma, text, start, taps=taps, low_pass=butterworth(0.3)
        )
        filtered = wan.read(latents, sigma, context, taps, (butterworth(0.3),)).taps[0]
        for layer, tap in filtered.items():
            close(tap, expected[layer])
        context = wan.commit(latents, context)
        reference.block(latents, 0.0, text, start, commit=True)


def test_frames_beyond_the_rotary_table(tiny, naive):
    config = tiny | {"window": 1034, "sink": 4, "num_layers": 2}
    wan, text = make(config), text_of(config)
    long, block = blocks_of(config, 1, 2, 2, 1030)[0], blocks_of(config, 1, 2, 2, 7)[0]
    context = rolled(wan, [long], text)
    reference = naive(wan)
    reference.block(long, 0.0, text, 0, commit=True)
    expected, _ = reference.block(block, 0.9375, text, 1030)
    close(wan.denoise(block, 0.9375, context), expected)


def test_positions_matter_only_by_their_differences(tiny):
    wan = make(tiny)
    near, far = (
        wan.transformer.rope(torch.arange(3)[None] + start, 2, 3) for start in (0, 10_000_000)
    )
    shift = far / near
    assert torch.allclose(shift, shift[:, :1].expand_as(shift), atol=1e-5)
    assert not torch.allclose(shift, torch.ones_like(shift), atol=0.1)


# ---------------------------------------------------------------------- contexts are values


def test_a_context_shares_keys_and_values_and_forgets(tiny):
    wan, text = make(tiny), text_of(tiny)
    blocks = blocks_of(tiny, 6)
    contexts = [wan.new_context(text)]
    for block in blocks:
        contexts.append(wan.commit(block, contexts[-1]))
    # window 5, sink 1, blocks of 2: the next block sees frame 0 and the last two
    assert [block.start for block in contexts[2].blocks] == [0, 2]
    assert [block.start for block in contexts[6].blocks] == [0, 10]
    assert [context.frames for context in contexts] == [0, 2, 4, 6, 8, 10, 12]
    assert contexts[3].blocks[0] is contexts[6].blocks[0]
    assert contexts[5].text_kv is contexts[0].text_kv


def test_without_a_window_nothing_is_forgotten(tiny):
    config = tiny | {"window": None, "sink": 0}
    context = rolled(make(config), blocks_of(config, 6), text_of(config))
    assert [block.start for block in context.blocks] == [0, 2, 4, 6, 8, 10]


def test_an_old_context_stays_usable(tiny, butterworth):
    wan, text = make(tiny), text_of(tiny)
    blocks = blocks_of(tiny, 6)
    old = rolled(wan, blocks[:2], text)
    held = [part.clone() for block in old.blocks for pair in block.layers for part in pair]
    first = wan.denoise(blocks[2], 0.9375, old)
    new = old
    for block in blocks[2:]:
        new = wan.commit(block, new)
        wan.read(block.clone().requires_grad_(), 0.9, new, (1,), (butterworth(0.2),))
    assert torch.equal(wan.denoise(blocks[2], 0.9375, old), first)
    again = [part for block in old.blocks for pair in block.layers for part in pair]
    assert all(torch.equal(a, b) for a, b in zip(again, held, strict=True))
    assert not torch.equal(wan.denoise(blocks[2], 0.9375, new), first)


def test_committing_twice_gives_the_same_bits(tiny):
    wan, text = make(tiny), text_of(tiny)
    blocks = blocks_of(tiny, 4)
    a, b = (rolled(wan, blocks[:3], text) for _ in range(2))
    assert torch.equal(wan.denoise(blocks[3], 1.0, a), wan.denoise(blocks[3], 1.0, b))


def test_the_text_is_projected_once_for_a_context(tiny):
    wan, counted = make(tiny), []
    for block in wan.transformer.blocks:
        block.attn2.to_k.register_forward_hook(lambda *_: counted.append(1))
    context = rolled(wan, blocks_of(tiny, 3), text_of(tiny))
    wan.denoise(blocks_of(tiny, 1)[0], 0.9, context)
    wan.read(blocks_of(tiny, 1)[0], 0.9, context, (2,))
    assert len(counted) == tiny["num_layers"]


def test_another_text_keeps_the_past(tiny):
    wan, blocks = make(tiny), blocks_of(tiny, 3)
    text, other = text_of(tiny), text_of(tiny, tokens=7, seed=5)
    context = rolled(wan, blocks[:2], text)
    changed = wan.with_text(context, other)
    assert changed.blocks is context.blocks
    assert torch.equal(changed.text, other)
    assert torch.equal(context.text, text)
    x0 = wan.denoise(blocks[2], 0.9, changed)
    assert not torch.equal(x0, wan.denoise(blocks[2], 0.9, context))
    back = wan.with_text(changed, text)
    assert torch.equal(wan.denoise(blocks[2], 0.9, back), wan.denoise(blocks[2], 0.9, context))


def test_a_text_changed_in_place_does_not_reach_the_context(tiny):
    wan, text = make(tiny), text_of(tiny)
    context = wan.new_context(text)
    kept = text.clone()
    text.zero_()
    assert torch.equal(context.text, kept)


def test_a_smaller_block_is_refused_only_where_it_would_miss_something(tiny):
    wan, text = make(tiny), text_of(tiny)
    single = blocks_of(tiny, 1, frames=1)[0]
    blocks = blocks_of(tiny, 3)
    assert wan.denoise(single, 1.0, rolled(wan, blocks[:2], text)).shape == single.shape
    with pytest.raises(ValueError, match="no longer holds"):
        wan.denoise(single, 1.0, rolled(wan, blocks, text))


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        (torch.zeros(1, 2, 3, 4, 6), "4, height, width"),
        (torch.zeros(1, 2, 4, 5, 6), "multiple of 2"),
        (torch.zeros(1, 4, 4, 6), "shape"),
        (torch.zeros(2, 2, 4, 4, 6), "one video"),
        (torch.zeros(1, 0, 4, 4, 6), "shape"),
        (torch.zeros(1, 2, 4, 4, 4), "2 x 3 tokens"),
        (torch.zeros(1, 2, 4, 4, 6, dtype=torch.int64), "floating"),
        (torch.full((1, 2, 4, 4, 6), torch.nan), "NaN"),
        (torch.full((1, 2, 4, 4, 6), torch.inf), "NaN or infinity"),
        (torch.zeros(1, 5, 4, 4, 6), "at most 4"),
    ],
)
def test_bad_latents(tiny, latents, message):
    wan = make(tiny)
    context = rolled(wan, blocks_of(tiny, 3), text_of(tiny))
    for call in (
        lambda: wan.denoise(latents, 0.9, context),
        lambda: wan.commit(latents, context),
        lambda: wan.read(latents, 0.9, context, (0,)).taps[0],
    ):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize("sigma", [-0.1, 1.1, float("nan"), float("inf")])
def test_bad_sigmas(tiny, sigma):
    wan = make(tiny)
    with pytest.raises(ValueError, match="sigma"):
        wan.denoise(blocks_of(tiny, 1)[0], sigma, wan.new_context(text_of(tiny)))


@pytest.mark.parametrize("layers", [(), (3,), (-1, 0), (0, 30)])
def test_bad_layers(tiny, layers):
    wan = make(tiny)
    with pytest.raises(ValueError, match=r"0\.\.2|at least 0"):
        wan.read(blocks_of(tiny, 1)[0], 0.9, wan.new_context(text_of(tiny)), layers)


@pytest.mark.parametrize("layers", [2, None, "12", 1.5])
def test_layers_of_another_kind(tiny, layers):
    wan = make(tiny)
    with pytest.raises(TypeError, match="layers must be a sequence of layers"):
        wan.read(blocks_of(tiny, 1)[0], 0.9, wan.new_context(text_of(tiny)), layers)


@pytest.mark.parametrize("patch", [2, None, "22"])
def test_a_patch_of_another_kind(tiny, patch):
    with pytest.raises(TypeError, match="patch must be a sequence of rows and columns"):
        make(tiny | {"patch": patch})


def test_bad_filters(tiny):
    wan, latents = make(tiny), blocks_of(tiny, 1)[0]
    context = wan.new_context(text_of(tiny))
    with pytest.raises(TypeError, match="hashable"):
        wan.read(latents, 0.9, context, (0,), (0.4,))
    with pytest.raises(ValueError, match="keep the shape"):
        wan.read(latents, 0.9, context, (0,), (lambda maps: maps[:, :1],))


def test_bad_texts_and_contexts(tiny):
    wan = make(tiny)
    for text in (torch.zeros(1, 5, 9), torch.zeros(2, 5, 10), torch.zeros(1, 0, 10)):
        with pytest.raises(ValueError, match="text must have shape"):
            wan.new_context(text)
    with pytest.raises(ValueError, match="finite"):
        wan.new_context(torch.full((1, 5, 10), torch.nan))
    with pytest.raises(TypeError, match="context"):
        wan.denoise(blocks_of(tiny, 1)[0], 0.9, None)
    other = make(tiny | {"num_heads": 3})
    with pytest.raises(ValueError, match="belongs to"):
        wan.denoise(blocks_of(tiny, 1)[0], 0.9, other.new_context(text_of(tiny)))
