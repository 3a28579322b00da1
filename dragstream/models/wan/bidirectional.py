"""The original Wan 2.1: a clip is one block, with many steps and classifier-free guidance.

A stream of it has that one block. Drags act at the denoising step whose noise level is nearest to
that of the distilled models' drags (T'); the solver restarts from that step, since its history
belongs to replaced latents. Drags without iterations leave the clip unchanged.
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

from dragstream.drags.checks import short_repr, truncate
from dragstream.models.base import Reading
from dragstream.models.causal_context import CausalContext
from dragstream.models.causal_wan import CausalWan
from dragstream.models.config_files import read_config
from dragstream.models.wan.context_policy import AnyContext, RolloutContext, inner_context
from dragstream.models.wan.model import Wan

_SCHEDULERS: dict[str, tuple[Any, str]] = {
    "UniPCMultistepScheduler": (UniPCMultistepScheduler, "flow_shift"),
    "FlowMatchEulerDiscreteScheduler": (FlowMatchEulerDiscreteScheduler, "shift"),
}
"""The supported schedulers, and the config key of each one's shift."""


@dataclass(frozen=True)
class Steps:
    """The steps of a scheduler: its config, noise levels and timesteps.

    Attributes:
        config: The scheduler's config.
        sigmas: Noise levels, decreasing.
        timesteps: The network's time input at each step.
    """

    config: Mapping[str, Any]
    sigmas: tuple[float, ...]
    timesteps: tuple[float, ...]

    @classmethod
    def of(cls, config: Mapping[str, Any], count: int, shift: float | None = None) -> Steps:
        """Make the steps of a scheduler's config.

        Args:
            config: As in `scheduler_config.json`.
            count: Number of steps.
            shift: Replaces the config's shift; None keeps it.

        Raises:
            ValueError: A scheduler that is not supported for Wan.
        """
        name = config.get("_class_name")
        if not isinstance(name, str) or name not in _SCHEDULERS:
            raise ValueError(
                f"the scheduler must be one of {', '.join(_SCHEDULERS)}, got {short_repr(name)}"
            )
        if shift is not None:
            config = {**config, _SCHEDULERS[name][1]: shift}
        scheduler = _made(config, count)
        sigmas = scheduler.sigmas.tolist()[:count]
        return cls(dict(config), tuple(sigmas), tuple(map(float, scheduler.timesteps.tolist())))

    @classmethod
    def from_file(cls, path: Path, count: int, shift: float | None = None) -> Steps:
        """Make the steps of a `scheduler_config.json`.

        Raises:
            ValueError: A file that does not parse, or an unsupported scheduler.
        """
        try:
            return cls.of(read_config(path), count, shift)
        except Exception as error:  # damaged files make diffusers raise many types
            raise ValueError(truncate(f"{path} describes no scheduler for Wan: {error}")) from error

    def solver(self, step: int) -> Solver:
        """Make a solver without history that starts at a step."""
        scheduler = _made(self.config, len(self.sigmas))
        scheduler.set_begin_index(step)
        return Solver(self, scheduler, step)


def _made(config: Mapping[str, Any], count: int) -> Any:
    kind, _ = _SCHEDULERS[config["_class_name"]]
    scheduler = kind.from_config(dict(config))
    scheduler.set_timesteps(count)
    return scheduler


class Solver:
    """The update from each denoising step to the next, by a scheduler of diffusers.

    Args:
        steps: The steps of the scheduler.
        scheduler: A fresh scheduler, set to its first step.
        first: The index of that step.
    """

    def __init__(self, steps: Steps, scheduler: Any, first: int) -> None:
        self._steps = steps
        self._scheduler = scheduler
        self._step = first

    def __call__(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """Return the noisy latents of the next denoising step.

        Args:
            noisy: The noisy latents of the present step.
            clean: x0 predicted from them.
        """
        sigma = self._steps.sigmas[self._step]
        timestep = self._scheduler.timesteps[self._step]
        flow = (noisy - clean) / sigma
        (onward,) = self._scheduler.step(flow, timestep, noisy, return_dict=False)
        self._step += 1
        return onward  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class Clip(RolloutContext):
    """The context of a clip: its prompt, and the negative prompt for guidance.

    Attributes:
        without: The transformer's context of the negative prompt.
    """

    without: CausalContext | None = None


@dataclass(frozen=True, eq=False)
class Single:
    """A memory without past: each clip is generated by itself.

    Attributes:
        wan: The transformer.
        negative: Embeddings of the negative prompt, or None without guidance.
    """

    wan: CausalWan
    negative: Tensor | None

    def begin(self, text: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        without = None if self.negative is None else self.wan.new_context(self.negative)
        return Clip(self.wan.new_context(text), without=without)

    def with_text(self, context: AnyContext, text: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        clip = _clip(context)
        return replace(clip, inner=self.wan.with_text(clip.inner, text))

    def extended(self, context: AnyContext, latents: Tensor) -> AnyContext:
        """See `ContextPolicy`."""
        clip = _clip(context)
        return replace(clip, frames=clip.frames + latents.shape[1])


class SolvedWan(Wan):
    """A Wan with a scheduler's solver between its steps, in place of fresh noise (LongLive 2.0).

    Args:
        steps: The scheduler's steps; the noise levels are also those of the spec.
        args: See `Wan`.
        kwargs: See `Wan`.
    """

    def __init__(self, *args: Any, steps: Steps, **kwargs: Any) -> None:
        timesteps = dict(zip(steps.sigmas, steps.timesteps, strict=True))
        super().__init__(*args, timesteps=timesteps, **kwargs)
        self.steps = steps

    def solver(self, step: int) -> Solver:
        """Make a solver that starts at a denoising step."""
        return self.steps.solver(step)


class BidirectionalWan(SolvedWan):
    """A Wan that generates a whole clip at once, with guidance.

    Args:
        scale: Scale of the guidance; 1 for none.
        args: See `SolvedWan`.
        kwargs: See `SolvedWan`.
    """

    def __init__(self, *args: Any, scale: float = 1.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scale = scale

    def read(self, *args: Any, window: int | None = None, **kwargs: Any) -> Reading:  # noqa: ARG002
        """See `VideoModel.read`; a clip has no past, so that `window` is unused."""
        return super().read(*args, **kwargs)

    def denoise(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """Predict x0 with guidance: away from the negative prompt, towards the prompt.

        Raises:
            TypeError: Not a context of this model.
            ValueError: The clip is complete; or as in `VideoModel.read`.
        """
        clip = _clip(context)
        if clip.frames:
            raise ValueError(f"{self.spec.name!r} makes one clip, and that is complete")
        clean = super().denoise(latents, sigma, clip)
        if clip.without is None or self.scale == 1.0:
            return clean
        without = super().denoise(latents, sigma, clip.without)
        return without + self.scale * (clean - without)


def _clip(context: AnyContext) -> Clip:
    inner_context(context)
    if not isinstance(context, Clip):
        raise TypeError(f"context must come from new_context, got {type(context).__name__}")
    return context
