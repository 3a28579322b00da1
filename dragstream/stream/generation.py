"""How one block is generated: the denoising loop, with the drag at its step."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

from dragstream.method.iteration import Iteration
from dragstream.method.rectification import normalise_prediction
from dragstream.models.base import VideoModel
from dragstream.stream.events import Iterated, Progress, Watch, nobody
from dragstream.stream.noise import generator, noise

if TYPE_CHECKING:
    from dragstream.models.base import Context
    from dragstream.stream.driving import Drive


Solver = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Called once a step with what the step was given, and x0 as predicted from it; returns what the
next step is given."""


@runtime_checkable
class Solving(VideoModel, Protocol):
    """A model with a way of its own from one denoising step to the next."""

    def solver(self, step: int) -> Solver:
        """The way onward from a step, without a history."""
        ...


@dataclass(frozen=True, eq=False)
class Draft:
    """A block's latents, (1, F, C, h, w) on the model's device, before they are committed."""

    latents: torch.Tensor
    noisy: tuple[torch.Tensor, ...]
    iterations: tuple[Iteration, ...]
    step_seconds: tuple[float, ...]
    drag_seconds: float


def generate(
    model: VideoModel,
    context: Context,
    *,
    seed: int,
    index: int,
    given: Sequence[torch.Tensor],
    drive: Drive | None = None,
    previous: torch.Tensor | None = None,
    watch: Watch = nobody,
) -> Draft:
    """Denoise block ``index`` after ``context``.

    ``given`` holds what the first denoising steps are given, (1, F, C, h, w) each: one tensor of
    noise for a new block, the recorded latents up to the drag's step for an edit. The loop
    starts at the last of them. Between steps, next z = (1 - s') x0 + s' noise, unless the model
    has a solver of its own. That begins anew where a drag changed the latents, since its history
    belongs to latents that are no more; where a drag changed nothing, it goes on.

    ``previous`` holds the clean latents (N, C, h, w) that predictions are normalised with; None
    leaves them as they are.

    Raises:
        FloatingPointError: the latents are no longer finite.
        Exception: what ``watch`` raises.
    """
    sigmas = model.spec.sigmas
    noisy = list(given[:-1])
    latents = given[-1]
    iterations: tuple[Iteration, ...] = ()
    step_seconds: list[float] = []
    drag_seconds = 0.0
    first = len(given) - 1
    solver = model.solver(first) if isinstance(model, Solving) else None
    for step in range(first, len(sigmas)):
        if step > first and solver is not None:
            latents = solver(noisy[-1], latents).float()
        elif step > first:
            fresh = noise(seed, index, step, tuple(latents.shape)).to(latents.device)
            latents = (1 - sigmas[step]) * latents + sigmas[step] * fresh
        if drive is not None and step == drive.request.step:
            # Cutoffs depend on the seed and the block alone: forks differ only in what one asks.
            began = time.perf_counter()
            draw = generator(seed, "drag", index)
            dragged, iterations = _drag(
                model,
                context,
                latents,
                drive,
                draw=draw,
                tell=lambda iteration: watch(Iterated(index, iteration)),
            )
            drag_seconds = time.perf_counter() - began
            if isinstance(model, Solving) and not torch.equal(dragged, latents):
                solver = model.solver(step)
            elif isinstance(model, Solving) and step == first:
                solver = _solver_at(model, context, given)
            latents = dragged
        noisy.append(latents)
        began = time.perf_counter()
        with torch.no_grad():
            latents = model.denoise(latents, sigmas[step], context).float()
        if previous is not None:
            latents = normalise_prediction(latents, previous)
        if not bool(torch.isfinite(latents).all()):
            raise FloatingPointError(
                f"block {index}: the prediction of denoising step {step} is not finite"
            )
        step_seconds.append(time.perf_counter() - began)
        watch(Progress(index, step, len(sigmas)))
    return Draft(latents, tuple(noisy), iterations, tuple(step_seconds), drag_seconds)


def _solver_at(model: Solving, context: Context, given: Sequence[torch.Tensor]) -> Solver:
    """The solver about to leave the last of the steps that were ``given`` something.

    Its history is what the steps before predicted, which they do again. Where they do not lead to
    what the next step was given, a drag had changed that, and the history begins there.
    """
    solver = model.solver(0)
    for step, (noisy, following) in enumerate(itertools.pairwise(given)):
        with torch.no_grad():
            clean = model.denoise(noisy, model.spec.sigmas[step], context).float()
        if not torch.equal(solver(noisy, clean).float(), following):
            solver = model.solver(step + 1)
    return solver


def _drag(
    model: VideoModel,
    context: Context,
    latents: torch.Tensor,
    drive: Drive,
    *,
    draw: torch.Generator,
    tell: Callable[[Iteration], object],
) -> tuple[torch.Tensor, tuple[Iteration, ...]]:
    """Optimise noisy latents; ``draw`` chooses the cutoffs, ``tell`` hears of each iteration."""
    optimization = drive.request.settings.optimization(
        model,
        latents,
        context,
        drive.pulls,
        keep=drive.keep,
        neighbours=drive.neighbours,
        generator=draw,
    )
    iterations = []
    for iteration in optimization:
        iterations.append(iteration)
        if drive.request.callback is not None:
            drive.request.callback(iteration)
        tell(iteration)
    return optimization.latents, tuple(iterations)
