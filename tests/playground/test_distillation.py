"""Distillation: a student's loss, training that goes on as it was, and the exported weights."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import dragstream as ds
from dragstream.models.playground import clips, student, train
from dragstream.models.playground.model import Playground
from dragstream.models.playground.student import Batch, flow_of_blocks

LEVELS = (1.0, 0.87, 0.66, 0.33)


def small_config() -> dict[str, Any]:
    config = copy.deepcopy(train.CONFIG)
    config["layers"] = [1]
    config["transformer"] |= {"num_layers": 2, "num_heads": 1, "ffn_dim": 32, "text_dim": 8}
    return config


@pytest.fixture
def teacher() -> Playground:
    """A transformer that runs in no time, with random weights."""
    torch.manual_seed(0)
    return Playground(small_config()).requires_grad_(requires_grad=False)


def word_counts(count: int) -> torch.Tensor:
    with torch.no_grad():
        words = Playground(small_config()).captions.words
    counts = torch.zeros(count, 4, len(words))
    counts[:, 0] = 1
    return counts


def random_batch(count: int = 2, known: int = 4, seed: int = 1) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    near = torch.zeros(count, 1, 20, 32)
    near[..., 5:10, 10:15] = 1
    latents = torch.randn(count, known + clips.BLOCK, 8, 20, 32, generator=generator)
    return Batch(
        past=latents[:, :known],
        block=latents[:, known:],
        near=near,
        counts=word_counts(count),
        frames=torch.arange(known + clips.BLOCK).expand(count, -1),
    )


def random_clips(count: int, seed: int) -> clips.Clips:
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(count, 1 + 2 * clips.BLOCK, 8, 20, 32, generator=generator)
    cover = torch.zeros(count, 1 + 2 * clips.BLOCK, 1, 20, 32)
    cover[:, -1, :, 8, 9] = 0.5
    return clips.Clips(latents.bfloat16(), cover.bfloat16(), word_counts(count))


def distillation(teacher: Playground, folder: Path, **recipe: Any) -> student.Distillation:
    sizes = {"steps": 4, "batch": 2, "shards": 3, "clips": 1, "first": 1, "every": 2}
    torch.manual_seed(7)
    return student.Distillation(teacher, small_config(), folder, student.Recipe(**(sizes | recipe)))


@pytest.mark.parametrize("known", [4, 3, 0])
def test_blocks_that_share_a_past_do_not_see_one_another(teacher: Playground, known: int) -> None:
    batch = random_batch(2, known)
    text = teacher.captions(batch.counts)
    blocks = torch.randn(2, 3, *batch.block.shape[1:])
    sigmas = torch.tensor([1.0, 0.66, 0.33])
    with torch.no_grad():
        together = flow_of_blocks(teacher, batch.past, blocks, sigmas, text, batch.frames)
        for place in (slice(0, 1), slice(1, 2), slice(2, 3)):
            alone = flow_of_blocks(
                teacher, batch.past, blocks[:, place], sigmas[place], text, batch.frames
            )
            assert torch.allclose(together[:, place], alone, atol=2e-2)


def test_the_flow_is_that_of_a_stream_after_the_same_past(teacher: Playground) -> None:
    batch = random_batch(1, 3)
    text = teacher.captions(batch.counts)
    noisy, level = batch.block[:, None], torch.tensor([0.87])
    with torch.no_grad():
        flow = flow_of_blocks(teacher, batch.past, noisy, level, text, batch.frames)
    context = teacher.wan.commit(batch.past, teacher.wan.new_context(text))
    clean = teacher.wan.denoise(batch.block, 0.87, context)
    assert torch.allclose(batch.block - 0.87 * flow[:, 0], clean, atol=2e-2)  # bfloat16


@pytest.mark.parametrize("known", [4, 3, 0])
def test_it_learns_the_teacher_s_flow_at_high_noise_and_the_renderer_s_at_low(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: int
) -> None:
    monkeypatch.setattr(student, "_OWN_BLOCK", 0.0)
    monkeypatch.setattr(student, "_OWN_PAST", 0.0)
    training = distillation(teacher, tmp_path)
    batch = random_batch(2, known)
    silence = teacher.captions.silence()
    error: dict[float, float] = {}
    met = []

    def flow(  # noqa: PLR0917
        model: Playground,
        past: torch.Tensor,
        blocks: torch.Tensor,
        sigmas: torch.Tensor,
        text: torch.Tensor,
        frames: torch.Tensor,
    ) -> torch.Tensor:
        scale = sigmas[:, None, None, None, None]
        if model is teacher:
            return torch.full_like(blocks, 1.0 if text.mean() == silence.mean() else 3.0)
        met.append((past, frames))
        found = (blocks - batch.block[:, None]) / scale
        for place, level in enumerate(sigmas.tolist()):
            if level > 0.8 or not known:
                found[:, place] = 3.0
            found[:, place] += 2.0 if 0.3 <= level <= 0.9 else 0.0  # guidance, of scale 2
            found[:, place] += error.get(round(level, 2), 0.0)
        return found

    monkeypatch.setattr(student, "flow_of_blocks", flow)
    levels = training.model.spec.levels(int(known > 0))
    assert levels == (LEVELS if known else tuple(train.CONFIG["sigmas"]))
    loss, errors = training.loss(batch, torch.Generator().manual_seed(0))
    assert float(loss) < 1e-9
    past, frames = met[-1]
    assert torch.equal(frames, batch.frames)
    assert past.shape == batch.past.shape
    if known:
        assert 0 < float((past - batch.past).std()) < 0.2  # a little noise
    error[0.66] = 0.5
    loss, errors = training.loss(batch, torch.Generator().manual_seed(0))
    expected = [0.25 if level == 0.66 else 0.0 for level in levels]
    assert errors == pytest.approx(expected, abs=1e-6)
    assert float(loss) == pytest.approx(0.25 / len(levels), rel=1e-4)


def test_errors_near_objects_count_four_times(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = distillation(teacher, tmp_path)
    batch = random_batch(1)

    def loss_with(row: int, column: int) -> float:
        def flow(model: Playground, _: object, blocks: torch.Tensor, *__: object) -> torch.Tensor:
            found = torch.zeros_like(blocks)
            if model is not teacher:
                found[..., row, column] = 1.0
            return found

        monkeypatch.setattr(student, "flow_of_blocks", flow)
        monkeypatch.setattr(
            training,
            "_noisy_blocks",
            lambda *_: batch.block[:, None].expand(-1, len(LEVELS), -1, -1, -1, -1),
        )
        return float(training.loss(batch, torch.Generator().manual_seed(0))[0])

    assert loss_with(7, 12) == pytest.approx(4 * loss_with(15, 25), rel=1e-4)


def test_it_meets_its_own_predictions_at_the_level_before(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = distillation(teacher, tmp_path)
    batch = random_batch(1)
    batch = replace(batch, block=torch.zeros_like(batch.block))
    levels = torch.tensor(LEVELS)

    def flow(
        _: Playground, __: object, blocks: torch.Tensor, sigmas: torch.Tensor, *___: object
    ) -> torch.Tensor:
        # Such that the prediction is 10 for any noise.
        return (blocks - 10.0) / sigmas[:, None, None, None, None]

    monkeypatch.setattr(student, "flow_of_blocks", flow)
    for share, mean in ((1.0, 10.0), (0.0, 0.0)):
        monkeypatch.setattr(student, "_OWN_BLOCK", share)
        text = torch.zeros(1)
        noisy = training._noisy_blocks(
            batch, batch.past, levels, text, torch.Generator().manual_seed(0)
        )
        assert float(noisy[:, 0].mean()) == pytest.approx(0, abs=0.05)
        for place, level in enumerate(LEVELS[1:], start=1):
            assert float(noisy[:, place].mean()) == pytest.approx((1 - level) * mean, abs=0.05)
            assert float(noisy[:, place].std()) == pytest.approx(level, rel=0.05)


def test_its_past_is_its_own_for_some_clips_and_the_sink_is_given(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = distillation(teacher, tmp_path)
    batch = random_batch(1)
    asked = []

    def flow(
        _: Playground,
        past: torch.Tensor,
        blocks: torch.Tensor,
        sigmas: torch.Tensor,
        __: object,
        frames: torch.Tensor,
    ) -> torch.Tensor:
        asked.append((past.shape[1], frames.shape[1], round(float(sigmas), 2)))
        return (blocks - 10.0) / sigmas[:, None, None, None, None]

    monkeypatch.setattr(student, "flow_of_blocks", flow)
    monkeypatch.setattr(student, "_OWN_PAST", 1.0)
    begun = set()
    for seed in range(6):
        asked.clear()
        past = training._given_past(batch, torch.zeros(1), torch.Generator().manual_seed(seed))
        assert torch.equal(past[:, :1], batch.past[:, :1])
        assert torch.allclose(past[:, 1:], torch.full_like(past[:, 1:], 10.0), atol=1e-4)
        assert all(each[:2] == (1, 4) for each in asked)  # the sink alone, frames as they were
        assert asked[-1][2] == 0.33
        begun.add(asked[0][2])
    assert begun == {0.66, 0.33}


def test_a_step_s_clips_have_a_sink_a_past_or_nothing(teacher: Playground, tmp_path: Path) -> None:
    training = distillation(teacher, tmp_path)
    drawn = random_clips(3, 0).sample(3, torch.Generator().manual_seed(0))
    seen = set()
    for seed in range(12):
        batch = training._batch(drawn, torch.Generator().manual_seed(seed))
        known = batch.past.shape[1]
        seen.add(known)
        assert torch.equal(batch.block, drawn.latents[:, -3:])
        assert torch.equal(batch.past, drawn.latents[:, 4 - known : 4])
        assert batch.frames.shape == (3, known + 3)
        assert torch.equal(
            batch.frames[:, -3:] - batch.frames[:, -3:-2], torch.arange(3).expand(3, -1)
        )
        if known == 4:
            assert not batch.frames[:, 0].any()
            assert (batch.frames[:, 1] >= 3).all()
        elif known:
            assert torch.equal(batch.frames, torch.arange(6).expand(3, -1))
        assert (batch.near[:, 0, 6:11, 7:12] == 0.5).all()
        assert float(batch.near.sum()) == 3 * 25 / 2
    assert seen == {0, 3, 4}


def test_training_that_was_interrupted_gives_the_same_weights(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def draw(count: int, generator: torch.Generator, _: object) -> clips.Clips:
        drawn.append(generator.initial_seed())
        return random_clips(count, drawn[-1])

    monkeypatch.setattr(student, "draw_clips", draw)
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = distillation(teacher, tmp_path / "whole")
    errors = list(whole.run())
    assert len(errors) == 4
    assert all(math.isfinite(error) for step in errors for error in step)
    assert set(drawn) <= {500_000, 500_001}  # one more from step 2 on
    assert len(drawn) == len(set(drawn))

    first = distillation(teacher, tmp_path / "parts")
    begun = [errors for _, errors in zip(range(3), first.run(save_every=0), strict=False)]
    rest = distillation(teacher, tmp_path / "parts")
    rest.resume()
    assert rest.step in (2, 3)  # what was saved before the last step ended, or after it
    ended = list(rest.run())
    assert [*begun[: rest.step - len(ended)], *ended] == errors
    for name, value in whole.average.items():
        assert torch.equal(rest.average[name], value)
        assert torch.equal(rest.module.state_dict()[name], whole.module.state_dict()[name])


def test_the_student_learns(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(student, "_WARM_UP", 1)
    monkeypatch.setattr(student, "_SINKS", (0,))
    monkeypatch.setattr(student, "draw_clips", lambda count, *_: random_clips(count, 3))
    training = distillation(teacher, tmp_path, steps=12, batch=2, shards=1, learning_rate=1e-2)
    errors = [sum(each[2:]) for each in training.run()]
    assert errors[-1] < 0.8 * errors[0]


def test_what_is_exported_takes_four_steps_without_guidance(
    teacher: Playground, tmp_path: Path
) -> None:
    training = distillation(teacher, tmp_path)
    training.export(tmp_path / "weights")
    model = ds.load(tmp_path / "weights")
    assert model.spec.sigmas == LEVELS
    assert model.spec.levels(0) == tuple(train.CONFIG["sigmas"])
    assert not model.guidance.acts(0.66)
    block = ds.Stream(model, prompt="a red box", seed=3).step()
    assert len(block.noisy) == len(LEVELS)
    with pytest.raises(TypeError, match="takes dtype and attention, got device"):
        ds.load(tmp_path / "weights", device="cpu")
    # The same weights in half of the bytes, for a folder that holds its teacher's, too.
    sizes = {file.name: file.stat().st_size for file in (tmp_path / "weights").iterdir()}
    assert sizes["few_steps.safetensors"] < 0.6 * sizes["transformer.safetensors"]
    training.config["few_steps"] = True
    training.export(tmp_path / "weights")
    half = Playground.from_folder(tmp_path / "weights")
    for name, weight in model.state_dict().items():
        assert torch.allclose(half.state_dict()[name], weight, atol=1e-3)
    assert half.fingerprint() != model.fingerprint()


def test_it_may_start_from_a_student_s_weights(teacher: Playground, tmp_path: Path) -> None:
    training = distillation(teacher, tmp_path)
    with torch.no_grad():
        for weight in training.module.parameters():
            weight.mul_(1.5)
    training.average = training.copy_of_weights()
    training.export(tmp_path / "weights")
    again = distillation(teacher, tmp_path)
    again.start_from(tmp_path / "weights" / "few_steps.safetensors")
    for name, weight in training.average.items():
        assert torch.allclose(again.module.state_dict()[name], weight, atol=1e-3)
        assert torch.equal(again.average[name], again.module.state_dict()[name])
    wrong = tmp_path / "weights" / "autoencoder.safetensors"
    with pytest.raises(ValueError, match=r"autoencoder.safetensors does not hold a student's"):
        again.start_from(wrong)


def test_the_rate_rises_stays_and_falls() -> None:
    recipe = student.Recipe(steps=1000, learning_rate=1.0)
    assert recipe.rate(0) == pytest.approx(1 / 30)
    assert recipe.rate(100) == recipe.rate(599) == 1.0
    assert recipe.rate(800) == pytest.approx(0.5)
    assert recipe.available(0) == recipe.first
    assert recipe.available(10**6) == recipe.shards


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 0}, "batch"),
        ({"every": 0}, "every"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        student.Recipe(**({"steps": 10} | change))
