"""Loading with weights, keys and values in 8 bits; plans of them; the table in the docs."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch

import dragstream as ds
from dragstream.models import causal_gradient
from dragstream.models.dry_run import PassInputs, iteration_bytes, measure_peak, size_of
from dragstream.models.wan.device_map import DeviceMap
from dragstream.stream.stream import Stream

ROOT = Path(__file__).resolve().parents[3]
BOTH = {"weights": "int8", "kv_cache": "int8"}


def test_a_stream_in_8_bits_keeps_its_promises(quick, folders, bits, drags, tmp_path):
    model = quick(folders["self-forcing"], **BOTH)

    def play():
        stream = Stream(model, "a red ball", seed=3)
        stream.run(2, progress=False)
        stream.animate(drags, blocks=1)
        stream.edit(drags)
        return stream

    stream = play()
    before = bits(stream)
    assert bits(play()) == before
    stream.save(tmp_path / "one.dragstream")
    stream.step()
    stream.rewind(to=3)
    assert bits(stream) == before
    restored = Stream.restore(tmp_path / "one.dragstream", model)
    assert bits(restored) == before
    with pytest.raises(ValueError, match="model"):
        Stream.restore(tmp_path / "one.dragstream", quick(folders["self-forcing"]))


@pytest.mark.parametrize("kind", ["fp8", "int8"])
def test_the_cache_of_converted_weights_holds_plain_ones(quick, folders, tmp_path, kind):
    first = quick(folders["self-forcing"], tmp_path, weights=kind)
    again = quick(folders["self-forcing"], tmp_path, weights=kind)
    assert first.fingerprint() == again.fingerprint()
    assert first.fingerprint() != quick(folders["self-forcing"], tmp_path).fingerprint()


def test_bad_options(quick, folders, monkeypatch):
    with pytest.raises(ValueError, match="weights must be None or fp8 or int8, got 'int4'"):
        quick(folders["self-forcing"], weights="int4")
    with pytest.raises(ValueError, match="kv_cache must be None or int8, got 'fp8'"):
        DeviceMap(kv_cache="fp8")
    with pytest.raises(ValueError, match=r"one block, without a cache .*kv_cache='int8'"):
        quick(folders["wan2.1"], kv_cache="int8")
    with pytest.raises(ValueError, match=r"one block, without a cache .*kv_cache='int8'"):
        ds.plan("wan2.1", kv_cache="int8")
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(ImportError, match=r"weights='fp8' needs torchao: .*dragstream\[quant\]"):
        quick(folders["self-forcing"], weights="fp8")


# ---------------------------------------------------------------------- plans


@pytest.fixture
def planned(folders):
    def make(**changes):
        options = {"device": "cpu", "window": 9, "sink": 3} | changes
        return ds.plan(folders["self-forcing"], **options)

    return make


def size(made, name):
    return sum(part.size for part in made.parts if part.name == name)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_a_plan_counts_what_is_stored(quick, folders, block_of, planned, dtype):
    options = BOTH | {"dtype": dtype}
    model, made = quick(folders["self-forcing"], window=9, sink=3, **options), planned(**options)
    context = model.new_context(model.encode_text("a red ball"))
    for _ in range(4):
        context = model.commit(block_of(model), context)
    assert size(made, "transformer") == size_of(list(model.wan.parameters()))
    block = size_of([part for pair in context.blocks[-1].layers for part in pair])
    assert size(made, "the same of 1 more for going back") == block
    assert size(made, "keys and values in sight") == 2 * block
    assert made.peak(dragged=True) < planned(dtype=dtype).peak(dragged=True)
    assert "weights='int8', kv_cache='int8'" in made.code()


def test_an_iteration_takes_what_the_dry_run_measured(quick, folders, block_of, monkeypatch):
    class Fused:
        forward = causal_gradient._KERNELS["cpu"].forward
        gradients = causal_gradient._KERNELS["cpu"].gradients

        def query_gradient(self, *arguments):
            return self.gradients(*arguments)[0]

    monkeypatch.setitem(causal_gradient._KERNELS, "cpu", Fused())
    model = quick(folders["self-forcing"], window=9, sink=3, **BOTH)
    context = model.new_context(model.encode_text("a red ball"))
    for _ in range(4):
        context = model.commit(block_of(model), context)
    latents = block_of(model).requires_grad_()

    def iterate():
        maps = torch.cat(list(model.read(latents, 0.9, context, (1, 2)).taps[0].values()), dim=-1)
        return torch.autograd.grad(maps.square().mean(), latents)

    iterate()
    _, peak = measure_peak(iterate)
    tokens, size = context.text.shape[1], (latents.shape[3], latents.shape[4])
    inputs = PassInputs(model.wan.config, size, 6, tokens, (1, 2), torch.float32, "int8", True)  # noqa: FBT003
    assert iteration_bytes(inputs, checkpointing=False) == pytest.approx(peak, rel=0.15)


# ---------------------------------------------------------------------- the table


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("quantised", ROOT / "tools/quantised.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_has_the_golden_deviations(tool):
    page = tool.PAGE.read_text(encoding="utf-8")
    lines = page[page.index(tool.BEGIN) : page.index(tool.END)].splitlines()[3:]
    assert len(lines) == len(tool.OPTIONS)
    for option, line in zip(tool.OPTIONS, lines, strict=True):
        assert all(f'{key}="{value}"' in line for key, value in option.items())
        change, cosine, *_ = map(float, re.findall(r"[\d.]+(?= %| \|)", line))
        found = tool.golden(**option)
        assert found.prediction == pytest.approx(change / 100, rel=0.1, abs=2e-4)
        assert found.cosine == pytest.approx(cosine, abs=1e-3)


def test_the_packaged_model_hardly_changes(tool):
    (found,) = tool.packaged(BOTH, seeds=(1,))
    assert 0 < found.prediction < 0.01
    assert 0.999 < found.cosine < 1
