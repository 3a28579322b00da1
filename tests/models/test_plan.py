"""Plans against the sizes of real tensors, of models small enough to build."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from diffusers import AutoencoderKLWan

from dragstream import models
from dragstream.models import causal_gradient
from dragstream.models import plan as planning
from dragstream.models.causal_config import CausalWanConfig
from dragstream.models.causal_offload import OffloadConfig
from dragstream.models.causal_wan import CausalWan
from dragstream.models.dry_run import Meter, PassInputs, iteration_bytes, measure_peak, size_of
from dragstream.models.plan import plan, plan_for
from dragstream.models.plan_parts import When
from dragstream.models.wan.releases import RELEASES
from dragstream.models.wan.sizes import SIZES, Sizes

SMALL = Sizes(
    transformer={
        "num_layers": 4,
        "num_heads": 2,
        "head_dim": 16,
        "ffn_dim": 64,
        "text_dim": 12,
        "freq_dim": 16,
        "latent_channels": 4,
    },
    vae={"base_dim": 8, "z_dim": 4, "latents_mean": [0.0] * 4, "latents_std": [1.0] * 4},
    text={
        "d_model": 12,
        "d_kv": 4,
        "d_ff": 20,
        "num_heads": 3,
        "num_layers": 2,
        "vocab_size": 50,
        "relative_attention_num_buckets": 8,
    },
)
RELEASE = dataclasses.replace(
    RELEASES["self-forcing"],
    name="small <b>",
    base="small",
    layers=(1, 2),
    window=9,
    sink=3,
    height=64,
    width=96,
    tokens=7,
)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(SIZES, "small", SMALL)

    def make(**changes):
        return plan(RELEASE, **({"device": "cpu"} | changes))

    return make


def size(made, name, device="cpu"):
    return sum(part.size for part in made.parts if part.name == name and part.device == device)


# ---------------------------------------------------------------------- counting


def test_a_meter_counts_what_is_alive():
    before = torch.zeros(100)
    with Meter() as meter:
        first = torch.zeros(10)
        view = first[2:].reshape(2, 4)
        view.add_(1)
        before.mul_(2)
        assert meter.alive == 40
        double = first.double()
        del first, view
        assert meter.alive == 80
        del double
        assert meter.alive == 0
    assert meter.peak == 120


def test_the_peak_and_the_result_are_returned():
    assert measure_peak(lambda: torch.ones(10).double().sum()) == (10, 40 + 80)


def real(dtype=torch.float32):
    torch.manual_seed(0)
    wan = CausalWan(SMALL.causal(RELEASE.causal)).to(dtype).requires_grad_(requires_grad=False)
    context = wan.new_context(torch.randn(1, RELEASE.tokens, 12))
    for _ in range(4):
        context = wan.commit(torch.randn(1, 3, 4, 8, 12), context)
    return wan, context


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_and_cache_are_those_of_real_tensors(small, dtype):
    made, (wan, context) = small(dtype=dtype), real(dtype)
    assert size(made, "transformer") == size_of(list(wan.parameters()))
    text_kv = [part for pair in context.text_kv for part in pair]
    assert size(made, "keys and values of the text") == size_of(text_kv)
    ranges = context.visible_ranges(wan.config, 3)
    kv_cache = [
        part for layer in range(4) for pair in context.kv_cache(layer, ranges) for part in pair
    ]
    assert size(made, "keys and values in sight") == size_of(kv_cache)
    block = [part for pair in context.blocks[-1].layers for part in pair]
    assert size(made, "the same of 1 more for going back") == size_of(block)
    assert size(small(dtype=dtype, undo=3), "the same of 3 more for going back") == 3 * size_of(
        block
    )


def test_the_vae_is_that_of_real_tensors(small):
    vae = AutoencoderKLWan.from_config(dict(SMALL.vae)).requires_grad_(requires_grad=False)
    made = small(decoder_states=1)
    assert size(made, "VAE") == size_of(list(vae.parameters()))
    cache = [None] * vae._cached_conv_counts["decoder"]
    with torch.no_grad():
        for index in range(2):
            vae.decoder(torch.randn(1, 4, 1, 8, 12), cache, [0], first_chunk=index == 0)
    state = size_of([part for part in cache if isinstance(part, torch.Tensor)])
    assert size(made, "decoder's memory") == state
    assert size(made, "decoder's memory at rest") == state  # of undo + 1 boundaries


def test_the_text_encoder_is_that_of_real_tensors(small):
    from transformers import UMT5Config, UMT5EncoderModel

    encoder = UMT5EncoderModel(UMT5Config(**SMALL.text))
    assert SMALL.text_weights() == sum(weight.numel() for weight in encoder.parameters())
    made = small(text_dtype="float32")
    assert size(made, "text encoder") == 4 * SMALL.text_weights()
    assert made.peak_of_text("cpu") > made.peak_of_text("cuda")


def test_a_denoising_step_takes_what_the_dry_run_measured(small):
    wan, context = real()
    latents = torch.randn(1, 3, 4, 8, 12)
    wan.denoise(latents, 0.9, context)
    _, denoise = measure_peak(lambda: wan.denoise(latents, 0.9, context))
    _, commit = measure_peak(lambda: wan.commit(latents, context))
    planned = size(small(), "a denoising step")
    assert planned == pytest.approx(max(denoise, commit), rel=0.05)


class Fused:
    """Takes what a GPU's kernel takes: nothing beside its results."""

    forward = causal_gradient._KERNELS["cpu"].forward
    gradients = causal_gradient._KERNELS["cpu"].gradients

    def query_gradient(self, *arguments):
        return self.gradients(*arguments)[0]


