"""The checked arguments of a drag call (`Request`), and the plan of each block (`BlockPlan`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Drag, Motion, fraction_at, validate
from dragstream.drags.motions.drag import check_reach
from dragstream.drags.regions import rasterise
from dragstream.drags.shapes import Region, Shape, as_shape
from dragstream.method.base import DragMethod
from dragstream.method.block_drags import BlockDrag, Reference
from dragstream.method.dispatch import has_optimizer
from dragstream.method.iteration import Iteration
from dragstream.method.settings import DragSettings
from dragstream.models.base import ModelSpec
from dragstream.stream.reader import StreamReader
from dragstream.stream.records import Block, Mode
from dragstream.stream.state import ContextCache, State, trailing

Callback = Callable[[Iteration], Any]
References = dict[tuple[int, int, int], Reference]
"""References by denoising step, block and latent frame."""


@dataclass(frozen=True, eq=False)
class Request:
    """The checked arguments of one edit or animate."""

    drags: tuple[Drag, ...]
    keep: Shape | None
    settings: DragMethod
    callback: Callback | None

    @classmethod
    def of(
        cls,
        stream: StreamReader,
        drags: Sequence[Drag],
        keep: Region | None,
        settings: DragMethod | None,
        callback: Callback | None = None,
    ) -> Request:
        """Check all arguments before anything is computed."""
        spec, blocks = stream.model.spec, stream.blocks
        masks = validate(drags, keep, spec.grid.height, spec.grid.width)
        for index, (drag, mask) in enumerate(zip(drags, masks, strict=True)):
            check_reach(f"drags[{index}]", drag.motion, mask)
            if drag.source is not None and drag.source.block >= len(blocks):
                raise ValueError(
                    f"drags[{index}]: its memory is of block {drag.source.block}, "
                    f"but the stream has blocks 0 to {len(blocks) - 1}"
                )
        if not (callback is None or callable(callback)):
            raise TypeError(f"callback must be callable or None, got {callback!r}")
        resolved = resolved_method(settings, spec)
        return cls(tuple(drags), None if keep is None else as_shape(keep), resolved, callback)

    @property
    def step(self) -> int:
        """The denoising step whose noisy latents are optimised."""
        return self.settings.denoising_step or 0  # resolved, so never None


def resolved_method(settings: DragMethod | None, spec: ModelSpec) -> DragMethod:
    """A method with a model's defaults; None means `DragSettings()`.

    Raises:
        TypeError: No method, or one without an optimiser.
        ValueError: Settings that the model cannot follow.
    """
    known = isinstance(settings, DragMethod) and has_optimizer(settings)
    if not (settings is None or known):
        raise TypeError(
            f"settings must be DragSettings, another DragMethod (see `create_optimizer`) or "
            f"None, got {settings!r}"
        )
    return (settings or DragSettings()).resolve(spec)


@dataclass(frozen=True, eq=False)
class BlockPlan:
    """The drags of one block of a request, with all that the method needs."""

    request: Request
    drags: tuple[BlockDrag, ...]
    keep: NDArray[np.bool_] | None
    neighbours: torch.Tensor | None
    """Noisy latents (N, C, h, w) of the latent frames before the block, at the drags' step, newest
    last; None in the first block."""

    def at(self, step: int) -> BlockPlan | None:
        """Itself at its denoising step, None at others: see `generate`."""
        return self if step == self.request.step else None


@dataclass(frozen=True, eq=False)
class LateDrags:
    """Drags of one block that are decided only at their denoising step."""

    request_at: Callable[[int], Request | None]
    """Called before each denoising step, until it returns a request, which acts at this step."""
    prediction_blocks: int
    """`prediction_blocks` of the request's settings, needed from the first step on."""
    references: References
    """Cache of the drags' references, see `plan_block`."""


