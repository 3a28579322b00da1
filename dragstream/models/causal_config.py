"""The config of a causal Wan, read from a plain mapping and validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dragstream.drags.checks import check_finite, check_int, check_sequence
from dragstream.models.config_files import check_sizes

FrameRanges = tuple[tuple[int, int], ...]
"""Ranges of frames, (start, stop) each."""

_REQUIRED = ("num_layers", "num_heads", "head_dim", "ffn_dim", "text_dim")
_COUNTS = (*_REQUIRED, "freq_dim", "latent_channels", "frames_per_block")


@dataclass(frozen=True)
class CausalWanConfig:
    """Sizes of a causal Wan, and its attention window.

    A block attends to itself and the whole past while both fit into `window` frames; later, to the
    first `sink` frames of the stream and the most recent ones, `window` in all.

    Attributes:
        num_layers: Transformer blocks.
        num_heads: Attention heads.
        head_dim: Channels of a head; even.
        ffn_dim: Channels inside the feed-forward networks.
        text_dim: Channels of the text embeddings.
        freq_dim: Channels of the sinusoidal time embedding; even.
        latent_channels: Channels of the latents, in and out.
        patch: Latent rows and columns of a token.
        window: Latent frames a block attends to, its own among them; None for all.
        sink: The first latent frames of the stream, always inside the window.
        frames_per_block: Latent frames of the smallest block.
        eps: Constant added to variances in norms.
    """

    num_layers: int
    num_heads: int
    head_dim: int
    ffn_dim: int
    text_dim: int
    freq_dim: int = 256
    latent_channels: int = 16
    patch: tuple[int, int] = (2, 2)
    window: int | None = None
    sink: int = 0
    frames_per_block: int = 1
    eps: float = 1e-6

    @classmethod
    def of(cls, config: Mapping[str, Any] | CausalWanConfig) -> CausalWanConfig:
        """Read a config, for example one parsed from JSON.

        Other keys (noise levels, notes, latent sizes) are ignored.

        Raises:
            TypeError: `config` is not a mapping, or a value has the wrong type.
            ValueError: A key is missing, or its value is out of range.
        """
        if isinstance(config, CausalWanConfig):
            return config
        if not isinstance(config, Mapping):
            raise TypeError(f"config must be a mapping of sizes, got {type(config).__name__}")
        missing = [name for name in _REQUIRED if name not in config]
        if missing:
            raise ValueError(
                f"the config lacks {', '.join(missing)}; it needs {', '.join(_REQUIRED)}"
            )
        known = cls.__dataclass_fields__
        return cls(**{name: value for name, value in config.items() if name in known})

    def __post_init__(self) -> None:
        for name in (*_COUNTS, "patch", "window", "sink"):
            check_sizes(getattr(self, name), name)
        for name in _COUNTS:
            object.__setattr__(self, name, check_int(getattr(self, name), name, least=1))
        for name in ("head_dim", "freq_dim"):
            if getattr(self, name) % 2:
                raise ValueError(f"{name} must be even, got {getattr(self, name)}")
        patch = check_sequence(self.patch, "patch", "rows and columns of a token")
        if len(patch) != 2:
            raise ValueError(f"patch must be (rows, columns) of a token, got {self.patch!r}")
        rows, columns = (check_int(size, "patch", least=1) for size in patch)
        object.__setattr__(self, "patch", (rows, columns))
        if not 0 < check_finite(self.eps, "eps") < 1:
            raise ValueError(f"eps must lie in (0, 1), got {self.eps!r}")
        object.__setattr__(self, "sink", check_int(self.sink, "sink", least=0))
        if self.window is None:
            return
        object.__setattr__(self, "window", check_int(self.window, "window", least=1))
        if self.window - self.sink < self.frames_per_block:
            raise ValueError(
                f"window {self.window} less sink {self.sink} leaves no room for a block of "
                f"{self.frames_per_block} latent frames"
            )

    @property
    def channels(self) -> int:
        """Channels of a token: heads times their channels."""
        return self.num_heads * self.head_dim

    def room(self, committed: int) -> int | None:
        """Number of new frames after `committed` ones that fit into the window; None for any."""
        if self.window is None:
            return None
        return max(self.window - self.sink, self.window - committed)

    def visible_ranges(self, committed: int, new: int, since: int = 0) -> FrameRanges:
        """Return the ranges of committed frames that `new` frames after them attend to.

        Frames from `sink` up to `since` are excluded for any window.
        """
        recent = since
        if self.window is not None and committed + new > self.window:
            recent = max(since, committed + new - (self.window - self.sink))
        if recent <= 0:
            return ((0, committed),)
        return (0, self.sink), (recent, committed)

    def narrowed(self, window: int) -> CausalWanConfig:
        """Return the config with a window of at most `window` frames.

        Raises:
            TypeError: `window` is not an integer.
            ValueError: The window is too short for the sink and a block.
        """
        width = check_int(window, "window", least=1)
        return (
            self
            if self.window is not None and self.window <= width
            else replace(self, window=width)
        )
