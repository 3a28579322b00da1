"""Wan 2.1 as it was released: a whole clip is one block, many steps, classifier-free guidance.

A stream of it has that one block. Drags act at the denoising step whose noise level is nearest to
the one at which the distilled models are dragged (T'); from there on the solver begins anew, since
its history belongs to latents that are no more. Drags of no iterations leave the clip as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from torch import Tensor

from dragstream.drags.checks import cut, short
from dragstream.models.causal_context import CausalContext
from dragstream.models.causal_wan import CausalWan
from dragstream.models.config_files import read_config
from dragstream.models.wan.memory import Past, Remembered, seen
from dragstream.models.wan.model import Wan

_SCHEDULERS: dict[str, tuple[Any, str]] = {
    "UniPCMultistepScheduler": (UniPCMultistepScheduler, "flow_shift"),
    "FlowMatchEulerDiscreteScheduler": (FlowMatchEulerDiscreteScheduler, "shift"),
}
"""Each known scheduler, and what its config calls the shift."""


@dataclass(frozen=True)
class Steps:
    """A scheduler's steps: its config, noise levels and what the network is told at each.

    Attributes:
        config: The scheduler's config.
        sigmas: Noise levels, falling.
        timesteps: What the network is told.
    """

    config: Mapping[str, Any]
    sigmas: tuple[float, ...]
    timesteps: tuple[float, ...]

    @classmethod
    def of(cls, config: Mapping[str, Any], count: int, shift: float | None = None) -> Steps:
        """The steps that a scheduler's config gives.

        Args:
            config: As in `scheduler_config.json`.
            count: How many steps.
            shift: In place of the config's; None for the config's.

        Raises:
            ValueError: Another scheduler than those that Wan goes with.
        """
        name = config.get("_class_name")
        if not isinstance(name, str) or name not in _SCHEDULERS:
            raise ValueError(
                f"the scheduler must be one of {', '.join(_SCHEDULERS)}, got {short(name)}"
            )
        if shift is not None:
            config = {**config, _SCHEDULERS[name][1]: shift}
        scheduler = _made(config, count)
        sigmas = scheduler.sigmas.tolist()[:count]
        return cls(dict(config), tuple(sigmas), tuple(map(float, scheduler.timesteps.tolist())))

    @classmethod
    def from_file(cls, path: Path, count: int, shift: float | None = None) -> Steps:
        """The same from a `scheduler_config.json`.

        Raises:
            ValueError: A file that does not parse, or another scheduler.
        """
        try:
            return cls.of(read_config(path), count, shift)
        except Exception as error:  # diffusers raises whatever the damage leads to
            raise ValueError(cut(f"{path} describes no scheduler for Wan: {error}")) from error

    def solver(self, step: int) -> Solver:
        """A solver without a history, about to leave a step."""
        scheduler = _made(self.config, len(self.sigmas))
        scheduler.set_begin_index(step)
        return Solver(self, scheduler, step)


def _made(config: Mapping[str, Any], count: int) -> Any:
    kind, _ = _SCHEDULERS[config["_class_name"]]
    scheduler = kind.from_config(dict(config))
    scheduler.set_timesteps(count)
    return scheduler


class Solver:
    """The way from each denoising step to the next, by a scheduler of diffusers.

    Args:
        steps: What it solves.
        scheduler: A fresh scheduler, set to its first step.
        first: That step.
    """

    def __init__(self, steps: Steps, scheduler: Any, first: int) -> None:
        self._steps = steps
        self._scheduler = scheduler
        self._step = first

    def __call__(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """What the next denoising step is given.

        Args:
            noisy: What the present step was given.
            clean: x0 as predicted from it.
        """
        sigma = self._steps.sigmas[self._step]
        timestep = self._scheduler.timesteps[self._step]
        flow = (noisy - clean) / sigma
        (onward,) = self._scheduler.step(flow, timestep, noisy, return_dict=False)
        self._step += 1
        return onward  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Clip(Past):
    """The context of a clip: the texts with which and without which it is made.

    Attributes:
        without: What the transformer sees under the negative prompt.
    """

    without: CausalContext | None = None


@dataclass(frozen=True, eq=False)
class Single:
    """A past that is never seen: each clip stands alone.

    Attributes:
        wan: The transformer.
        negative: Embeddings of the negative prompt, or None without guidance.
    """

    wan: CausalWan
    negative: Tensor | None

    def begin(self, text: Tensor) -> Remembered:
        """See `Memory`."""
        without = None if self.negative is None else self.wan.new_context(self.negative)
        return Clip(self.wan.new_context(text), without=without)

    def told(self, context: Remembered, text: Tensor) -> Remembered:
        """See `Memory`."""
        clip = _clip(context)
        return replace(clip, inner=self.wan.with_text(clip.inner, text))

    def extended(self, context: Remembered, latents: Tensor) -> Remembered:
        """See `Memory`."""
        clip = _clip(context)
        return replace(clip, frames=clip.frames + latents.shape[1])


class BidirectionalWan(Wan):
    """A Wan that makes a whole clip at once, under guidance.

    Args:
        steps: The scheduler's steps; the noise levels are also those of the spec.
        scale: Of the guidance; 1 for none.
        args: See `Wan`.
        kwargs: See `Wan`.
    """

    def __init__(self, *args: Any, steps: Steps, scale: float = 1.0, **kwargs: Any) -> None:
        told = dict(zip(steps.sigmas, steps.timesteps, strict=True))
        super().__init__(*args, timesteps=told, **kwargs)
        self.steps = steps
        self.scale = scale

    def solver(self, step: int) -> Solver:
        """The way onward from a denoising step."""
        return self.steps.solver(step)

    def predict(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """x0 under guidance: away from the negative prompt, towards the prompt.

        Raises:
            TypeError: Not a context of this model.
            ValueError: The clip is complete; or as in `Reader.read`.
        """
        clip = _clip(context)
        if clip.frames:
            raise ValueError(f"{self.spec.name!r} makes one clip, and that is complete")
        clean = super().predict(latents, sigma, clip)
        if clip.without is None or self.scale == 1.0:
            return clean
        without = super().predict(latents, sigma, clip.without)
        return without + self.scale * (clean - without)

    def narrowed(self, context: Any, window: int) -> Any:  # noqa: ARG002
        """A clip has no past to be shortened: the context as it is."""
        return context


def _clip(context: Remembered) -> Clip:
    seen(context)
    if not isinstance(context, Clip):
        raise TypeError(f"context must come from new_context, got {type(context).__name__}")
    return context