@pytest.mark.parametrize("checkpointing", [False, True])
def test_an_iteration_takes_what_the_dry_run_measured(checkpointing, monkeypatch):
    monkeypatch.setitem(causal_gradient._KERNELS, "cpu", Fused())
    wan, context = real()
    wan.place("cpu", OffloadConfig(checkpointing=checkpointing))
    latents = torch.randn(1, 3, 4, 8, 12).requires_grad_()

    def iterate():
        maps = torch.cat(list(wan.read(latents, 0.9, context, (1, 2)).taps[0].values()), dim=-1)
        return torch.autograd.grad(maps.square().mean(), latents)

    iterate()
    _, peak = measure_peak(iterate)
    inputs = PassInputs(wan.config, (8, 12), 6, RELEASE.tokens, (1, 2), torch.float32)
    planned = iteration_bytes(inputs, checkpointing=checkpointing)
    assert planned == pytest.approx(peak, rel=0.1)


# ---------------------------------------------------------------------- plans


def test_a_plan_prints_as_a_table(small):
    made = small()
    said = str(made).splitlines()
    assert said[0].startswith("small <b> at 96x64, float32 on cpu, for Stream(..., undo=1)")
    assert said[1].split() == ["part", "where", "memory", "when"]
    assert any(line.startswith("a plain block takes") for line in said)
    assert list(made.table.index) == [part.name for part in made.parts]
    html = made._repr_html_()
    assert "small &lt;b&gt;" in html
    assert "<b>" not in html
    assert html.count("<tr") == len(made.parts) + 1


def test_smaller_plans_take_less_and_less(small):
    made = small(device="cuda")
    chain = (made, *made.smaller)
    assert [later.saving.partition(" (")[0] for later in made.smaller] == [
        "low-passed keys and values made for each drag",
        "the decoder's memory on the CPU between blocks",
        "gradient checkpointing",
        "the layers above the tapped ones on the CPU",
        "all layers on the CPU",
        "half the window",
        "the VAE on the CPU",
    ]
    for dragged in (False, True):
        peaks = [step.peak(dragged=dragged) for step in chain]
        assert peaks == sorted(peaks, reverse=True)
        assert peaks[-1] < peaks[0]
    last = chain[-1].device_map
    assert last.offload == OffloadConfig(checkpointing=True, swapped_layers=4, keep_filtered=False)
    assert (last.vae_device, chain[-1].release.window) == ("cpu", 6)
    assert chain[-1].smaller == ()
    assert made.smallest is chain[-1]


def test_what_is_swapped_is_on_the_cpu(small):
    lavish, frugal = small(device="cuda"), small(device="cuda", swapped_layers=3)
    layer = size(frugal, "swapped layers") // 3
    assert size(lavish, "swapped layers") == 0
    moved = size(lavish, "transformer", "cuda") - size(frugal, "transformer", "cuda")
    assert moved == 3 * layer


def test_dragged_blocks_take_more_than_plain_ones(small):
    made = small(device="cuda")
    assert made.peak(dragged=True) > made.peak(dragged=False)
    without = {part.name for part in made.parts if part.dragged}
    assert without == {"the same in sight, low-passed", "an iteration of a drag"}
    parts = [part for part in made.parts if part.device == "cuda" and When.DRAG in part.when]
    assert made.peak(dragged=True) >= sum(part.size for part in parts)


def test_memory_is_checked(small):
    made = small(device="cuda")
    wanted = made.peak(dragged=True)
    made.check({"cuda": wanted})
    made.check({})
    with pytest.raises(
        MemoryError, match=r"small <b> at 96x64 takes .* on cuda, where .* are free"
    ):
        made.check({"cuda": wanted - 1})
    free = made.smaller[2].peak(dragged=True)
    fitting = made.fitting(free)
    assert fitting in made.smaller[:3]
    with pytest.raises(MemoryError, match="this would do") as caught:
        made.check({"cuda": free})
    assert fitting.code() in str(caught.value)
    with pytest.raises(MemoryError, match="smallest plan takes"):
        made.check({"cuda": 10})
    assert made.fitting(10) is None
    with pytest.raises(MemoryError, match="on cpu"):
        made.check({"cpu": 10})


