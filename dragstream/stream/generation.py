"""`generate`: the denoising loop of one block, with the drag at its step."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch

from dragstream.method.dispatch import create_optimizer
from dragstream.method.iteration import Iteration
from dragstream.method.problem import DragProblem
from dragstream.method.rectification import normalise_prediction
from dragstream.models.base import Context, VideoModel
from dragstream.stream.block_plan import BlockPlan
from dragstream.stream.events import EventCallback, Iterated, Progress, ignore_event
from dragstream.stream.noise import generator, noise

PlanAt = Callable[[int], BlockPlan | None]
"""Called before each denoising step, until it returns the drags that act at this step."""

Solver = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Called once a step with the step's noisy latents and the x0 predicted from them; returns the
noisy latents of the next step."""

Adjust = Callable[[torch.Tensor, float], torch.Tensor]
"""`DragOptimizer.adjust_prediction`: of a prediction and its noise level."""


@runtime_checkable
class Solving(VideoModel, Protocol):
    """A model with its own solver between denoising steps."""

    def solver(self, step: int) -> Solver:
        """A new solver from a step on, without a history."""
        ...


@dataclass(frozen=True, eq=False)
class Draft:
    """A block's latents, (1, F, C, h, w) on the model's device, before they are committed."""

    latents: torch.Tensor
    noisy: tuple[torch.Tensor, ...]
    plan: BlockPlan | None
    iterations: tuple[Iteration, ...]
    step_seconds: tuple[float, ...]
    drag_seconds: float


def no_plan(step: int) -> None:
    """No drags: the default `PlanAt`."""


def generate(
    model: VideoModel,
    context: Context,
    *,
    seed: int,
    index: int,
    first_steps: Sequence[torch.Tensor],
    plan: PlanAt = no_plan,
    previous: torch.Tensor | None = None,
    on_event: EventCallback = ignore_event,
) -> Draft:
    """Denoise block ``index`` after ``context``, from the last of the ``first_steps`` on.

    These are the noisy latents (1, F, C, h, w) of the model's first denoising steps: noise for a
    new block, the recorded ones up to the drag's step for an edit. ``plan`` is called before each
    of the model's steps, so that drags may be decided at the last moment.

    Between steps, next z = (1 - s') x0 + s' noise, unless the model has its own solver, which a
    drag that changed the latents restarts, since its history is that of the old latents.
    Predictions are normalised with the clean latents ``previous``, (N, C, h, w), if there are any.
    """
    sigmas, common = model.spec.levels(index), model.spec.sigmas
    *noisy, latents = first_steps
    chosen: BlockPlan | None = None
    iterations: tuple[Iteration, ...] = ()
    adjust: Adjust | None = None
    step_seconds, drag_seconds = [], 0.0
    first = sigmas.index(common[len(first_steps) - 1])
    solver = model.solver(first) if isinstance(model, Solving) else None
    for step, sigma in enumerate(sigmas[first:], start=first):
        if step > first and solver is not None:
            latents = solver(noisy[-1], latents).float()
        elif step > first:
            fresh = noise(seed, index, step, latents.shape).to(latents.device)
            latents = (1 - sigma) * latents + sigma * fresh
        # A first block may have other steps; drags count those that it shares with the others.
        if chosen is None and sigma in common and (chosen := plan(common.index(sigma))):
            began = time.perf_counter()
            dragged, iterations, adjust = _drag(
                model, context, latents, chosen, seed=seed, index=index, on_event=on_event
            )
            drag_seconds = time.perf_counter() - began
            if isinstance(model, Solving) and not torch.equal(dragged, latents):
                solver = model.solver(step)
            elif isinstance(model, Solving) and step == first:
                solver = _solver_at(model, context, first_steps)
            latents = dragged
        if sigma in common:
            noisy.append(latents)
        began = time.perf_counter()
        latents = _predict(model, context, latents, sigma)
        if previous is not None:
            latents = normalise_prediction(latents, previous)
        if adjust is not None:
            latents = adjust(latents, sigma)
        _check_finite(latents, index, step)
        step_seconds.append(time.perf_counter() - began)
        on_event(Progress(index, step, len(sigmas)))
    return Draft(latents, tuple(noisy), chosen, iterations, tuple(step_seconds), drag_seconds)


def _predict(
    model: VideoModel, context: Context, latents: torch.Tensor, sigma: float
) -> torch.Tensor:
    """The clean latents predicted at a noise level."""
    with torch.no_grad():
        return model.denoise(latents, sigma, context).float()


def _check_finite(latents: torch.Tensor, index: int, step: int) -> None:
    if not bool(torch.isfinite(latents).all()):
        raise FloatingPointError(
            f"block {index}: the prediction of denoising step {step} is not finite"
        )


def _solver_at(model: Solving, context: Context, first_steps: Sequence[torch.Tensor]) -> Solver:
    """A solver with the history of the steps before the last of the ``first_steps``.

    The predictions of those steps are computed again. The history begins at the latest step whose
    latents do not follow from the step before, which means that a drag had changed them.
    """
    solver = model.solver(0)
    for step, (noisy, following) in enumerate(itertools.pairwise(first_steps)):
        clean = _predict(model, context, noisy, model.spec.sigmas[step])
        if not torch.equal(solver(noisy, clean).float(), following):
            solver = model.solver(step + 1)
    return solver


def _drag(
    model: VideoModel,
    context: Context,
    latents: torch.Tensor,
    plan: BlockPlan,
    *,
    seed: int,
    index: int,
    on_event: EventCallback,
) -> tuple[torch.Tensor, tuple[Iteration, ...], Adjust]:
    """Optimise the noisy latents of block ``index``; also return the change of predictions."""
    problem = DragProblem(
        model,
        latents,
        context,
        plan.drags,
        plan.keep,
        plan.neighbours,
        # The cutoffs depend on seed and block alone, so that forks draw the same ones.
        generator(seed, "drag", index),
    )
    optimizer = create_optimizer(plan.request.settings, problem)
    iterations = []
    for iteration in optimizer:
        iterations.append(iteration)
        if plan.request.callback is not None:
            plan.request.callback(iteration)
        on_event(Iterated(index, iteration))
    return optimizer.latents, tuple(iterations), optimizer.adjust_prediction
