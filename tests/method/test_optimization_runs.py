"""A run of the optimisation: same seed, same bits, nothing else touched, bad input refused."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from dragstream.method.dispatch import create_optimizer, has_optimizer
from dragstream.method.iteration import Iteration
from dragstream.method.optimization import LatentOptimization
from dragstream.method.settings import DragSettings
from tests.method.bare import bare, itself

# ---------------------------------------------------------------------- a run as a value


def test_the_same_seed_gives_the_same_bits(scene):
    runs = [scene.run(DragSettings.paper(), seed=seed) for seed in (5, 5, 6)]
    losses = [[iteration.loss for iteration in run] for run in runs]
    assert torch.equal(runs[0].latents, runs[1].latents)
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_nothing_outside_is_touched(scene):
    latents, reference = scene.latents.clone(), scene.reference.latents.clone()
    state = torch.random.get_rng_state()
    list(scene.run(DragSettings.paper()))
    assert torch.equal(scene.latents, latents)
    assert torch.equal(scene.reference.latents, reference)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not scene.latents.requires_grad
    parameters = list(scene.model.wan.parameters())
    assert all(parameter.grad is None for parameter in parameters)
    assert all(parameter.requires_grad for parameter in parameters)


def test_the_latents_of_a_run_carry_no_graph(scene):
    run = scene.run(DragSettings.paper())
    assert torch.equal(run.latents, scene.latents)
    next(run)
    assert not run.latents.requires_grad
    assert run.latents.grad_fn is None


def test_no_iterations_change_nothing(scene):
    run = scene.run(DragSettings.paper(iterations=0))
    assert len(run) == 0
    assert list(run) == []
    assert torch.equal(run.latents, scene.latents)


def test_a_run_ends(scene):
    run = scene.run(bare(iterations=1))
    assert len(list(run)) == 1
    with pytest.raises(StopIteration):
        next(run)


def test_gradients_may_be_off_outside(scene):
    with torch.inference_mode():
        latents = scene.latents.clone()
        run = scene.run(DragSettings.paper(iterations=1), latents=latents)
        inside = next(run)
    with torch.no_grad():
        outside = next(scene.run(DragSettings.paper(iterations=1)))
    assert inside.loss == outside.loss
    assert inside.gradient_norm > 0


def test_latents_keep_their_type(scene):
    run = scene.run(bare(iterations=1), latents=scene.latents.bfloat16())
    next(run)
    assert run.latents.dtype == torch.bfloat16


def test_a_loss_that_is_not_finite_stops_the_run(scene):
    run = scene.run(bare(learning_rate=1e38, iterations=9))
    with pytest.raises((FloatingPointError, ValueError), match="finite"):
        list(run)


def test_a_record_survives_json(scene):
    record = next(scene.run(DragSettings.paper()))
    assert Iteration.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert record.seconds > 0
    with pytest.raises(ValueError, match="exactly the keys"):
        Iteration.from_json({"index": 0})
    with pytest.raises(ValueError, match="finite"):
        Iteration.from_json({**record.to_json(), "loss": float("nan")})


# ---------------------------------------------------------------------- what is refused


def test_bad_drags_are_refused(scene):
    empty, small = np.zeros((64, 96), dtype=bool), np.ones((8, 8), dtype=bool)
    for drag, error, message in (
        (scene.drag(mask=empty), ValueError, "empty"),
        (scene.drag(mask=small), ValueError, r"\(64, 96\).*\(8, 8\)"),
        (scene.drag(mask=scene.mask.astype(float)), TypeError, "float64"),
        (scene.drag(fractions=(1.0,)), ValueError, "3 latent frames"),
        (scene.drag(fractions=(None,) * 3), ValueError, "not all of them None"),
        (scene.drag(fractions=(0.1, 0.2, float("nan"))), ValueError, "fraction"),
        (scene.drag(start=float("nan")), ValueError, "start"),
        (scene.drag(reference=dataclasses.replace(itself(scene), frame=3)), ValueError, "got 3"),
        (
            scene.drag(reference=dataclasses.replace(itself(scene), latents=torch.zeros(1, 3))),
            ValueError,
            r"\(1, 3\)",
        ),
        (
            scene.drag(reference=dataclasses.replace(itself(scene), clean=torch.zeros(4, 2, 3))),
            ValueError,
            r"clean latents .*\(4, 8, 12\).*\(4, 2, 3\)",
        ),
    ):
        with pytest.raises(error, match=message):
            scene.run(bare(), [drag])
    with pytest.raises(ValueError, match="at least one drag"):
        scene.run(bare(), [])


def test_other_bad_arguments_are_refused(scene):
    with pytest.raises(ValueError, match="latents"):
        scene.run(bare(), latents=scene.latents[0])
    with pytest.raises(ValueError, match=r"\(4, 8, 12\)"):
        scene.run(bare(), latents=scene.latents[..., :6])
    with pytest.raises(TypeError, match="keep"):
        scene.run(bare(), keep=[[True]])
    with pytest.raises(ValueError, match="keep"):
        scene.run(bare(), keep=np.ones((8, 8), dtype=bool))
    with pytest.raises(ValueError, match="neighbours"):
        scene.run(bare(), neighbours=torch.zeros(2, 4, 4, 4))
    with pytest.raises(ValueError, match="layers"):
        scene.run(bare(layers=(7,)))


def test_a_choice_needs_a_generator(scene):
    problem = scene.problem(generator=None)
    with pytest.raises(TypeError, match="Generator"):
        LatentOptimization(DragSettings.paper(), problem)
    assert len(LatentOptimization(bare(), problem)) == 4
    assert len(scene.model.calls) == 1  # nothing is read before the check


def test_a_method_of_ones_own_announces_its_optimizer(scene):
    class Mine(DragSettings):
        pass

    class Other:
        pass

    assert isinstance(create_optimizer(Mine(), scene.problem()), LatentOptimization)
    assert has_optimizer(Mine())
    assert not has_optimizer(Other())
    assert not has_optimizer(DragSettings)
    with pytest.raises(TypeError, match="no optimiser is registered for Other"):
        create_optimizer(Other(), scene.problem())
    create_optimizer.register(Other, lambda _, problem: LatentOptimization(bare(), problem))
    assert len(create_optimizer(Other(), scene.problem())) == 4