def test_code_says_what_differs(small):
    made = small(device="cuda", checkpointing=True, height=32, window=6, vae_device="cpu")
    assert made.code() == (
        "ds.plan(release, height=32, window=6, vae_device='cpu', checkpointing=True)"
    )
    known = plan("self-forcing", device="cpu", height=64, width=64, window=12, keep_filtered=False)
    assert known.code() == (
        "ds.plan('self-forcing', height=64, width=64, window=12, keep_filtered=False)"
    )
    assert known.changes == {"height": 64, "width": 64, "window": 12}
    assert small(undo=3, compile=True).code() == "ds.plan(release, undo=3, compile=True)"


def test_loading_a_plan_checks_first_and_does_as_planned(monkeypatch):
    from dragstream.models.wan import assembly

    made = plan("self-forcing", device="cpu", height=64, width=64, checkpointing=True)
    monkeypatch.setattr(planning, "_free", lambda _: None)
    monkeypatch.setattr(assembly, "assemble", lambda *parts, **_: parts)
    release, files, device_map = models.load(made, base="some/one", undo=2)
    assert release == RELEASES["self-forcing"].changed({"height": 64, "width": 64})
    assert device_map == dataclasses.replace(made.device_map, undo=2)
    assert files.base.repository == "some/one"
    monkeypatch.setattr(planning, "_free", lambda _: 1000)
    monkeypatch.setattr(assembly, "assemble", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(MemoryError, match=r"on cpu, where 0\.0 MB are free"):
        models.load(made)


def test_a_plan_from_configs_at_hand(small):
    config = CausalWanConfig.of({**SMALL.transformer, **RELEASE.causal})
    made = plan_for(RELEASE, config, SMALL.vae, small().device_map)
    mine, theirs = (
        {part.name: part.size for part in each.parts if part.name != "text encoder"}
        for each in (made, small())
    )
    assert mine == theirs


def test_folders_are_planned_from_their_configs(tmp_path):
    from dragstream.models import load
    from dragstream.models.wan.tiny import write_tiny

    folder = write_tiny(tmp_path / "tiny")
    made = plan(folder, device="cpu", height=48)
    model = load(folder, device="cpu", cache=False)
    assert size(made, "transformer") == size_of(list(model.wan.parameters()))
    assert size(made, "VAE") == size_of(list(model.vae.parameters()))
    assert size(made, "text encoder") > 0
    assert made.changes == {"height": 48}
    assert made.code() == f"ds.plan({str(folder)!r}, height=48)"


def test_the_plan_of_what_a_loader_has_read_is_checked(small, monkeypatch):
    wan, _ = real()
    monkeypatch.setattr(planning, "_free", lambda device: 1000 if device == "cuda" else None)
    with pytest.raises(MemoryError, match=r"on cuda, where 0\.0 MB are free"):
        planning.plan_for(RELEASE, wan.config, SMALL.vae, small(device="cuda").device_map).check()
    planning.plan_for(RELEASE, wan.config, SMALL.vae, small(device="cpu").device_map).check()


@pytest.mark.parametrize(
    ("name", "changes", "error", "message"),
    [
        ("no-such-model", {}, ValueError, "self-forcing"),
        (3, {}, TypeError, "name"),
        ("self-forcing", {"speed": 3}, TypeError, "speed"),
        ("self-forcing", {"undo": 0}, ValueError, "undo"),
        ("self-forcing", {"compile": "yes"}, TypeError, "compile"),
        ("self-forcing", {"swapped_layers": 31}, ValueError, "at most the 30 layers"),
        ("self-forcing", {"dtype": "int8"}, ValueError, "int8"),
        ("self-forcing", {"checkpointing": "yes"}, TypeError, "checkpointing"),
        ("self-forcing", {"height": 100}, ValueError, "whole tokens"),
        ("self-forcing", {"window": 4}, ValueError, "room for a block"),
    ],
)
def test_bad_arguments(name, changes, error, message):
    with pytest.raises(error, match=message):
        plan(name, **changes)


@pytest.mark.gpu
@pytest.mark.parametrize("checkpointing", [False, True])
def test_an_iteration_takes_what_was_planned_on_a_gpu(checkpointing):
    config = CausalWanConfig.of(
        {**SMALL.transformer, "num_heads": 12, "head_dim": 64, "ffn_dim": 4096, **RELEASE.causal}
    )
    wan = CausalWan(config).to(torch.bfloat16).requires_grad_(requires_grad=False)
    wan.place("cuda", OffloadConfig(checkpointing=checkpointing))
    context = wan.new_context(torch.randn(1, RELEASE.tokens, 12, device="cuda"))
    for _ in range(3):
        context = wan.commit(torch.randn(1, 3, 4, 60, 104, device="cuda"), context)
    latents = torch.randn(1, 3, 4, 60, 104, device="cuda").requires_grad_()

    def iterate():
        maps = torch.cat(list(wan.read(latents, 0.9, context, (1, 2)).taps[0].values()), dim=-1)
        return torch.autograd.grad(maps.float().square().mean(), latents)

    iterate()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    iterate()
    taken = torch.cuda.max_memory_allocated() - before
    inputs = PassInputs(wan.config, (60, 104), 6, RELEASE.tokens, (1, 2), torch.bfloat16)
    planned = iteration_bytes(inputs, checkpointing=checkpointing)
    assert 0.7 * planned < taken < 1.15 * planned
