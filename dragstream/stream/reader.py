"""`StreamReader`: the read-only part of a stream, from its blocks and frames to its features."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from dragstream.drags.checks import check_int, check_sequence
from dragstream.drags.motions import Memory
from dragstream.drags.regions import rasterise
from dragstream.drags.shapes import Region, as_shape
from dragstream.method.frequency import LowPass
from dragstream.models.base import VideoModel
from dragstream.stream import tables
from dragstream.stream.records import Block
from dragstream.stream.state import ContextCache, State, need_blocks, plain_torch

if TYPE_CHECKING:
    import pandas as pd


class StreamReader:
    """Reads a stream's state, which is one immutable value: safe from any thread.

    `Stream` sets the three attributes, and alone replaces `_state`.
    """

    _seed: int
    _cache: ContextCache
    _state: State

    @property
    def model(self) -> VideoModel:
        """The model that generates the video."""
        return self._cache.model

    @property
    def seed(self) -> int:
        """The seed that all noise derives from."""
        return self._seed

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, oldest first."""
        return self._state.blocks

    @property
    def prediction_blocks(self) -> int:
        """Number of preceding blocks that normalise the predictions of every block."""
        return self._state.prediction_blocks

    @property
    def frames(self) -> NDArray[np.uint8]:
        """The whole video, a fresh array (T, H, W, 3)."""
        grid = self.model.spec.grid
        parts = [block.frames for block in self.blocks]
        empty = np.zeros((0, grid.height, grid.width, 3), np.uint8)
        return np.concatenate([empty, *parts])

    @property
    def latents(self) -> torch.Tensor:
        """All clean latents, a fresh float32 tensor (N, C, h, w) on the CPU."""
        spec = self.model.spec
        shape = (0, spec.latent_channels, spec.grid.latent_height, spec.grid.latent_width)
        empty = torch.zeros(shape, dtype=torch.float32, device="cpu")
        return torch.cat([empty, *(block.latents for block in self.blocks)])

    @property
    def statistics(self) -> pd.DataFrame:
        """One row per drag iteration and per latent frame, see `tables.statistics`."""
        return tables.statistics(self.blocks)

    def __len__(self) -> int:
        """The number of blocks."""
        return len(self.blocks)

    def __bool__(self) -> bool:
        """True, also for a stream without blocks."""
        return True

    def __repr__(self) -> str:
        name, prompt = self.model.spec.name, self._state.prompt
        return f"Stream({name!r}, {prompt!r}, seed={self.seed}, blocks={len(self)})"

    def features(
        self,
        block: int = -1,
        layers: int | Sequence[int] | None = None,
        cutoff: float | None = None,
        step: int | None = None,
    ) -> dict[int, torch.Tensor]:
        """The model's self-attention features of a block, recomputed at each call.

        Args:
            block: Index of the block; negative numbers count from the end.
            layers: Transformer layers from 0; None means those that drags use.
            cutoff: Low-pass keys and values at this frequency in cycles per token, as for
                references (Eq. 7), in (0, 1]; Nyquist is 0.5. None filters nothing.
            step: The denoising step whose noisy latents are read; None means the one at
                which drags work.

        Returns:
            {layer: (F, token rows, token columns, channels)}, detached, on the CPU.

        Raises:
            TypeError: A block, layer or step that is not an integer.
            ValueError: A block, layer or step that does not exist, or a cutoff out of range.
        """
        state, spec = self._state, self.model.spec
        index = _index(block, "block", len(state.blocks))
        wanted = _layers(layers, spec.layers, spec.num_layers)
        at = spec.denoising_step if step is None else _index(step, "step", len(spec.sigmas))
        low_pass = None if cutoff is None else LowPass(cutoff)
        shown = state.blocks[index]
        with plain_torch(), torch.no_grad():
            context = self._cache.context(state, index, shown.prompt)
            latents = self._cache.to_model(shown.noisy[at])
            read = self.model.read(latents, spec.sigmas[at], context, wanted, (low_pass,))
        found = read.taps[0]
        return {layer: found[layer][0].detach().float().cpu() for layer in wanted}

    def remember(self, region: Region) -> Memory:
        """An object's appearance in the newest latent frame, for a later ``Drag(source=...)``.

        With it, an object that has left the frame comes back looking the same (Appendix R).

        Args:
            region: The object's region now: a shape, or a boolean mask (H, W).

        Raises:
            TypeError: A region of another kind.
            ValueError: A region that is empty, of another size or outside the frame, or a stream
                without blocks.
        """
        state = self._state
        need_blocks(state, "remember")
        grid = self.model.spec.grid
        shape = as_shape(region)
        rasterise(shape, grid.height, grid.width)
        return Memory(len(state.blocks) - 1, shape)


def _index(index: int, name: str, count: int) -> int:
    """A checked index into ``count`` values, from 0; negative ones count from the end."""
    if count == 0:
        raise ValueError(f"there is no {name} {index!r}: the stream has no blocks")
    wanted = check_int(index, name, least=-count)
    if wanted >= count:
        raise ValueError(f"{name} must be from {-count} to {count - 1}, got {wanted}")
    return wanted % count


def _layers(
    layers: int | Sequence[int] | None, default: Sequence[int], count: int
) -> tuple[int, ...]:
    """Layer numbers, each between 0 and ``count - 1``."""
    if layers is None:
        return tuple(default)
    wanted = (
        (layers,) if isinstance(layers, Integral) else check_sequence(layers, "layers", "layers")
    )
    numbers = tuple(check_int(layer, "layers", least=0) for layer in wanted)
    if max(numbers) >= count:
        raise ValueError(f"layers must be among 0 to {count - 1}, got {layers!r}")
    return numbers
