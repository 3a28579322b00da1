"""The student of a distillation: its loss, its training, and what is saved of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from dragstream.drags.checks import finite, whole
from dragstream.models.playground.clips import BLOCK
from dragstream.models.playground.flow import optimizers
from dragstream.models.playground.model import Playground
from dragstream.models.playground.trajectories import (
    Trajectories,
    draw_trajectories,
    flow_of_blocks,
)

STUDENT: dict[str, Any] = {
    "sigmas": [1.0, 0.87, 0.66, 0.33],
    "solver": "plain",
    "denoising_step": 2,
    "guidance": {"scale": 1.0, "least": 0.0, "most": 1.0},
}
"""What a student's config has in place of its teacher's; its noise levels are among those."""
_EMA = 0.998
_WARM_UP = 100
"""Steps until the learning rate is reached."""
_DECAY = 0.3
"""Share of the training, its last, in which the learning rate falls."""
_ROUGH_PAST = 0.12
"""Noise, as a sigma, that a past may carry unannounced."""
_OBJECTS = 3.0
"""How much more the error counts on and around objects."""
_OWN_PAST = 0.6
"""Share of clips whose past the student has made anew, once it does so."""
_OWN_WAY = 0.5
"""Share of clips that the student meets on its own way, once it does so."""
_SHARDS_OPEN = 64


@dataclass(frozen=True)
class Recipe:
    """Sizes of a distillation.

    Attributes:
        steps: of training, in all.
        batch: trajectories a step; each counts at all noise levels.
        learning_rate: of both optimizers.
        own_from: share of the training after which the student's own past and way are used.
        shards: files of trajectories, in all.
        clips: pasts in a file, with two trajectories each.
        first: files that are there before the training begins.
        every: steps after which there is one more.

    Raises:
        TypeError, ValueError: sizes that are not whole numbers from 1 on, a learning rate that is
            not positive, or a share outside 0 to 1.
    """

    steps: int
    batch: int = 8
    learning_rate: float = 6e-4
    own_from: float = 0.4
    shards: int = 256
    clips: int = 16
    first: int = 4
    every: int = 12

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "shards", "clips", "first", "every"):
            whole(getattr(self, name), name, least=1)
        if finite(self.learning_rate, "learning_rate") <= 0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        if not 0 <= finite(self.own_from, "own_from") <= 1:
            raise ValueError(f"own_from must lie in 0..1, got {self.own_from}")

    def available(self, step: int) -> int:
        """Files that a step may use."""
        return min(self.shards, self.first + step // self.every)

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        warm = min(1.0, (step + 1) / _WARM_UP)
        decay = min(1.0, max(0.02, (1 - step / self.steps) / _DECAY))
        return self.learning_rate * warm * decay


class Distillation:
    """A student, its running average and its optimizers; saved and resumed.

    Args:
        teacher: what is distilled.
        config: the teacher's, as read from its config.json.
        folder: of the checkpoint.
        cache: folder of the teacher's trajectories.
        recipe: how large and how long.

    Raises:
        ValueError: a teacher that lacks one of the student's noise levels.
    """

    def __init__(
        self,
        teacher: Playground,
        config: dict[str, Any],
        folder: Path,
        cache: Path,
        recipe: Recipe,
    ) -> None:
        self.teacher = teacher
        self.config = {**config, **STUDENT}
        self.path = folder / "student.pt"
        self.cache = cache
        self.recipe = recipe
        self.student = Playground(self.config).to(teacher.device)
        self.student.load_state_dict(teacher.state_dict())
        self.student.autoencoder.requires_grad_(False)  # noqa: FBT003 - torch's signature
        self.average = {k: v.detach().clone() for k, v in self._state().items()}
        self.optimizers = optimizers(self.student, recipe.learning_rate)
        self.step = 0
        self.seconds = 0.0
        self._open = lru_cache(maxsize=_SHARDS_OPEN)(Trajectories.load)
        self.marks = _marks(teacher.spec.sigmas, self.student.spec.sigmas)

    def _state(self) -> dict[str, Tensor]:
        return self.student.parts()["transformer"].state_dict()

    def save(self) -> None:
        """Write a checkpoint that `resume` continues from."""
        partial = self.path.with_suffix(".tmp")
        torch.save(
            {
                "model": self._state(),
                "average": self.average,
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "step": self.step,
                "seconds": self.seconds,
            },
            partial,
        )
        partial.replace(self.path)

    def resume(self) -> None:
        """Continue from the checkpoint, if there is one."""
        if not self.path.is_file():
            return
        saved = torch.load(self.path, map_location=self.teacher.device, weights_only=True)
        self.student.parts()["transformer"].load_state_dict(saved["model"])
        self.average = saved["average"]
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.step, self.seconds = saved["step"], saved["seconds"]

    def run(self, save_every: float = 300.0) -> Iterator[list[float]]:
        """Train until the recipe's last step; yields each step's errors, by noise level.

        Args:
            save_every: seconds between checkpoints.
        """
        begun = time.monotonic() - self.seconds
        saved = self.seconds
        while self.step < self.recipe.steps:
            generator = torch.Generator().manual_seed(1_000_000 + self.step)
            batch = self._shard(generator).sample(self.recipe.batch, generator)
            errors = self._train_step(batch, generator)
            self.seconds = time.monotonic() - begun
            if self.seconds - saved > save_every:
                saved = self.seconds
                self.save()
            yield errors

    def _shard(self, generator: torch.Generator) -> Trajectories:
        """One of the files, drawn at random; those that are not there yet are made."""
        available = self.recipe.available(self.step)
        for shard in range(available):
            path = self._shard_path(shard)
            if not path.is_file():
                draw_trajectories(self.teacher, shard, self.recipe.clips).save(path)
        chosen = int(torch.randint(available, (), generator=generator))
        return self._open(self._shard_path(chosen))

    def _shard_path(self, shard: int) -> Path:
        return self.cache / f"trajectories-{shard:05}.pt"

    def _train_step(self, batch: Trajectories, generator: torch.Generator) -> list[float]:
        own = self.step >= self.recipe.own_from * self.recipe.steps
        loss, errors = self.loss(batch, generator, own=own)
        loss.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.recipe.rate(self.step)
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        keep = min(_EMA, (1 + self.step) / (20 + self.step))
        for name, value in self._state().items():
            self.average[name].lerp_(value, 1 - keep)
        return errors

    def loss(
        self, batch: Trajectories, generator: torch.Generator, *, own: bool
    ) -> tuple[Tensor, list[float]]:
        """The student's error at all of its noise levels.

        Args:
            batch: trajectories of the teacher.
            generator: of what noise is added.
            own: whether pasts and blocks may be the student's own.

        Returns:
            The mean squared error of the flow, that on and around objects counting more; and the
            same by noise level.
        """
        text = self.student.captions(batch.counts)
        path = batch.path[:, self.marks]
        noisy, later = path[:, :-1], path[:, 1:]
        levels = torch.tensor(self.student.spec.sigmas, device=path.device)
        gaps = levels - torch.cat([levels[1:], levels.new_zeros(1)])
        past = self._given_past(batch, text.detach(), generator, own=own)
        if own:
            ways = self._own_way(batch, past, text.detach())
            met = torch.rand(len(batch), generator=generator).to(path.device) < _OWN_WAY
            noisy = torch.where(met[:, None, None, None, None, None], ways, noisy)
        wanted = (noisy - later) / gaps[:, None, None, None, None]
        sigmas = levels.expand(len(batch), -1)
        flow = flow_of_blocks(
            self.student, past, noisy, sigmas=sigmas, text=text, frames=batch.frames
        )
        weight = 1 + _OBJECTS * batch.near[:, None, None]
        error = (flow - wanted).pow(2).mean(3, keepdim=True) * weight
        by_level = error.mean((0, 2, 3, 4, 5)) / weight.mean()
        return by_level.mean(), by_level.tolist()

    def _given_past(
        self, batch: Trajectories, text: Tensor, generator: torch.Generator, *, own: bool
    ) -> Tensor:
        """The past with a little noise; or, for some clips, as the student remakes it."""
        past = batch.past
        noise = torch.randn(past.shape, generator=generator).to(past.device)
        rough = _ROUGH_PAST * torch.rand(len(past), 1, 1, 1, 1, generator=generator)
        rough = rough.to(past.device)
        given = (1 - rough) * past + rough * noise
        if not own or not past.shape[1]:
            return given
        sigmas = self.student.spec.sigmas
        remade = past
        for _ in range(1 + int(torch.randint(2, (), generator=generator))):
            first = len(sigmas) - 1 - int(torch.randint(2, (), generator=generator))
            remade = self._remade(batch, remade, text, first, generator)
        fed = torch.rand(len(past), generator=generator).to(past.device) < _OWN_PAST
        return torch.where(fed[:, None, None, None, None], remade, given)

    @torch.no_grad()
    def _remade(
        self,
        batch: Trajectories,
        past: Tensor,
        text: Tensor,
        first: int,
        generator: torch.Generator,
    ) -> Tensor:
        """A past whose block was noised to a step's level and denoised by the student."""
        sink, block = past[:, :-BLOCK], past[:, -BLOCK:]
        noise = torch.randn(block.shape, generator=generator).to(block.device)
        sigma = self.student.spec.sigmas[first]
        noisy = (1 - sigma) * block + sigma * noise
        frames = batch.frames[:, : past.shape[1]]
        *_, block = self._walk(sink, noisy, text, frames, first)
        return torch.cat([sink, block], 1)

    @torch.no_grad()
    def _own_way(self, batch: Trajectories, past: Tensor, text: Tensor) -> Tensor:
        """The block at each of the student's noise levels as it gets there by itself."""
        *way, _ = self._walk(past, batch.path[:, 0], text, batch.frames, 0)
        return torch.stack(way, 1)

    def _walk(
        self, past: Tensor, noisy: Tensor, text: Tensor, frames: Tensor, first: int
    ) -> Iterator[Tensor]:
        """A block (N, BLOCK, C, h, w) at each level from step `first` on, clean at last."""
        levels = (*self.student.spec.sigmas, 0.0)
        yield noisy
        for step in range(first, len(levels) - 1):
            sigmas = torch.full((len(noisy), 1), levels[step], device=noisy.device)
            flow = flow_of_blocks(
                self.student, past, noisy[:, None], sigmas=sigmas, text=text, frames=frames
            )
            noisy = noisy - (levels[step] - levels[step + 1]) * flow[:, 0]
            yield noisy

    def export(self, folder: Path) -> None:
        """Write the running average as `Playground.from_folder` reads it."""
        folder.mkdir(parents=True, exist_ok=True)
        autoencoder = self.teacher.autoencoder.state_dict()
        for name, state in (("transformer", self.average), ("autoencoder", autoencoder)):
            weights = {key: value.detach().cpu().contiguous() for key, value in state.items()}
            save_file(weights, folder / f"{name}.safetensors")
        training = dict(self.config.get("training", {}))
        training["distillation"] = {
            "steps": self.step,
            "minutes": round(self.seconds / 60),
            "batch": self.recipe.batch,
        }
        document = {**self.config, "training": training}
        (folder / "config.json").write_text(json.dumps(document, indent=1) + "\n")


def _marks(levels: Sequence[float], chosen: Sequence[float]) -> list[int]:
    """Where a student's noise levels, and clean at last, stand among the teacher's."""
    if missing := sorted(set(chosen) - set(levels)):
        raise ValueError(f"the student's noise levels must be among {levels}, not {missing}")
    return [*(levels.index(level) for level in chosen), len(levels)]
