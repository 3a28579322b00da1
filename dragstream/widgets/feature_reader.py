"""`FeatureReader`: cached feature maps of a stream's blocks, assembled into a `FeatureFrame`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dragstream.drags.motions import Drag
from dragstream.drags.shapes import Region
from dragstream.method.settings import DragSettings
from dragstream.stream.drag_targets import DragTargets, block_targets, planned_targets
from dragstream.widgets.feature_picture import Colouring, FeatureFrame

if TYPE_CHECKING:
    from dragstream.stream.records import Block
    from dragstream.stream.stream import Stream

_CACHED = 4
"""Blocks whose features are cached: as they are and low-passed, before and after."""

Maps = NDArray[np.float32]
PlannedDrags = tuple[tuple[Drag, ...], Region | None, DragSettings | None]


class FeatureReader:
    """Reads the features of a stream's blocks and caches the last few of them."""

    def __init__(self, stream: Stream) -> None:
        if not hasattr(stream, "features"):
            raise TypeError(f"FeatureView takes a stream, got {type(stream).__name__}")
        self.stream = stream
        self._cache: OrderedDict[tuple[Block, int | None, float | None], Maps] = OrderedDict()

    @property
    def count(self) -> int:
        """Latent frames in the stream."""
        blocks = self.stream.blocks
        return sum(len(block.latents) for block in blocks[-1:]) * len(blocks)

    def feature_frame(
        self, frame: int, layer: int | None, cutoff: float, plan: PlannedDrags, **appearance: Any
    ) -> FeatureFrame:
        """The features of a latent frame, with the targets of its drags."""
        blocks = self.stream.blocks
        if not blocks:
            raise ValueError("the stream has no frames yet")
        index, place = divmod(frame, len(blocks[-1].latents))
        block = blocks[min(index, len(blocks) - 1)]
        maps = self.maps(block, layer, None)
        back = (len(block.latents) - 1 - place) * self.stream.model.spec.clock.temporal_factor
        appearance["channel"] = min(appearance["channel"], maps.shape[-1] - 1)
        return FeatureFrame(
            frame=block.frames[max(0, len(block.frames) - 1 - back)],
            block=maps,
            place=place,
            filtered=self.maps(block, layer, cutoff)[place],
            cutoff=cutoff,
            targets=self.targets(block, place, plan if frame == self.count - 1 else None),
            **appearance,
        )

    def targets(self, block: Block, place: int, plan: PlannedDrags | None) -> DragTargets | None:
        """The targets of the planned drags, or else of those that made the block."""
        grid = self.stream.model.spec.grid
        if plan is not None and plan[0]:
            return planned_targets(*plan, grid)
        return block_targets(block, place, grid)

    def maps(self, block: Block, layer: int | None, cutoff: float | None) -> Maps:
        """Features of a block (frames, rows, columns, channels), layers concatenated."""
        key = (block, layer, cutoff)
        if key not in self._cache:
            taps = self.stream.features(block.index, layer, cutoff)
            maps = np.concatenate([tap.numpy() for tap in taps.values()], axis=-1)
            if block not in self.stream.blocks[block.index : block.index + 1]:
                return maps  # perhaps of another block: a live stream's thread may rewind
            self._cache[key] = maps
        self._cache.move_to_end(key)
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return self._cache[key]

    def clear(self) -> None:
        """Empty the cache."""
        self._cache.clear()


def describe(features: FeatureFrame, frame: int, layers: Sequence[int]) -> str:
    """A caption for the features of a latent frame."""
    lost = f"the low-pass takes {100 * float(features.difference.mean()):.0f} % of a feature"
    place = f"Latent frame {frame} (block {frame // len(features.block)})"
    text = f"{place}, layer {', '.join(map(str, layers))}: {lost} on average"
    if features.colouring is Colouring.SIMILARITY:
        text += f"; similar to the token in row {features.token[0]}, column {features.token[1]}"
    return f"{text}."
