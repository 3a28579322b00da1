"""`DragSettings.released()` against what the authors' code was recorded to do on tiny weights."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from dragstream.drags.geometry import FrameClock, Grid
from dragstream.drags.motions import Rotation, Translation
from dragstream.method import optimization
from dragstream.method.block_drags import BlockDrag, Reference
from dragstream.method.frequency import LowPass
from dragstream.method.optimization import LatentOptimization
from dragstream.method.problem import DragProblem
from dragstream.method.rectification import normalise_prediction
from dragstream.method.settings import DragSettings
from dragstream.method.target_cells import enlarge
from dragstream.models.base import ModelSpec
from dragstream.models.causal_wan import CausalWan

GOLDEN = Path(__file__).parents[1] / "golden" / "released_drag_a"
CONFIG = json.loads(GOLDEN.with_suffix(".json").read_text())
CASES = CONFIG["cases"]
SIZES = (
    "num_layers", "num_heads", "head_dim", "ffn_dim", "text_dim", "freq_dim", "latent_channels",
    "window", "sink", "frames_per_block",
)  # fmt: skip
LEVEL = CONFIG["sigmas"][CONFIG["denoising_step"]]


@pytest.fixture(scope="module")
def recorded():
    return load_file(GOLDEN.with_suffix(".safetensors"))


@pytest.fixture(scope="module")
def model():
    wan = CausalWan.from_released(GOLDEN.with_suffix(".pt"), {key: CONFIG[key] for key in SIZES})
    spec = ModelSpec(
        name="recorded",
        grid=Grid.of(CONFIG["height"], CONFIG["width"]),
        clock=FrameClock(4, 16.0),
        latent_channels=CONFIG["latent_channels"],
        frames_per_block=CONFIG["frames_per_block"],
        sigmas=tuple(CONFIG["sigmas"]),
        denoising_step=CONFIG["denoising_step"],
        learning_rate=0.04,
        layers=tuple(CONFIG["taps"]),
        num_layers=CONFIG["num_layers"],
    )
    return SimpleNamespace(spec=spec, wan=wan, read=wan.read)


@pytest.fixture(scope="module")
def contexts(model, recorded):
    """What precedes each block, and, behind "normalised", the block that is dragged there."""
    words = F.pad(recorded["text"], (0, 0, 0, 512 - recorded["text"].shape[1]))
    found = {0: model.wan.new_context(words)}
    for block in range(3):
        found[block + 1] = model.wan.commit(recorded[f"plain.{block}.x0"], found[block])
    found["normalised"] = model.wan.commit(recorded["norm.2.after"], found[2])
    return found


@pytest.fixture
def run(model, recorded, contexts, monkeypatch):
    """The iterations of a case, with the cutoffs that were drawn."""

    def begin(name):
        case, normalised = CASES[name], name == "normalised"
        noisy = recorded["norm.2.noisy" if normalised else "plain.2.noisy"]
        reference = Reference(noisy, LEVEL, contexts[2], frame=2)
        fractions = (None, None, 1.0) if case["mode"] == "edit" else (1 / 3, 2 / 3, 1.0)
        drags = [
            BlockDrag(
                reference, recorded[f"mask.{drag['mask']}"].bool().numpy(), motion(drag), fractions
            )
            for drag in case["drags"]
        ]
        problem = DragProblem(
            model,
            recorded["plain.2.noisy" if case["start"] == "edit" else f"{case['start']}.z"],
            contexts["normalised" if normalised else case["block"]],
            drags,
            keep=~recorded["movable"].bool().numpy(),
        )
        low_passes = tuple(map(LowPass, case["cutoffs"]))
        with monkeypatch.context() as patch:
            patch.setattr(optimization, "_draw", lambda *_: low_passes)
            found = LatentOptimization(DragSettings.released(), problem)
        assert len(found) == case["iterations"]
        return found

    return begin


def motion(drag):
    if drag["kind"] == "rotation":
        return Rotation(drag["center"], drag["deltas"])
    return Translation.through(drag["deltas"])


@pytest.mark.parametrize("name", ["move34", "turn7", "two", "normalised"])
def test_a_run_by_itself_ends_where_the_release_does(run, recorded, name):
    case, steps = CASES[name], run(name)
    start, records = steps.latents, list(steps)
    assert [record.segment for record in records] == [
        index // CONFIG["released"]["iterations"] for index in range(case["iterations"])
    ]
    for record, rec, cst in zip(records, case["loss_rec"], case["loss_cst"], strict=True):
        assert record.loss_rec == pytest.approx(rec, rel=1e-3)
        assert record.loss_cst == pytest.approx(cst, rel=1e-2, abs=1e-9)
    assert records[0].loss_rec == pytest.approx(case["loss_rec"][0], rel=1e-5)
    assert records[0].loss_cst == 0.0
    wanted = recorded[f"{name}.after"][-1:].float()
    assert float((steps.latents - wanted).square().mean().sqrt()) < 3e-3
    step, released = ((each - start).flatten() for each in (steps.latents, wanted))
    assert float(torch.cosine_similarity(step, released, dim=0)) > 0.999


def test_the_finished_block_is_the_releases(run, model, recorded, contexts):
    steps = run("move34")
    list(steps)
    latents, sigmas = steps.latents, CONFIG["sigmas"]
    for step, noise in zip((2, 3), recorded["noise.3"].float()[:, None], strict=True):
        clean = model.read(latents, sigmas[step - 1], contexts[3], predict=True).x0
        latents = (1 - sigmas[step]) * clean + sigmas[step] * noise
    finished = model.read(latents, sigmas[3], contexts[3], predict=True).x0
    difference = finished - recorded["move34.x0"].float()
    assert float(difference.abs().max()) < 0.01
    assert float(difference.square().mean().sqrt()) < 1e-3


def test_each_iteration_from_where_the_release_was_leads_where_it_went(run, recorded):
    case, after, steps = CASES["edit12"], recorded["edit12.after"], run("edit12")
    for index in range(case["iterations"]):
        if index:
            steps._latents = after[index - 1 : index].clone()
        record = next(steps)
        difference = steps.latents - after[index]
        assert float(difference.square().mean().sqrt()) < 5e-5
        assert float(difference.abs().max()) < 2e-3
        assert record.loss_rec == pytest.approx(case["loss_rec"][index], rel=1e-5)
        assert record.loss_cst == pytest.approx(case["loss_cst"][index], rel=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_targets_gaussians_and_what_is_free_are_the_releases(run, recorded, name):
    case, steps = CASES[name], run(name)
    driven = case["target_frames"]
    for segment in range(case["segments"]):
        _, targets = steps._targets_at(segment * CONFIG["released"]["iterations"])
        gaussian = recorded[f"{name}.segment{segment}.G"]
        expected = gaussian if len(gaussian) == 3 else gaussian.expand(3, -1, -1)
        torch.testing.assert_close(targets.focus[0, :, 0], expected, atol=1e-6, rtol=0)
        for index, found in enumerate(targets.cells):
            cells = torch.zeros(3, *gaussian.shape[1:], dtype=torch.uint8)
            cells[found.frames, found.rows, found.columns] = 1
            assert torch.equal(cells[driven], recorded[f"{name}.segment{segment}.target{index}"])
        movable = recorded["movable"][::8, ::8].float()
        free = torch.maximum(movable, targets.exempt)
        assert torch.equal(free.byte(), recorded[f"{name}.segment{segment}.free"])


def test_features_are_enlarged_corner_on_corner(recorded):
    maps = recorded["reference.features.cutoff1.0"].movedim(0, -1)[None]
    wanted = recorded["reference.upsampled.cutoff1.0"].movedim(0, -1)[None]
    torch.testing.assert_close(enlarge(maps, 2, corners=True), wanted, atol=1e-5, rtol=0)
    assert not torch.allclose(enlarge(maps, 2), wanted, atol=1e-2)


def test_predictions_are_normalised_as_in_the_release(recorded):
    second, third = recorded["plain.1.x0"][0], recorded["norm.2.after"][0]
    for block, previous in ((2, second), (3, torch.cat([second, third]))):
        found = normalise_prediction(recorded[f"norm.{block}.before"], previous)
        torch.testing.assert_close(found, recorded[f"norm.{block}.after"], atol=1e-5, rtol=0)
