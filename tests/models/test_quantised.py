"""Weights, keys and values in 8 bits, against the same numbers as plain tensors."""

from __future__ import annotations

import copy
import dataclasses
import sys

import pytest
import torch

from dragstream.method.frequency import LowPass
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.causal_quantised import (
    KINDS,
    Int8Values,
    QuantisedLinear,
    expanded,
    mapped,
    quantise_layers,
    stored_parts,
)
from dragstream.models.causal_wan import CausalWan
from dragstream.models.wan.context_policy import Averaging

SIGMA = 0.9375


def make(config, *, int8_cache=False):
    torch.manual_seed(0)
    wan = CausalWan.from_config(config)
    with torch.no_grad():
        for weight in wan.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.1)
    wan.int8_cache = int8_cache
    return wan.requires_grad_(requires_grad=False)


def blocks_of(config, count):
    generator = torch.Generator().manual_seed(1)
    shape = (1, config["frames_per_block"], config["latent_channels"], 4, 6)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def rolled(wan, config, blocks):
    text = torch.randn(1, 5, config["text_dim"], generator=torch.Generator().manual_seed(2))
    context = wan.new_context(text)
    for block in blocks:
        context = wan.commit(block, context)
    return context


def everything(wan, block, context):
    """x0, taps, filtered taps, and the gradient of all of them."""
    block = block.detach().requires_grad_()
    reading = wan.read(block, SIGMA, context, (0, 2), (None, LowPass(0.3)), predict=True)
    found = [reading.x0, *(tap for taps in reading.taps for tap in taps.values())]
    (gradient,) = torch.autograd.grad(sum(part.square().sum() for part in found), block)
    return [*(part.detach() for part in found), gradient]


def close(found, wanted, tolerance=1e-5):
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance * float(b.abs().max()))


# ---------------------------------------------------------------------- weights