@dataclass(frozen=True)
class MotionSchedule:
    """The time of a block within a motion, in latent frames."""

    frames: int
    """Latent frames of the block."""
    before: int = 0
    """Latent frames of the drag before the block."""
    total: int | None = None
    """Latent frames of the whole drag; None for an edit, which drives only the block's last frame,
    to the end of the motion."""
    reference: int = -1
    """The latent frame of the newest block that is the drags' reference; -1 for the last."""

    @classmethod
    def of(cls, block: Block) -> MotionSchedule:
        """The schedule of a dragged block."""
        count = len(block.latents)
        if block.mode is Mode.EDIT:
            return cls(count)
        part, parts = block.part
        return cls(count, part * count, parts * count)

    def fractions(self, motion: Motion) -> tuple[float | None, ...]:
        """The fraction of a motion at each latent frame of the block; None: not driven."""
        if self.total is None:
            return (None,) * (self.frames - 1) + (1.0,)
        return tuple(self._reached(motion, self.before + n + 1) for n in range(self.frames))

    def start(self, motion: Motion) -> float:
        """The fraction of a motion at the latent frame before the block."""
        return self._reached(motion, self.before)

    def _reached(self, motion: Motion, frame: int) -> float:
        return fraction_at(motion, frame, self.total) if self.total else 0.0


@dataclass(frozen=True)
class ReentryMotion(Motion):
    """The motion of a remembered object that re-enters the frame (Appendix R)."""

    origin: Affine
    motion: Motion

    def displacement(self, fraction: float, mask: NDArray[np.bool_]) -> tuple[float, float]:
        """(pixels, degrees) of the motion alone, without the shift to its start."""
        return self.motion.displacement(fraction, mask)

    def at(self, fraction: float) -> Affine:
        """The map from the remembered frame's pixels to the target's."""
        return self.origin.then(self.motion.at(fraction))

    def partway(self, fraction: float, share: float) -> Affine:
        """The map from the remembered frame's pixels to a share of the displacement."""
        return self.origin.then(self.motion.partway(fraction, share))


def plan_block(  # noqa: PLR0917
    request: Request,
    cache: ContextCache,
    state: State,
    origin: State,
    schedule: MotionSchedule,
    references: References | None = None,
) -> BlockPlan:
    """The method's input for the block that follows ``state``.

    The reference of drags is the newest latent frame of ``origin`` (the paper's frame k) unless
    the schedule names another; with a memory, it is the last latent frame of the remembered block.
    ``references`` caches references between calls whose blocks do not change; each holds the
    model's context before its block.
    """
    spec, settings = cache.model.spec, request.settings
    size = spec.grid.height, spec.grid.width
    references = {} if references is None else references
    drags, newest = [], len(origin.blocks) - 1
    for drag in request.drags:
        motion: Motion = drag.motion
        fractions, start = schedule.fractions(motion), schedule.start(motion)
        if drag.source is None:
            key = request.step, newest, schedule.reference
            mask = drag.mask(*size)
        else:
            key = request.step, drag.source.block, -1
            mask = motion.handle(rasterise(drag.source.region, *size))
            motion = ReentryMotion(drag.origin(*size), motion)
        if key not in references:  # equal references share the model's passes
            references[key] = _reference(cache, origin, *key)
        drags.append(BlockDrag(references[key], mask, motion, fractions, start))
    recent = state.blocks[-settings.neighbours :]
    neighbours = trailing([block.noisy[request.step] for block in recent], settings.neighbours)
    return BlockPlan(
        request,
        tuple(drags),
        None if request.keep is None else rasterise(request.keep, *size),
        None if neighbours is None else cache.to_model(neighbours)[0],
    )


def _reference(cache: ContextCache, state: State, step: int, index: int, frame: int) -> Reference:
    """A latent frame of a block with its noise of a denoising step, and the context before it."""
    block = state.blocks[index]
    return Reference(
        cache.to_model(block.noisy[step]),
        cache.model.spec.sigmas[step],
        cache.context(state, index, block.prompt),
        frame % len(block.latents),
        cache.to_model(block.latents)[0, frame],
    )
