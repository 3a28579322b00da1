"""The table of released Wan models: sources of the weights, and generation settings.

A new autoregressive Wan is a `Release`, not code:

```python
mine = dataclasses.replace(RELEASES["self-forcing"], name="mine", window=9, sink=1)
model = ds.load(mine, checkpoint="mine.pt")
```

or, without Python, a folder with a `dragstream.json`: `{"like": "self-forcing", "window": 9}`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragstream.drags.checks import (
    check_at_most,
    check_bool,
    check_finite,
    check_int,
    check_positive,
    check_sequence,
    short_repr,
    truncate,
)
from dragstream.drags.files import expanded
from dragstream.drags.geometry import FrameClock, Grid
from dragstream.models.base import ModelSpec
from dragstream.models.config_files import read_json

if TYPE_CHECKING:
    from dragstream.models.causal_config import CausalWanConfig

NOTE = "dragstream.json"
"""The file name of a model folder's release description."""

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
        sigma: The noise level of drags, rounded to the nearest step: the paper's T' = 3 of T = 4 in
            Self-Forcing.
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
        if not isinstance(self.negative_prompt, str):
            raise TypeError(f"negative_prompt must be a string, got {self.negative_prompt!r}")
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
        base: Hub repository in the Diffusers layout of the other parts: sizes of the transformer,
            VAE, text encoder and tokenizer.
        repository: Hub repository of the transformer's weights; None for those of `base`.
        file: Path of the weights in `repository`; None for a Diffusers folder `transformer`.
        lora: Path in `repository` of a low-rank adapter to merge; None for none.
        lora_alpha: Scale of the adapter: weights gain alpha / rank * B A. None means alpha = rank.
        timesteps: Timesteps of the denoising steps, from 1000 down; unused with `guidance`.
        shift: Shift of the noise levels: sigma = shift * s / (1 + (shift - 1) * s).
        warped: If set, the timesteps are s * 1000, before the shift; otherwise they are sigma *
            1000, rounded, and sigma is the nearest level of the shifted table.
        frames_per_block: Latent frames of a block.
        window: Latent frames that a block attends to, its own included; None for all.
        sink: First latent frames, always visible.
        limit: Latent frames after which generation restarts from `overlap` of them (an append-only
            cache); None for never.
        overlap: Latent frames at the start after a restart.
        recached: If set, a new prompt recomputes keys and values of the visible frames.
        guidance: Guidance of models that are not distilled, with the whole clip as one block; None
            for others.
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
    lora: str | None = None
    lora_alpha: float | None = None
    timesteps: tuple[float, ...] = (1000.0, 750.0, 500.0, 250.0)
    shift: float = 5.0
    warped: bool = True
    frames_per_block: int = 3
    window: int | None = None
    sink: int = 0
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
        for name in ("timesteps", "layers"):
            values = check_sequence(getattr(self, name), name, "numbers")
            object.__setattr__(self, name, tuple(values))
        _check(self)

    @classmethod
    def of(cls, folder: str | Path) -> Release | None:
        """Read the release described in a folder's `dragstream.json`; None without that file.

        Raises:
            ValueError: A file that does not parse, or has invalid values.
        """
        path = expanded(folder, "folder") / NOTE
        if not path.is_file():
            return None
        try:
            fields = read_json(path)
            like = fields.pop("like", "self-forcing")
            return cls._like(like).changed(fields)
        except (TypeError, ValueError) as error:
            raise ValueError(truncate(f"{path} does not describe a model: {error}")) from error

    @classmethod
    def _like(cls, name: object) -> Release:
        if not isinstance(name, str) or name not in RELEASES:
            raise ValueError(f"like must be one of {', '.join(RELEASES)}, got {short_repr(name)}")
        return RELEASES[name]

    def changed(self, changes: Mapping[str, Any]) -> Release:
        """Return the release with some values replaced; fields of `guidance` are accepted directly.

        Raises:
            TypeError: An unknown name, or a value of the wrong kind.
            ValueError: A value out of bounds.
        """
        changes = dict(changes)
        if isinstance(changes.get("guidance"), Mapping):
            changes["guidance"] = Guidance(**_known(Guidance, changes["guidance"]))
        guidance = {field.name for field in dataclasses.fields(Guidance)}
        if self.guidance is not None:
            led = {name: value for name, value in changes.items() if name in guidance}
            rest = {name: value for name, value in changes.items() if name not in guidance}
            replaced = dataclasses.replace(self.guidance, **led)
            return dataclasses.replace(self, **({"guidance": replaced} | _known(Release, rest)))
        return dataclasses.replace(self, **_known(Release, changes))

    @property
    def causal(self) -> dict[str, Any]:
        """The keys of `CausalWanConfig` that define a block's visible past."""
        return {
            "window": self.window,
            "sink": self.sink,
            "frames_per_block": self.frames_per_block,
        }

    def schedule(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Compute the noise levels of the denoising steps, and their timesteps."""
        shares = [step / TIMESTEPS for step in self.timesteps]
        if self.warped:
            sigmas = tuple(_shifted(share, self.shift) for share in shares)
            return sigmas, tuple(sigma * TIMESTEPS for sigma in sigmas)
        table = [_shifted(index / TIMESTEPS, self.shift) for index in range(int(TIMESTEPS) + 1)]
        return tuple(_nearest(table, share) for share in shares), self.timesteps

    def spec(
        self,
        config: CausalWanConfig,
        *,
        factors: tuple[int, int],
        sigmas: Sequence[float] | None = None,
    ) -> ModelSpec:
        """Make the `ModelSpec` of the model.

        Args:
            config: Sizes of the transformer.
            factors: Video frames per latent frame and pixels per latent of the VAE.
            sigmas: Noise levels of the steps; None for those of `schedule`.

        Raises:
            ValueError: Sizes that do not divide, or layers that the transformer lacks.
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


_MOST = {
    "timesteps": 1000,
    "layers": 1000,
    "frames_per_block": 1024,
    "height": 2**14,
    "width": 2**14,
    "tokens": 2**16,
    "window": 1_000_000,
    "sink": 1_000_000,
    "limit": 1_000_000,
    "overlap": 1_000_000,
    "denoising_step": 10_000,
}
"""Upper bounds of the numbers and list lengths in a release."""


def _check(release: Release) -> None:
    for name, most in _MOST.items():
        check_at_most(getattr(release, name), most, name)
    for name in ("frames_per_block", "height", "width", "tokens"):
        check_int(getattr(release, name), name, least=1)
    for name in ("sink", "overlap", "denoising_step"):
        check_int(getattr(release, name), name, least=0)
    for name in ("shift", "learning_rate", "frame_rate"):
        check_positive(getattr(release, name), name)
    for name in ("warped", "recached"):
        check_bool(getattr(release, name), name)
    if release.window is not None:
        check_int(release.window, "window", least=1)
    block = release.frames_per_block
    if release.limit is None:
        return
    limit = check_int(release.limit, "limit", least=1)
    if release.overlap < 1 or release.overlap % block or limit % block:
        raise ValueError(
            f"limit and overlap must be whole blocks of {block} latent frames, "
            f"got {release.limit} and {release.overlap}"
        )
    if release.overlap + block > release.limit:
        raise ValueError(
            f"overlap {release.overlap} leaves no room for a block within limit {release.limit}"
        )


_WAN = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"

RELEASES: dict[str, Release] = {
    release.name: release
    for release in (
        Release(
            "self-forcing",
            "Self-Forcing: four steps, a rolling window",
            _WAN,
            repository="gdhe17/Self-Forcing",
            file="checkpoints/self_forcing_dmd.pt",
            window=21,
            sink=3,
        ),
        Release(
            "causal-forcing",
            "Causal Forcing: Self-Forcing's procedure with other weights",
            _WAN,
            repository="zhuhz22/Causal-Forcing",
            file="chunkwise/causal_forcing.pt",
            window=21,
            sink=3,
        ),
        Release(
            "longlive",
            "LongLive: long videos, prompts that change on the way",
            _WAN,
            repository="Efficient-Large-Model/LongLive-1.3B",
            file="models/longlive_base.pt",
            lora="models/lora.pt",
            window=12,
            sink=3,
            recached=True,
        ),
        Release(
            "causvid",
            "CausVid: three steps, restarts every 21 latent frames",
            _WAN,
            repository="tianweiy/CausVid",
            file="autoregressive_checkpoint/model.pt",
            timesteps=(1000.0, 757.0, 522.0),
            shift=8.0,
            warped=False,
            limit=21,
            overlap=3,
        ),
        Release(
            "wan2.1",
            "Wan 2.1: bidirectional, a clip of 21 latent frames in one block",
            _WAN,
            frames_per_block=21,
            guidance=Guidance(),
        ),
    )
}
"""The released models by name."""
