"""Features F of Eq. 3: those of the dragged block, and of its references (Eq. 5-8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dragstream.method.block_drags import BlockDrag
from dragstream.method.parts import FrequencyView
from dragstream.method.target_cells import enlarge
from dragstream.models.base import VideoModel


@dataclass(frozen=True, eq=False)
class Maps:
    """Feature maps and, optionally, the clean prediction of a block from one pass."""

    features: Tensor  # features of all layers, concatenated, (F, rows, columns, channels)
    predictions: Tensor | None = None  # x0, (F, h, w, C); None if it was not computed

    def detach(self) -> Maps:
        """Return the maps without their graph."""
        predictions = None if self.predictions is None else self.predictions.detach()
        return Maps(self.features.detach(), predictions)


@dataclass(frozen=True, eq=False)
class MapReader:
    """Reads the maps of blocks from a model."""

    model: VideoModel
    layers: Sequence[int]
    """Indices of the layers whose self-attention outputs are the features, from 0."""
    upsampling: int = 1  # cells per token along each axis
    corners: bool = False  # upsample with aligned corners, see `target_cells.enlarge`
    window: int | None = None  # latent frames that a block attends to, see `VideoModel.read`

    def __call__(
        self,
        latents: Tensor,
        sigma: float,
        context: Any,
        views: Sequence[FrequencyView | None] = (None,),
        *,
        predict: bool = False,
    ) -> list[Maps]:
        """Compute the maps of noisy latents (1, F, C, h, w) under each view, in one pass."""
        filters = [None if view is None or view.is_identity else view for view in views]
        found = self.model.read(
            latents, sigma, context, self.layers, filters, predict=predict, window=self.window
        )
        clean = None if found.x0 is None else found.x0[0].float().movedim(1, -1)
        return [Maps(self._features(taps), clean) for taps in found.taps]

    def _features(self, taps: dict[int, Tensor]) -> Tensor:
        maps = torch.cat([taps[layer] for layer in self.layers], dim=-1)[0].float()
        return enlarge(maps, self.upsampling, corners=self.corners)


@dataclass(frozen=True, eq=False)
class References:
    """Maps of the drags' reference frames, read before the first iteration."""

    features: tuple[dict[FrequencyView, Tensor], ...]
    """For each drag, F_ref of its frame under each view, (rows, columns, channels)."""
    predictions: tuple[Tensor, ...] = ()
    """For each drag, x0 of its frame, (h, w, C); empty if it was not computed."""

    @classmethod
    def read(
        cls,
        reader: MapReader,
        drags: Sequence[BlockDrag],
        views: Sequence[FrequencyView],
        *,
        predict: bool = False,
    ) -> References:
        """Read the references, without gradients, in one pass for each distinct block.

        Keys and values of the tapped layers are low-passed, queries are not (Eq. 5-8). Nothing is
        read if there are no views; with `predict`, clean predictions are read as well.
        """
        views = tuple(dict.fromkeys(views))
        read: dict[tuple[int, int, float], list[Maps]] = {}
        features: list[dict[FrequencyView, Tensor]] = []
        predictions: list[Tensor] = []
        for reference in (drag.reference for drag in drags if views):
            where = reference.latents, reference.sigma, reference.context
            key = id(reference.latents), id(reference.context), reference.sigma
            if key not in read:
                with torch.inference_mode(mode=False), torch.no_grad():
                    read[key] = reader(*where, views, predict=predict)
            maps, frame = read[key], reference.frame
            shown = [each.features[frame] for each in maps]
            features.append(dict(zip(views, shown, strict=True)))
            if maps[0].predictions is not None:
                predictions.append(maps[0].predictions[frame])
        return cls(tuple(features), tuple(predictions))
