"""A released Wan as a value: the sources of its weights, and its generation settings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dragstream.drags.checks import (
    at_least,
    check_at_most,
    check_bool,
    check_finite,
    check_int,
    check_kind,
    check_positive,
    check_sequence,
    optional,
)
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.models.base import ModelSpec

if TYPE_CHECKING:
    from dragstream.models.causal_config import CausalWanConfig

TIMESTEPS = 1000.0
"""Timestep per noise level in Wan: sigma * 1000."""


@dataclass(frozen=True)
class Guidance:
    """Classifier-free guidance and a many-step solver, for models that are not distilled.

    Attributes:
        steps: Denoising steps.
        scale: Guidance scale, from the negative prompt towards the prompt; 1 disables it.
        negative_prompt: The text that guidance leads away from.
        shift: Shift of the scheduler's noise levels; None for the value in the scheduler's folder.
        sigma: The noise level of drags, to the nearest step: T' = 3 of T = 4 in Self-Forcing.
    """

    steps: int = 50
    scale: float = 5.0
    negative_prompt: str = ""
    shift: float | None = None
    sigma: float = 0.9375

    def __post_init__(self) -> None:
        check_at_most(check_int(self.steps, "steps", least=1), 10_000, "steps")
        if check_finite(self.scale, "scale") < 1:
            raise ValueError(f"scale must be at least 1, got {self.scale}")
        check_kind(self.negative_prompt, str, "negative_prompt")
        if self.shift is not None:
            check_positive(self.shift, "shift")
        if not 0 < check_finite(self.sigma, "sigma") <= 1:
            raise ValueError(f"sigma must lie in (0, 1], got {self.sigma}")


@dataclass(frozen=True)
class Release:
    """A released model.

    Attributes:
        name: The name that `ds.load` accepts.
        summary: A short description.
        base: Hub repository of everything else, in the Diffusers layout.
        repository: Hub repository of the transformer's weights; None for those of `base`.
        file: Path of the weights in `repository`; None for a Diffusers folder `transformer`.
        ema: Whether to take the averaged weights, if the file has both; None: it has one, or `key`
            names it.
        lora: Path in `repository` of a low-rank adapter to merge; None for none.
        timesteps: Timesteps of the denoising steps, unless `guidance` or `solver_steps` is set.
        first_timesteps: Those of the first block, all `timesteps` among them; None for the same.
        solver_steps: Steps of the solver of the scheduler in `base`; None for `timesteps`, with
            fresh noise between them.
        shift: Shift of the noise levels: sigma = shift * s / (1 + (shift - 1) * s).
        warped: If set, the timesteps are s * 1000, before the shift; otherwise they are sigma *
            1000, rounded, and sigma is the nearest level of the shifted table.
        frames_per_block: Latent frames of a block.
        window: Latent frames that a block attends to, its own included; None for all.
        sink: First latent frames, always visible.
        sink_decay: If set, the sink is a running mean of what leaves the window:
            sink_decay * sink + (1 - sink_decay) * evicted.
        limit: Latent frames after which generation restarts from `overlap` of them; None for never.
        overlap: Latent frames at the start after a restart.
        recached: If set, a new prompt recomputes keys and values of visible frames but the sink's.
        guidance: Guidance of models that are not distilled: the whole clip is one block.
        layers: The tapped layers.
        denoising_step: The step of drags, counted from 0 (T'); unused with `guidance`.
        learning_rate: Learning rate of the optimisation.
        height: Frame height in pixels.
        width: Frame width in pixels.
        frame_rate: Video frames per second.
        tokens: Length of the text embeddings, padded.
        download_gb: Approximate download size of the transformer's weights, in 10^9 bytes.
    """

    name: str
    summary: str
    base: str
    repository: str | None = None
    file: str | None = None
    ema: bool | None = None
    lora: str | None = None
    timesteps: tuple[float, ...] = (1000.0, 750.0, 500.0, 250.0)
    first_timesteps: tuple[float, ...] | None = None
    solver_steps: int | None = None
    shift: float = 5.0
    warped: bool = True
    frames_per_block: int = 3
    window: int | None = None
    sink: int = 0
    sink_decay: float | None = None
    limit: int | None = None
    overlap: int = 0
    recached: bool = False
    guidance: Guidance | None = None
    layers: tuple[int, ...] = (12, 13, 14, 15)
    denoising_step: int = 1
    learning_rate: float = 0.04
    height: int = 480
    width: int = 832
    frame_rate: float = 16.0
    tokens: int = 512
    download_gb: float = 5.7

    def __post_init__(self) -> None:
        for name in ("timesteps", "first_timesteps", "layers"):
            given = getattr(self, name)
            values = None if given is None else check_sequence(given, name, "numbers")
            object.__setattr__(self, name, check_at_most(values, _LONGEST, name))
        _check_numbers(self)
        _check_past(self)

    def changed(self, changes: Mapping[str, Any]) -> Release:
        """Return the release with values replaced, those of `guidance` among them."""
        changes = dict(changes)
        if isinstance(changes.get("guidance"), Mapping):
            changes["guidance"] = Guidance(**_known(Guidance, changes["guidance"]))
        if self.guidance is not None:
            inner = Guidance.__dataclass_fields__.keys() & changes
            led = dataclasses.replace(self.guidance, **{name: changes.pop(name) for name in inner})
            changes = {"guidance": led} | changes
        return dataclasses.replace(self, **_known(Release, changes))

    @property
    def causal(self) -> dict[str, Any]:
        """The keys of `CausalWanConfig` that define a block's visible past."""
        return {name: getattr(self, name) for name in ("window", "sink", "frames_per_block")}

    def schedule(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Compute the noise levels of the denoising steps, and their timesteps."""
        return self._levels(self.timesteps)

    def first_schedule(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Compute the noise levels of the first block's denoising steps, and their timesteps."""
        return self._levels(self.first_timesteps or self.timesteps)

    def _levels(self, steps: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
        shares = [step / TIMESTEPS for step in steps]
        if self.warped:
            sigmas = tuple(_shifted(share, self.shift) for share in shares)
            return sigmas, tuple(sigma * TIMESTEPS for sigma in sigmas)
        table = [_shifted(index / TIMESTEPS, self.shift) for index in range(int(TIMESTEPS) + 1)]
        return tuple(_nearest(table, share) for share in shares), tuple(steps)

    def spec(
        self,
        config: CausalWanConfig,
        *,
        factors: tuple[int, int],
        sigmas: Sequence[float] | None = None,
    ) -> ModelSpec:
        """Make the `ModelSpec` of the model, at noise levels `sigmas` or those of `schedule`.

        `factors` are the VAE's video frames per latent frame and pixels per latent.
        """
        temporal, spatial = factors
        levels = self.schedule()[0] if sigmas is None else tuple(sigmas)
        step = self.denoising_step
        if self.guidance is not None:
            step = levels.index(_nearest(levels, self.guidance.sigma))
        return ModelSpec(
            name=self.name,
            grid=Grid.of(self.height, self.width, spatial_factor=spatial, patch=config.patch),
            clock=FrameClock(temporal_factor=temporal, frame_rate=self.frame_rate),
            latent_channels=config.latent_channels,
            frames_per_block=self.frames_per_block,
            sigmas=levels,
            first_sigmas=None if self.first_timesteps is None else self.first_schedule()[0],
            denoising_step=step,
            learning_rate=self.learning_rate,
            layers=self.layers,
            num_layers=config.num_layers,
            most_blocks=None if self.guidance is None else 1,
        )


def _nearest(table: Sequence[float], wanted: float) -> float:
    return min(table, key=lambda level: abs(level - wanted))


def _shifted(share: float, shift: float) -> float:
    return shift * share / (1 + (shift - 1) * share)


def _known(kind: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(kind)]
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise TypeError(f"a {kind.__name__} has no {', '.join(unknown)}; it has {', '.join(names)}")
    return dict(values)


_BOUNDS: dict[str, tuple[Callable[[Any, str], Any], float]] = {
    "frames_per_block": (at_least(1), 1024),
    "height": (at_least(1), 2**14),
    "width": (at_least(1), 2**14),
    "tokens": (at_least(1), 2**16),
    "sink": (at_least(0), 1_000_000),
    "overlap": (at_least(0), 1_000_000),
    "denoising_step": (at_least(0), 10_000),
    "window": (optional(at_least(1)), 1_000_000),
    "solver_steps": (optional(at_least(1)), 10_000),
    "limit": (optional(at_least(1)), 1_000_000),
    "shift": (check_positive, math.inf),
    "learning_rate": (check_positive, math.inf),
    "frame_rate": (check_positive, math.inf),
    "warped": (check_bool, 1),
    "recached": (check_bool, 1),
    "ema": (optional(check_bool), 1),
}
"""Checks and upper bounds of the numbers in a release."""

_LONGEST = 1000
"""Longest list of timesteps or layers."""


def _check_numbers(release: Release) -> None:
    for name, (check, most) in _BOUNDS.items():
        check(check_at_most(getattr(release, name), most, name), name)
    if release.solver_steps is not None and release.first_timesteps is not None:
        raise ValueError("solver_steps and first_timesteps contradict each other: give one of them")
    if not set(release.timesteps) <= set(release.first_timesteps or release.timesteps):
        raise ValueError(
            f"first_timesteps must hold all timesteps, {release.timesteps}, got "
            f"{release.first_timesteps}"
        )


def _check_past(release: Release) -> None:
    block = release.frames_per_block
    if release.sink_decay is not None:
        _check_decay(release)
    if release.limit is None:
        return
    if release.overlap < 1 or release.overlap % block or release.limit % block:
        raise ValueError(
            f"limit and overlap must be whole blocks of {block} latent frames, "
            f"got {release.limit} and {release.overlap}"
        )
    if release.overlap + block > release.limit:
        raise ValueError(
            f"overlap {release.overlap} leaves no room for a block within limit {release.limit}"
        )


def _check_decay(release: Release) -> None:
    block, window = release.frames_per_block, release.window
    if not 0 <= check_finite(release.sink_decay, "sink_decay") <= 1:
        raise ValueError(f"sink_decay must lie in [0, 1], got {release.sink_decay}")
    if window is None or release.sink != block or window % block or release.recached:
        raise ValueError(
            f"sink_decay needs a sink of one block of {block} latent frames in a window of whole "
            f"blocks, without recached; got sink {release.sink} and window {window}"
        )
