"""Base class of the optimisers: `DragOptimizer`, an iterator over updates of a block's latents."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from dragstream.method.base import DragMethod
from dragstream.method.iteration import Iteration
from dragstream.method.moments import Moments, drift, rows
from dragstream.method.problem import DragProblem

_FIRST_BETA, _SECOND_BETA = 0.9, 0.999


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019, Algorithm 2).

    `torch.optim.AdamW` overwrites its parameters, whereas the method needs the updated values as a
    separate tensor. Importing it also takes more than a second, which would delay the first drag.
    """

    def __init__(
        self, learning_rate: float, weight_decay: float = 0.01, epsilon: float = 1e-8
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epsilon = epsilon
        self._steps = 0
        self._first: Tensor | None = None
        self._second: Tensor | None = None

    def step(self, values: Tensor, gradient: Tensor) -> Tensor:
        """Return the values after one step from `values`, which are not modified."""
        if self._first is None or self._second is None:
            self._first, self._second = torch.zeros_like(gradient), torch.zeros_like(gradient)
        self._steps += 1
        self._first = torch.lerp(gradient, self._first, _FIRST_BETA)
        self._second = torch.lerp(gradient.square(), self._second, _SECOND_BETA)
        first = self._first / (1 - _FIRST_BETA**self._steps)
        second = self._second / (1 - _SECOND_BETA**self._steps)
        decayed = values * (1 - self.learning_rate * self.weight_decay)
        return decayed - self.learning_rate * first / (second.sqrt() + self.epsilon)


@dataclass(frozen=True, eq=False)
class Step:
    """Result of one iteration, all on the device."""

    loss: Tensor
    loss_rec: Tensor  # reconstruction term of the loss, at the targets
    loss_cst: Tensor  # constraint term of the loss, on the region to keep, before weighting
    gradient: Tensor  # gradient of the loss, (1, F, C, h, w)
    stepped: Tensor  # latents after the update
    latents: Tensor
    """Latents at the end of the iteration; `stepped` itself if nothing follows the update."""
    segment: int = 0  # index of the segment of a long drag, from 0
    cutoff: float = 1.0  # low-pass cutoff of the reference features; 1 is unfiltered


class DragOptimizer(Iterator[Iteration], ABC):
    """An iterator over `count` iterations that drag one block, changing no state outside it."""

    def __init__(self, method: DragMethod, problem: DragProblem, count: int) -> None:
        self._dtype = problem.latents.dtype
        with torch.inference_mode(mode=False):  # inference tensors can't require gradients
            self._latents = problem.latents.detach().float().clone()
        past = problem.recent(method.neighbours)  # the block's own latents without any
        self._anchor = Moments.of(self._latents if past is None else past)
        self._count = count
        self._name = repr(method)
        self._done = 0

    def __len__(self) -> int:
        """Return the total number of iterations, including those already done."""
        return self._count

    @property
    def latents(self) -> Tensor:
        """Latents after the iterations so far, (1, F, C, h, w), in the dtype of the input."""
        return self._latents.to(self._dtype)

    def adjust_prediction(self, clean: Tensor, sigma: float) -> Tensor:  # noqa: ARG002
        """Return the x0 (1, F, C, h, w) for denoising to continue with; by default the model's.

        Called after the drag's denoising step and each later one, each at its noise level.
        """
        return clean

    def __next__(self) -> Iteration:
        """Run one iteration and return its record."""
        if self._done >= len(self):
            raise StopIteration
        started = time.perf_counter()
        with torch.inference_mode(mode=False), torch.no_grad():
            step = self._advance(self._done)
            norm = torch.linalg.vector_norm(step.gradient)
            scalars = [step.loss, step.loss_rec, step.loss_cst, norm]
            numbers = _fetch(scalars, rows(step.stepped), rows(step.latents))
        iteration = self._record(step, numbers, started)
        self._latents = step.latents
        self._done += 1
        return iteration

    @abstractmethod
    def _advance(self, index: int) -> Step:
        """Compute iteration `index`, from 0, at the current latents; gradients are off."""

    def _record(self, step: Step, numbers: list[list[float]], started: float) -> Iteration:
        """Build the record of an iteration from its step and its fetched `numbers`."""
        (loss, loss_rec, loss_cst, norm), *statistics = numbers
        if not all(math.isfinite(number) for row in numbers for number in row):
            raise FloatingPointError(
                f"iteration {self._done} of the drag is not finite: loss {loss}, gradient norm "
                f"{norm}, with {self._name}; the block was left as it was"
            )
        before, after = Moments.from_rows(statistics[:4]), Moments.from_rows(statistics[4:])
        return Iteration(
            index=self._done,
            segment=step.segment,
            loss=loss,
            loss_rec=loss_rec,
            loss_cst=loss_cst,
            cutoff=step.cutoff,
            gradient_norm=norm,
            moments_before=before,
            moments=after,
            drift_before=drift(before, self._anchor),
            drift=drift(after, self._anchor),
            seconds=time.perf_counter() - started,
        )


def _fetch(scalars: list[Tensor], *tables: Tensor) -> list[list[float]]:
    """Fetch scalars and the rows of tables as numbers, in one transfer from the device."""
    parts = [torch.stack(scalars), *(row for table in tables for row in table)]
    flat = iter(torch.cat(parts).tolist())
    return [list(islice(flat, len(part))) for part in parts]