@pytest.fixture
def quantised(tiny):
    def build(kind):
        wan = make(tiny)
        quantise_layers(wan.transformer.blocks, kind)
        return wan

    return build


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_and_gradients_are_those_of_the_rounded_weights(tiny, quantised, kind):
    wan, plain = quantised(kind), make(tiny)
    *before, block = blocks_of(tiny, 4)
    exact = everything(plain, block, rolled(plain, tiny, before))
    with torch.no_grad():
        for name, part in wan.transformer.blocks.named_modules():
            if isinstance(part, QuantisedLinear):
                old = plain.transformer.blocks.get_submodule(name).weight
                new = part.weight.dequantize()
                most = {"int8": old.abs().amax(1, keepdim=True) / 250, "fp8": old.abs() / 15}[kind]
                assert (new - old).abs().le(most + 1e-3).all()
                old.copy_(new)
    found = everything(wan, block, rolled(wan, tiny, before))
    close(found, everything(plain, block, rolled(plain, tiny, before)))
    assert not torch.allclose(found[0], exact[0], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_matrix_takes_a_byte_for_each_number(quantised, tiny, kind):
    wan, plain = quantised(kind), make(tiny)
    linear = [part for part in wan.transformer.modules() if isinstance(part, QuantisedLinear)]
    assert len(linear) == 10 * tiny["num_layers"]
    saved = sum(3 * part.weight.numel() for part in linear)
    scales = sum((4 if kind == "fp8" else 5) * len(part.weight) for part in linear)
    whole = sum(weight.nbytes for weight in plain.parameters())
    assert sum(part.nbytes for part in stored_parts(wan.parameters())) == whole - saved + scales


def test_an_iteration_keeps_no_expanded_matrix(tiny, quantised):
    def kept(wan):
        *before, block = blocks_of(tiny, 3)
        context, seen = rolled(wan, tiny, before), {}
        weights = {part.untyped_storage().data_ptr() for part in stored_parts(wan.parameters())}

        def keep(tensor):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                seen[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            taps = wan.read(block.requires_grad_(), SIGMA, context, (2,)).taps
        assert taps[0][2].requires_grad
        return sum(seen.values())

    assert kept(quantised("int8")) <= kept(make(tiny))


@pytest.mark.parametrize("kind", KINDS)
def test_offload_changes_no_number(tiny, quantised, kind):
    wan = quantised(kind)
    *before, block = blocks_of(tiny, 3)
    lavish = everything(wan, block, rolled(wan, tiny, before))
    wan.place("cpu", OffloadConfig(swapped_layers=2, checkpointing=True))
    frugal = everything(wan, block, rolled(wan, tiny, before))
    assert all(torch.equal(a, b) for a, b in zip(lavish, frugal, strict=True))


def test_the_parts_of_a_quantised_weight_are_copied_one_by_one(quantised):
    weight = quantised("int8").transformer.blocks[0].attn1.to_q.weight
    copied = mapped(weight, torch.clone)
    assert type(copied) is type(weight)
    parts = zip(stored_parts([weight]), stored_parts([copied]), strict=True)
    assert all(torch.equal(a, b) and a.data_ptr() != b.data_ptr() for a, b in parts)


def test_fingerprints_tell_the_kinds_apart(tiny, quantised):
    models = [make(tiny), make(tiny, int8_cache=True), *(quantised(kind) for kind in KINDS)]
    assert len({model.fingerprint() for model in models}) == len(models)
    assert quantised("int8").fingerprint() == quantised("int8").fingerprint()


def test_other_kinds_and_a_missing_package(tiny, monkeypatch):
    with pytest.raises(ValueError, match=r"one of fp8, int8, got 'int4'"):
        quantise_layers(make(tiny).transformer.blocks, "int4")
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(ImportError, match=r"dragstream\[quant\]"):
        quantise_layers(make(tiny).transformer.blocks, "int8")


# ---------------------------------------------------------------------- keys and values


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_int8_rounds_each_token_and_head_by_its_largest_number(dtype):
    x = torch.randn(1, 6, 2, 16, generator=torch.Generator().manual_seed(0)) * 3
    x[0, 2] = 0
    x = x.to(dtype)
    coded = Int8Values.of(x)
    assert coded.dtype == dtype
    assert coded.values.dtype == torch.int8
    assert coded.nbytes == x.numel() + x.numel() // 16 * dtype.itemsize
    largest = x.float().abs().amax(-1, keepdim=True)
    rounding = largest / 127 / 2 + (largest / 128 if dtype == torch.bfloat16 else 1e-6)
    assert ((coded.expanded() - x).float().abs() <= rounding).all()
    assert not coded.expanded()[0, 2].any()
    assert torch.equal(coded[:, 1:3].expanded(), coded.expanded()[:, 1:3])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_int8_hides_nothing_that_is_not_finite(bad):
    x = torch.ones(1, 2, 1, 4)
    x[0, 1, 0, 2] = bad
    finite = Int8Values.of(x).expanded().isfinite()
    assert finite[0, 0].all()
    assert not finite[0, 1].any()


@pytest.mark.parametrize(("dtype", "share"), [(torch.bfloat16, 1 / 2), (torch.float32, 1 / 4)])
def test_a_cached_frame_takes_about_a_byte_for_each_number(tiny, dtype, share):
    sizes = tiny | {"head_dim": 64}

    def size(*, int8_cache):
        wan = make(sizes, int8_cache=int8_cache).to(dtype)
        context = rolled(wan, sizes, blocks_of(sizes, 1))
        parts = [part for pair in context.blocks[0].layers for part in pair]
        assert all(part.dtype == dtype for part in parts)
        return sum(part.nbytes for part in parts) / context.frames

    tokens = 2 * 3
    assert size(int8_cache=False) == 3 * 2 * tokens * 128 * dtype.itemsize
    assert size(int8_cache=True) == 3 * 2 * tokens * (128 + 2 * dtype.itemsize)
    assert size(int8_cache=True) / size(int8_cache=False) == pytest.approx(share, rel=0.07)


def test_passes_see_the_expanded_keys_and_values(tiny):
    wan, coded = make(tiny), make(tiny, int8_cache=True)
    *before, block = blocks_of(tiny, 3)
    context = rolled(coded, tiny, before)
    plain = dataclasses.replace(
        context,
        blocks=tuple(
            dataclasses.replace(
                held,
                layers=tuple((expanded(key), expanded(value)) for key, value in held.layers),
                _filtered={},
            )
            for held in context.blocks
        ),
    )
    x0, first, last, *filtered, _ = everything(coded, block, context)
    wanted = everything(wan, block, plain)
    assert all(torch.equal(a, b) for a, b in zip((x0, first, last), wanted[:3], strict=True))
    close(filtered, wanted[3:5], 0.01)  # cached low-passed ones are rounded once more
    pieces = [pair for held in context.blocks for pair in held._filtered[LowPass(0.3)].values()]
    assert all(isinstance(part, Int8Values) for pair in pieces for part in pair)

    def gradient(context):
        point = block.detach().requires_grad_()
        taps = wan.read(point, SIGMA, context, (0, 2)).taps[0]
        return torch.autograd.grad(sum(tap.square().sum() for tap in taps.values()), point)[0]

    assert torch.equal(gradient(context), gradient(plain))


def test_a_running_mean_is_cached_in_int8_too(tiny):
    sizes = tiny | {"window": 6, "sink": 2}
    found = []
    for int8_cache in (False, True):
        policy = Averaging(make(sizes, int8_cache=int8_cache), 0.6)
        context = policy.begin(torch.ones(1, 5, sizes["text_dim"]))
        for block in blocks_of(sizes, 5):
            context = policy.extended(context, block)
        found.append(context)
    plain, coded = found
    assert all(isinstance(part, Int8Values) for part in coded.inner.blocks[0].layers[1])
    for old, new in zip(plain.sink[1], coded.sink[1], strict=True):
        assert new.dtype == torch.float32
        assert 0 < float((old - new).norm() / old.norm()) < 0.02


def test_a_copy_of_a_model_keeps_the_options(quantised, tiny):
    wan = quantised("fp8")
    wan.int8_cache = True
    copied = copy.deepcopy(wan)
    assert copied.fingerprint() == wan.fingerprint()
    *before, block = blocks_of(tiny, 2)
    once, again = (each.denoise(block, SIGMA, rolled(each, tiny, before)) for each in (wan, copied))
    assert torch.equal(once, again)
