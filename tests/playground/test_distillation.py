"""Distillation: trajectories of a teacher, a student's loss, training that goes on as it was."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

import dragstream as ds
from dragstream.models.playground import clips, correction, student, train, trajectories, world
from dragstream.models.playground.model import WEIGHTS, DistilledPlayground, EulerSteps, Playground
from dragstream.models.playground.trajectories import (
    Trajectories,
    decode_blocks,
    draw_trajectories,
    flow_of_blocks,
    near_objects,
)
from dragstream.stream.generation import Solving

LEVELS = (*train.CONFIG["sigmas"], 0.0)


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


def random_trajectories(count: int = 2, known: int = 4, seed: int = 1) -> Trajectories:
    generator = torch.Generator().manual_seed(seed)
    shape = (clips.BLOCK, 8, 20, 32)
    near = torch.zeros(count, 1, 20, 32)
    near[..., 5:10, 10:15] = 1
    counts = torch.zeros(count, 4, 31)
    counts[:, 0, 0] = 1
    with torch.no_grad():
        words = Playground(small_config()).captions.words
    return Trajectories(
        past=torch.randn(count, known, *shape[1:], generator=generator),
        path=torch.randn(count, len(LEVELS), *shape, generator=generator),
        near=near,
        counts=counts[..., :1].expand(-1, -1, len(words)).contiguous(),
        frames=torch.arange(known + clips.BLOCK).expand(count, -1),
    )


def distillation(teacher: Playground, folder: Path, **recipe: Any) -> student.Distillation:
    sizes = {"steps": 4, "batch": 2, "shards": 3, "clips": 1, "first": 1, "every": 2}
    torch.manual_seed(7)
    return student.Distillation(
        teacher, small_config(), folder, folder, student.Recipe(**(sizes | recipe))
    )


@pytest.mark.parametrize(("shard", "known"), [(0, 4), (1, 3), (7, 0)])
def test_a_trajectory_follows_the_guided_flow(
    teacher: Playground, monkeypatch: pytest.MonkeyPatch, shard: int, known: int
) -> None:
    silent = float(teacher.captions.silence().mean())

    def forward(noisy: torch.Tensor, _: object, text: torch.Tensor, *__: object) -> torch.Tensor:
        return torch.full_like(noisy, 1.0 if float(text.mean()) == silent else 3.0)

    monkeypatch.setattr(teacher.wan, "forward", forward)
    found = draw_trajectories(teacher, shard, 1, noises=2, correct=False)
    assert found.past.shape == (2, known, 8, 20, 32)
    assert found.path.shape == (2, 9, 3, 8, 20, 32)
    assert found.frames.shape == (2, known + 3)
    assert torch.equal(found.past[0], found.past[1])
    assert not torch.equal(found.path[0, 0], found.path[1, 0])
    assert float(found.path[:, 0].float().std()) == pytest.approx(1, abs=0.02)
    # The flow is 3 with the caption, 1 without: guided, at scale 2, it is 5.
    for step, (level, lower) in enumerate(pairwise(LEVELS)):
        flow = 5.0 if 0.3 <= level <= 0.9 else 3.0
        moved = (found.path[:, step].float() - found.path[:, step + 1].float()).mean()
        assert float(moved) == pytest.approx(flow * (level - lower), abs=2e-3)


def test_a_mended_trajectory_begins_alike_and_ends_as_rendered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Playground.from_folder()
    monkeypatch.setattr(model.wan, "forward", lambda noisy, *_: torch.zeros_like(noisy))
    fitted = []

    def fit(frames: torch.Tensor, before: world.Scenes) -> world.Scenes:
        assert frames.shape[1:] == (3, 3, 160, 256)
        fitted.append(before.at(torch.full((len(frames), 3), 3)))
        return fitted[-1]

    monkeypatch.setattr(trajectories, "fit_scenes", fit)
    plain = draw_trajectories(model, 0, 1, correct=False)
    found = draw_trajectories(model, 0, 1)
    rendered = torch.from_numpy(world.render(fitted[0]))
    clean = clips.encode_frames(rendered, model.autoencoder).float().unflatten(0, (2, 3))
    assert torch.equal(found.past, plain.past)
    assert torch.equal(found.path[:, 0], plain.path[:, 0])
    assert torch.allclose(found.path[:, -1].float(), clean, atol=4e-3)
    for step, level in enumerate(LEVELS):
        led = max(0.0, 1 - level / 0.87) * (clean - plain.path[:, -1].float())
        assert torch.allclose(
            found.path[:, step].float() - plain.path[:, step].float(), led, atol=1e-2
        )
    # Of three, the one that would have to be led farthest is left out.
    monkeypatch.setattr(trajectories, "_UNLIKE", 0.5)
    many, kept = draw_trajectories(model, 2, 3, 1, correct=False), draw_trajectories(model, 2, 3, 1)
    assert len(kept) == 2
    places = [
        [place for place in range(3) if torch.equal(many.path[place, 0], path[0])]
        for path in kept.path
    ]
    assert all(len(each) == 1 for each in places)
    assert places == sorted(places)
    # What follows nothing has no scene to begin with.
    draw_trajectories(model, 7, 1)
    assert len(fitted) == 2


def test_a_shard_is_always_the_same_and_survives_its_file(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correction, "_ITERATIONS", 2)
    found = draw_trajectories(teacher, 2, 1)
    again = draw_trajectories(teacher, 2, 1)
    found.save(tmp_path / "shard.pt")
    read = Trajectories.load(tmp_path / "shard.pt")
    for name in ("past", "path", "near", "counts", "frames"):
        assert torch.equal(getattr(found, name), getattr(again, name))
        assert torch.equal(getattr(found, name), getattr(read, name))
    assert not torch.equal(found.path, draw_trajectories(teacher, 4, 1).path)
    assert [each.name for each in tmp_path.iterdir()] == ["shard.pt"]


@pytest.mark.parametrize("known", [4, 3, 0])
def test_blocks_that_share_a_past_do_not_see_one_another(teacher: Playground, known: int) -> None:
    batch = random_trajectories(2, known)
    text = teacher.captions(batch.counts)
    blocks = batch.path[:, [0, 4, 6]]
    sigmas = torch.tensor([1.0, 0.66, 0.33]).expand(2, -1)
    with torch.no_grad():
        together = flow_of_blocks(
            teacher, batch.past, blocks, sigmas=sigmas, text=text, frames=batch.frames
        )
        for place in range(3):
            alone = flow_of_blocks(
                teacher,
                batch.past,
                blocks[:, place : place + 1],
                sigmas=sigmas[:, place : place + 1],
                text=text,
                frames=batch.frames,
            )
            assert torch.allclose(together[:, place], alone[:, 0], atol=2e-2)


def test_the_flow_is_that_of_a_stream_after_the_same_past(teacher: Playground) -> None:
    batch = random_trajectories(1, 3)
    text = teacher.captions(batch.counts)
    noisy = batch.path[:, 2]
    with torch.no_grad():
        flow = flow_of_blocks(
            teacher,
            batch.past,
            noisy[:, None],
            sigmas=torch.tensor([[0.87]]),
            text=text,
            frames=batch.frames,
        )
    context = teacher.wan.commit(batch.past, teacher.wan.new_context(text))
    clean = teacher.wan.denoise(noisy, 0.87, context)
    assert torch.allclose(noisy - 0.87 * flow[:, 0], clean, atol=2e-2)  # bfloat16


def test_what_is_saturated_is_an_object() -> None:
    model = Playground.from_folder()
    scenes = world.sample_scenes(torch.Generator().manual_seed(4), 2, 3)
    video, masks = world.render_with_masks(scenes)
    latents = torch.cat([model.encode_video(frames) for frames in video])
    near = near_objects(decode_blocks(model, latents))
    shown = torch.from_numpy(masks).any(dim=2).any(dim=1)[:, None].float()
    inside = torch.nn.functional.avg_pool2d(shown, 8) > 0.9
    around = torch.nn.functional.max_pool2d(shown, 8 * 9, stride=8, padding=32) > 0
    assert near.shape == (2, 1, 20, 32)
    assert float(near[inside].mean()) > 0.97
    assert float(near[~around].mean()) < 0.02


def test_the_student_is_asked_for_the_slope_between_its_levels(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = distillation(teacher, tmp_path)
    batch = random_trajectories()
    chosen = batch.path[:, [0, 2, 4, 6, 8]]
    gaps = torch.tensor([0.13, 0.21, 0.33, 0.33])[:, None, None, None, None]
    slope = (chosen[:, :-1] - chosen[:, 1:]) / gaps

    def loss_with(error: torch.Tensor) -> tuple[float, list[float]]:
        def flow(*_: object, **__: object) -> torch.Tensor:
            return slope + error

        monkeypatch.setattr(student, "flow_of_blocks", flow)
        loss, errors = training.loss(batch, torch.Generator().manual_seed(0), own=False)
        return float(loss), errors

    assert loss_with(torch.zeros(()))[0] < 1e-9
    one = torch.zeros_like(slope)
    one[:, 2] = 0.5
    loss, errors = loss_with(one)
    assert errors == pytest.approx([0, 0, 0.25, 0], abs=1e-6)
    assert loss == pytest.approx(0.25 / 4, rel=1e-4)
    on, away = torch.zeros_like(slope), torch.zeros_like(slope)
    on[..., 7, 12], away[..., 15, 25] = 1.0, 1.0
    assert loss_with(on)[0] == pytest.approx(4 * loss_with(away)[0], rel=1e-4)


def test_on_its_own_trajectory_the_student_is_led_back_to_the_teacher_s(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(student, "_OWN_TRAJECTORY", 1.0)
    monkeypatch.setattr(student, "_OWN_PAST", 0.0)
    training = distillation(teacher, tmp_path)
    batch = random_trajectories()
    seen = []

    def flow(_: Playground, __: torch.Tensor, blocks: torch.Tensor, **___: object) -> torch.Tensor:
        seen.append(blocks)
        return torch.full_like(blocks, 0.5)

    monkeypatch.setattr(student, "flow_of_blocks", flow)
    loss, _ = training.loss(batch, torch.Generator().manual_seed(0), own=True)
    met = seen[-1]
    start, ends = batch.path[:, 0], batch.path[:, [2, 4, 6, 8]]
    levels = (1.0, 0.87, 0.66, 0.33, 0.0)
    wanted = []
    for step, (level, lower) in enumerate(pairwise(levels)):
        own = start - (1 - level) * 0.5
        assert torch.allclose(met[:, step], own, atol=1e-5)
        wanted.append((own - ends[:, step]) / (level - lower))
    error = (torch.stack(wanted, 1) - 0.5).pow(2).mean(3, keepdim=True)
    weight = (1 + 3 * batch.near)[:, None, None]
    expected = (error * weight).mean() / weight.mean()
    assert float(loss) == pytest.approx(float(expected), rel=1e-4)


def test_training_that_was_interrupted_gives_the_same_weights(
    teacher: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def draw(_: Playground, shard: int, clips: int) -> Trajectories:
        drawn.append((shard, clips))
        return random_trajectories(2, (4, 3)[shard % 2], seed=shard)

    monkeypatch.setattr(student, "draw_trajectories", draw)
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    recipe = {"steps": 4, "own_from": 0.5}
    whole = distillation(teacher, tmp_path / "whole", **recipe)
    errors = list(whole.run())
    assert len(errors) == 4
    assert all(math.isfinite(error) for step in errors for error in step)
    assert drawn == [(0, 1), (1, 1)]  # one more from step 2 on, and none twice

    first = distillation(teacher, tmp_path / "parts", **recipe)
    begun = [errors for _, errors in zip(range(3), first.run(save_every=0), strict=False)]
    rest = distillation(teacher, tmp_path / "parts", **recipe)
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
    found = random_trajectories(4)
    ahead = 1 - torch.tensor(LEVELS)[:, None, None, None, None]
    straight = replace(found, path=found.path[:, :1] - ahead)  # a flow of 1 everywhere
    straight.save(tmp_path / "trajectories-00000.pt")
    training = distillation(
        teacher, tmp_path, steps=12, batch=2, shards=1, learning_rate=1e-2, own_from=1.0
    )
    errors = [sum(each) / 4 for each in training.run()]
    assert errors[-1] < 0.8 * errors[0]


def test_levels_that_the_teacher_lacks_are_refused(teacher: Playground, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be among .* not \[0.7\]"):
        student._marks((1.0, 0.5), [1.0, 0.7])
    assert distillation(teacher, tmp_path).marks == [0, 2, 4, 6, 8]


def test_what_is_exported_takes_plain_steps(teacher: Playground, tmp_path: Path) -> None:
    training = distillation(teacher, tmp_path)
    training.export(tmp_path / "weights")
    model = ds.load(tmp_path / "weights")
    assert isinstance(model, DistilledPlayground)
    assert isinstance(model, Solving)
    assert not isinstance(Playground.from_folder(WEIGHTS), Solving)
    assert model.spec.sigmas == (1.0, 0.87, 0.66, 0.33)
    assert not model.guidance.acts(0.66)
    block = ds.Stream(model, prompt="a red box", seed=3).step()
    for step, (level, lower) in enumerate(pairwise(model.spec.sigmas)):
        noisy = block.noisy[step][None]
        context = model.new_context(model.encode_text("a red box"))
        clean = model.denoise(noisy, level, context)
        flow = (noisy - clean) / level
        assert torch.allclose(
            block.noisy[step + 1][None], noisy - (level - lower) * flow, atol=1e-5
        )
    with pytest.raises(TypeError, match="takes dtype and attention, got device"):
        ds.load(tmp_path / "weights", device="cpu")
    # Weights alone do not say how a stream goes from step to step.
    other = Playground(training.config).requires_grad_(requires_grad=False)
    other.load_state_dict(model.state_dict())
    assert other.fingerprint() != model.fingerprint()


def test_plain_steps_begin_at_any_step() -> None:
    steps = EulerSteps((1.0, 0.8, 0.4), 1)
    noisy, clean = torch.full((1,), 3.0), torch.full((1,), 1.0)
    assert float(steps(noisy, clean)) == pytest.approx(1 + 0.5 * 2)


def test_an_unknown_solver_is_refused(tmp_path: Path, teacher: Playground) -> None:
    training = distillation(teacher, tmp_path)
    training.config["solver"] = "fancy"
    training.export(tmp_path / "weights")
    with pytest.raises(ValueError, match="solver must be 'plain' or left out, got 'fancy'"):
        Playground.from_folder(tmp_path / "weights")


def test_the_rate_rises_stays_and_falls() -> None:
    recipe = student.Recipe(steps=1000, learning_rate=1.0)
    assert recipe.rate(0) == pytest.approx(0.01)
    assert recipe.rate(100) == recipe.rate(699) == 1.0
    assert recipe.rate(850) == pytest.approx(0.5)
    assert recipe.available(0) == recipe.first
    assert recipe.available(10**6) == recipe.shards


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 0}, "batch"),
        ({"every": 0}, "every"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
        ({"own_from": 1.5}, r"own_from must lie in 0..1, got 1.5"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        student.Recipe(**({"steps": 10} | change))
