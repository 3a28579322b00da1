"""The benchmark of a Wan: a released procedure that computes the same, and figures that add up."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest
import torch

from dragstream.bench import __main__ as command
from dragstream.bench.gpu.setup import TINY
from dragstream.bench.measure import Spread
from dragstream.bench.procedure import ReleasedProcedure, decode_again
from dragstream.bench.random_models import assembled, random_wan
from dragstream.bench.wan import Row, WanBenchmark, WanReport
from dragstream.method.frequency import LowPass
from dragstream.method.rectification import Rectification
from dragstream.method.target_cells import enlarge
from dragstream.models.causal_wan import CausalWan

SIZES = {
    "num_layers": 4,
    "num_heads": 2,
    "head_dim": 16,
    "ffn_dim": 48,
    "text_dim": 8,
    "freq_dim": 16,
    "latent_channels": 4,
    "frames_per_block": 3,
    "window": 9,
    "sink": 3,
}
SIGMAS = (1.0, 0.9, 0.5)
LOW_PASS = LowPass(0.3)


@pytest.fixture(scope="module")
def released():
    torch.manual_seed(0)
    wan = CausalWan(SIZES).requires_grad_(requires_grad=False)
    context = wan.new_context(torch.randn(1, 5, 8))
    for _ in range(4):
        context = wan.commit(torch.randn(1, 3, 4, 4, 6), context)
    made = ReleasedProcedure(
        wan,
        context,
        layers=(1, 2),
        sigmas=SIGMAS,
        denoising_step=1,
        learning_rate=0.05,
        filters=[LOW_PASS],
    )
    made.generate(torch.randn(1, 3, 4, 4, 6), 0.9)
    return made


@pytest.fixture
def latents():
    return torch.randn(1, 3, 4, 4, 6, generator=torch.Generator().manual_seed(1))


def test_the_released_procedure_computes_what_the_package_does(released, latents):
    wan, context = released.wan, released.context
    x0, features = released.record(latents, 0.9, released.cache)
    torch.testing.assert_close(
        x0, wan.read(latents, 0.9, context, predict=True).x0, rtol=0, atol=1e-5
    )
    for low_pass in (None, LOW_PASS):  # recorded in every pass
        taps = wan.read(latents, 0.9, context, (1, 2), (low_pass,)).taps[0]
        wanted = torch.cat([taps[layer].flatten(1, 3) for layer in (1, 2)], dim=-1)
        torch.testing.assert_close(features[low_pass], wanted, rtol=0, atol=1e-5)


def test_its_iteration_follows_the_same_gradient(released, latents):
    point = latents.clone().requires_grad_()
    target = released.record(latents + 0.1, 0.9, released.cache)[1][None]
    taps = released.wan.read(point, 0.9, released.context, (1, 2)).taps[0]
    found, wanted = (
        enlarge(maps[0], 2, corners=True)
        for maps in (torch.cat([taps[1], taps[2]], dim=-1), target.unflatten(1, (3, 2, 3)))
    )
    (gradient,) = torch.autograd.grad((found - wanted).square().mean(), point)
    moved = released.iteration(latents, target, torch.zeros(()))
    # a fresh AdamW steps by the sign of the gradient, and decays weights
    stepped = latents * (1 - 0.05 * 0.01) - 0.05 * gradient / (gradient.abs() + 1e-8)
    own = Rectification(neighbours=0, per_frame=True).prepare(latents, None)
    clear = gradient.abs() > 1e-6
    torch.testing.assert_close(moved[clear], own(stepped)[clear], rtol=0, atol=2e-3)


def test_its_blocks_run_every_step_and_iteration(released, latents, monkeypatch):
    passes = []
    record = ReleasedProcedure.record

    def counted(self, latents, sigma, cache):
        passes.append(sigma)
        return record(self, latents, sigma, cache)

    monkeypatch.setattr(ReleasedProcedure, "record", counted)
    before = released.recorded
    x0 = released.block(latents, [None, LOW_PASS, None], torch.ones(()))
    # what is held, three iterations and the step itself at T', and the context pass
    assert passes == [1.0, *[0.9] * 5, 0.5, 0.0]
    assert x0.shape == latents.shape
    assert released.recorded is not before  # the next block's references


def test_its_decoding_starts_from_nothing():
    asked = []
    vae = SimpleNamespace(decode=lambda latents, state: (asked.append((latents, state)), None))
    decode_again(vae, torch.zeros(1, 3, 4, 2, 2), torch.ones(1, 3, 4, 2, 2))
    ((latents, state),) = asked
    assert latents.shape[1] == 6
    assert state is None


@pytest.fixture(scope="module")
def measured():
    told = []
    model = assembled(TINY.release, TINY.sizes, "cpu", torch.float32)
    report = WanBenchmark(model, pairs=2, progress=told.append).measure((2,))
    return model, report, told


def test_everything_is_measured(measured):
    _, report, told = measured
    names = [row.name for row in report.rows]
    assert names == [
        "iteration", "iteration, released()", "decoding", "plain block", "block, 2 iterations",
    ]  # fmt: skip
    assert told == ["filling the window", *names]
    assert (report.layers, report.channels, report.frame) == (3, 16, (48, 32))
    assert report.tokens == 3 * 2 * 3
    assert report.context_tokens == 3 * 2 * 3  # a window of 6 latent frames, 3 of them new
    assert report.clock == "processor"
    for row in report.rows:
        assert row.seconds.least > 0
        ratio, own, released = row.ratio, row.seconds, row.released_seconds
        assert released.least / own.most <= ratio.least <= ratio.median <= ratio.most
        assert ratio.most <= released.most / own.least
        assert row.peak_bytes > 0
    iteration = report.rows[0]
    assert iteration.peak_bytes < iteration.released_peak_bytes


def test_the_table_shows_it(measured):
    _, report, _ = measured
    lines = report.table().splitlines()
    assert "self-forcing, 3 layers of 16, 48x32" in lines[0]
    assert len(lines) == 2 + len(report.rows)
    assert json.loads(json.dumps(asdict(report)))["rows"][0]["name"] == "iteration"


def test_feed_forward_networks_follow_the_heads():
    model = random_wan(layers=16, heads=1, height=32, width=48)
    assert model.wan.config.ffn_dim == 8960 // 12
    assert model.vae.vae.config.base_dim == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "wan2.1"}, "causvid"),
        ({"name": "other"}, "self-forcing"),
        ({"layers": 31}, "30 layers and 12 heads"),
        ({"heads": 13}, "30 layers and 12 heads"),
        ({"layers": 10, "heads": 1}, "layers must be in 0..9"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        random_wan(**({"height": 32, "width": 48} | arguments))


def test_the_command_writes_what_it_measured(monkeypatch, tmp_path, capsys):
    spreads = Spread(1.0, 1.0, 1.0), Spread(2.0, 2.5, 3.0), Spread(2.0, 2.5, 3.0)
    row = Row("iteration", *spreads, 2**20, 3 * 2**20)
    report = WanReport("tiny", 3, 16, (48, 32), 18, 18, "CPU", "float32", "processor", (row,))
    asked = {}

    class Fake:
        def __init__(self, model, **options):
            asked.update(options, model=model)

        def measure(self, iterations):
            asked["iterations"] = iterations
            return report

    monkeypatch.setattr(command, "WanBenchmark", Fake)
    monkeypatch.setattr(command, "random_wan", lambda name, **options: (name, options))
    target = tmp_path / "wan.json"
    arguments = "wan --random-weights --layers 20 --height 64 --pairs 2 --device cpu --iterations 4"

    command.main([*arguments.split(), "--json", str(target)])

    name, options = asked["model"]
    assert (name, options["layers"], options["height"]) == ("self-forcing", 20, 64)
    assert (options["width"], options["dtype"]) == (None, torch.float32)
    assert (asked["pairs"], asked["iterations"]) == (2, [4])
    written = json.loads(target.read_text())
    assert written["rows"][0]["ratio"] == {"least": 2.0, "median": 2.5, "most": 3.0}
    assert written["random_weights"] is True
    assert written["machine"]["torch"] == torch.__version__
    assert "2.50" in capsys.readouterr().out


def test_smaller_models_have_random_weights():
    with pytest.raises(SystemExit, match="random-weights"):
        command.main(["wan", "--layers", "20"])


@pytest.mark.gpu
def test_in_full_on_a_gpu():
    model = random_wan(device="cuda", dtype=torch.bfloat16)
    row = WanBenchmark(model, pairs=1).iteration()
    # what is kept for the way back, of 16 layers instead of 30 and without the joined past
    assert row.peak_bytes < row.released_peak_bytes / 2.5
