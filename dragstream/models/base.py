"""The interface of a video model: `ModelSpec`, `Context` and `VideoModel`.

Latents are always (1, frames, channels, height, width): frames before channels. A noise level
sigma runs from 1 (noise only) to 0 (clean): z = (1 - sigma) * x0 + sigma * noise.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from dragstream.drags.checks import check_positive
from dragstream.drags.geometry import FrameClock, Grid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


_NOISE_ONLY = 0.99
"""Latents at or above this noise level count as pure noise."""

PAPER_CUTOFFS = (0.2, 0.4, 0.6, 1.0)
"""The low-pass cutoffs of the paper, in cycles per token (Section C.1)."""


@dataclass(frozen=True)
class ModelSpec:
    """Sizes and schedule of a model, and its default constants of the method.

    Attributes:
        name: The model's name.
        grid: Pixel, latent and token sizes of a frame.
        clock: Mapping between latent frames and video frames.
        latent_channels: Channels of the latents.
        frames_per_block: Latent frames of a block.
        sigmas: Noise level of each denoising step, falling from 1.0 (or just below) and above 0.
        first_sigmas: Those of the first block, all ``sigmas`` among them; None for the same.
        denoising_step: The step at which drags are optimised, counted from 0 (the paper's T' = 3
            of T = 4 is 1).
        learning_rate: Learning rate of the optimisation of a region.
        layers: The tapped layers, counted from 0.
        num_layers: Layers of the transformer.
        cutoffs: Low-pass cutoffs of the references' features, in cycles per token; None for none.
        upsampling: Cells per token along each axis, at which features are compared.
        prediction_weight: Weight of clean predictions relative to features in the loss; 0: none.
        warm_start: Begin drags with their objects already at the targets.
        most_blocks: Blocks that a stream may have; None for any number.

    Raises:
        ValueError: Contradictory values; the message names them.
    """

    name: str
    grid: Grid
    clock: FrameClock
    latent_channels: int
    frames_per_block: int
    sigmas: tuple[float, ...]
    denoising_step: int
    learning_rate: float
    layers: tuple[int, ...]
    num_layers: int
    cutoffs: tuple[float, ...] | None = PAPER_CUTOFFS
    upsampling: int = 1
    prediction_weight: float = 0.0
    warm_start: bool = False
    most_blocks: int | None = None
    first_sigmas: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("latent_channels", "frames_per_block", "num_layers", "upsampling"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not (_falls(self.sigmas) and _NOISE_ONLY <= self.sigmas[0] <= 1.0):
            raise ValueError(f"sigmas must fall from 1.0 and stay above 0, got {self.sigmas}")
        first = self.first_sigmas or self.sigmas
        if not (_falls(first) and set(self.sigmas) <= set(first)):
            raise ValueError(
                f"first_sigmas must fall and hold all of sigmas {self.sigmas}, got {first}"
            )
        if not 0 <= self.denoising_step < len(self.sigmas):
            raise ValueError(
                f"denoising_step must be in 0..{len(self.sigmas) - 1}, got {self.denoising_step}"
            )
        check_positive(self.learning_rate, "learning_rate")
        if not (math.isfinite(self.prediction_weight) and self.prediction_weight >= 0):
            raise ValueError(f"prediction_weight must be 0 or more, got {self.prediction_weight}")
        if self.cutoffs is not None and not (
            self.cutoffs and all(0 < cutoff <= 1 for cutoff in self.cutoffs)
        ):
            raise ValueError(f"cutoffs must be in (0, 1] or None, got {self.cutoffs}")
        if self.most_blocks is not None and self.most_blocks < 1:
            raise ValueError(f"most_blocks must be at least 1 or None, got {self.most_blocks}")
        if not self.layers or any(not 0 <= layer < self.num_layers for layer in self.layers):
            raise ValueError(f"layers must be in 0..{self.num_layers - 1}, got {self.layers}")

    def levels(self, index: int) -> tuple[float, ...]:
        """Return the noise level of each denoising step of block ``index``, counted from 0."""
        return self.sigmas if index or self.first_sigmas is None else self.first_sigmas


def _falls(levels: Sequence[float]) -> bool:
    return bool(levels) and all(a > b for a, b in itertools.pairwise((*levels, 0.0)))


class LowPassFilter(Hashable, Protocol):
    """A filter over rows and columns; hashable, so that its results can be cached."""

    def __call__(self, maps: Tensor, /) -> Tensor:
        """Filter (batch, frames, rows, columns, channels) over axes 2 and 3; the same shape."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Features and clean prediction of one pass over a noisy block.

    Attributes:
        taps: For each filter, {layer: features (1, F, token rows, token columns, channels)}.
        x0: The clean latents that this pass predicts, with the shape and dtype of the noisy ones;
            None without `predict`.
    """

    taps: list[dict[int, Tensor]]
    x0: Tensor | None = None


@runtime_checkable
class Context(Protocol):
    """The immutable state of a stream after its committed blocks."""

    @property
    def frames(self) -> int:
        """Number of latent frames committed so far."""

    @property
    def text(self) -> Tensor:
        """The current text embeddings, (1, tokens, text_dim)."""


@runtime_checkable
class VideoModel(Protocol):
    """A model that generates a video block by block."""

    @property
    def spec(self) -> ModelSpec:
        """Sizes and schedule of the model."""

    def encode_text(self, prompt: str) -> Tensor:
        """Return the text embeddings (1, tokens, text_dim); a ValueError refuses a prompt."""

    def new_context(self, text: Tensor) -> Any:
        """Return the context of a stream without blocks."""

    def with_text(self, context: Any, text: Tensor) -> Any:
        """Return the context with another text, in force from the next block on."""

    def denoise(self, latents: Tensor, sigma: float, context: Any) -> Tensor:
        """Predict x0 (1, F, C, h, w) without gradients, and with the model's guidance if any."""

    def commit(self, latents: Tensor, context: Any) -> Any:
        """Return a context extended by these clean latents; the given one is unchanged."""

    def read(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        layers: Sequence[int] = (),
        filters: Sequence[LowPassFilter | None] = (None,),
        *,
        predict: bool = False,
        window: int | None = None,
    ) -> Reading:
        """Compute tapped features and the clean prediction of a noisy block, in one pass.

        Features are self-attention outputs before the output projection. Keys and values of the
        tapped layers are constants to their gradient, which flows through the queries (Section
        4.2.1). Everything is differentiable in `latents`, and `context` is unchanged. Layers above
        the last tapped one run only if `predict` is set.

        Args:
            latents: Noisy latents of the block, (1, frames, channels, height, width).
            sigma: Noise level in [0, 1].
            context: The committed blocks before this one.
            layers: Tapped layers, counted from 0.
            filters: Features are computed under each of them: a low-pass of rotated keys, and
                values, of the tapped layers (Eq. 7), or None. It maps (1, frames, rows, columns,
                channels) to the same shape along axes 2 and 3, and is hashable, as a cache key.
            predict: If set, predict the clean latents x0 of this pass, without guidance.
            window: Latent frames that the block attends to in this pass, its own and the sink
                included, if fewer than the model's (None). Models without a past ignore it.

        Raises:
            TypeError: Another model's context, a filter that is no function, another window.
            ValueError: Latents that do not fit or are not finite; a noise level out of range;
                layers that the model lacks, or none without a prediction; a filter that changes
                shapes; a window too short for the sink and a block.
        """

    def decode(self, latents: Tensor, state: Any = None) -> tuple[NDArray[np.uint8], Any]:
        """Return frames uint8 (T, H, W, 3) and the decoder state for the next block.

        In `Stream.run(..., overlap=True)` it runs on a thread beside `denoise` and `commit`.
        """

    def encode_image(self, image: NDArray[np.uint8]) -> Tensor:
        """Encode `image` uint8 (H, W, 3) as a whole first block (1, F, C, h, w)."""

    def fingerprint(self) -> str:
        """Return a digest of weights and config, for archives."""
