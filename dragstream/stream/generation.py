"""How one block is generated: the denoising loop, with the drag at its step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

from dragstream.method.iteration import Iteration
from dragstream.method.rectification import rectify
from dragstream.stream.events import Iterated, Progress, Watch, nobody
from dragstream.stream.noise import generator, noise

if TYPE_CHECKING:
    from dragstream.models.base import Context, VideoModel
    from dragstream.stream.driving import Drive


@runtime_checkable
class Solving(Protocol):
    """A model with a way of its own from one denoising step to the next."""

    def solver(self, step: int) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """The way onward from a step, without a history.

        It is called once a step with what the step was given, and x0 as predicted from it, and
        returns what the next step is given.
        """
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
    watch: Watch = nobody,
) -> Draft:
    """Denoise block ``index`` after ``context``.

    ``given`` holds what the first denoising steps are given, (1, F, C, h, w) each: one tensor of
    noise for a new block, the recorded latents up to the drag's step for an edit. The loop
    starts at the last of them. Between steps, next z = (1 - s') x0 + s' noise, unless the model
    has a solver of its own; that begins anew where a drag changed the latents.

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
            latents, iterations = _drag(
                model,
                context,
                latents,
                drive,
                draw=draw,
                tell=lambda iteration: watch(Iterated(index, iteration)),
            )
            drag_seconds = time.perf_counter() - began
            solver = model.solver(step) if isinstance(model, Solving) else None
        noisy.append(latents)
        began = time.perf_counter()
        with torch.no_grad():
            latents = model.denoise(latents, sigmas[step], context).float()
        if drive is not None and drive.previous is not None:
            latents = rectify(latents, drive.previous)
        if not bool(torch.isfinite(latents).all()):
            raise FloatingPointError(
                f"block {index}: the prediction of denoising step {step} is not finite"
            )
        step_seconds.append(time.perf_counter() - began)
        watch(Progress(index, step, len(sigmas)))
    return Draft(latents, tuple(noisy), iterations, tuple(step_seconds), drag_seconds)


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
