"""A model whose window is full, and the calls of it that are timed: `FilledModel`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from dragstream.bench.measure import central_drag
from dragstream.drags import regions
from dragstream.method.block_drags import BlockDrag, Reference
from dragstream.method.optimization import LatentOptimization
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings
from dragstream.models.wan.model import Wan
from dragstream.stream.records import Block
from dragstream.stream.stream import Stream


def filled_stream(model: Wan) -> Stream:
    """A stream of as many blocks as its past needs to get as long as it ever gets."""
    stream = Stream(model, "a benchmark", undo=1)
    window, block = model.wan.config.window, model.spec.frames_per_block
    for _ in range(1 if window is None else -(-window // block)):
        stream.step()
    return stream


class FilledModel:
    """A model, and a stream of it whose past is as long as it ever gets."""

    def __init__(self, model: Wan) -> None:
        self.model = model
        self.stream = filled_stream(model)
        spec, count = model.spec, len(self.stream.blocks)
        block = self.stream.blocks[-1]
        cache, state = self.stream._cache, self.stream._state  # noqa: SLF001 - its memory is measured
        self.context = cache.context(state, count, block.prompt)
        self.decoder = cache.decoder(state, count)
        self.before = cache.context(state, count - 1, block.prompt)
        self.latents = block.latents[None].to(model.device)
        self.noisy = block.noisy[spec.denoising_step][None].to(model.device)
        self.measured = central_drag(spec.grid, 1 / 6)

    @property
    def context_tokens(self) -> int:
        """Tokens of the past that a block attends to."""
        spec = self.model.spec
        ranges = self.context.visible_ranges(self.model.wan.config, spec.frames_per_block)
        tokens = spec.grid.token_height * spec.grid.token_width
        return int(tokens * sum(stop - start for start, stop in ranges))

    def plain(self) -> Block:
        """Generate a plain block, from noise to pixels, on a branch that is dropped."""
        return self.stream.fork().step()

    def dragged(self, iterations: int) -> Block:
        """Generate a block with that many iterations of a drag, on a branch that is dropped."""
        settings = DragSettings.paper(iterations=iterations)
        (block,) = self.stream.fork().animate([self.measured], settings=settings)
        return block

    def drag(
        self, settings: DragSettings, keep: NDArray[np.bool_] | None = None
    ) -> LatentOptimization:
        """The optimisation of a drag; `next` runs an iteration.

        The first one takes longer than the others, since it computes the targets.
        """
        spec = self.model.spec
        mask = regions.rasterise(self.measured.region, spec.grid.height, spec.grid.width)
        count = spec.frames_per_block
        reference = Reference(self.noisy, spec.sigmas[spec.denoising_step], self.before, count - 1)
        fractions = tuple((frame + 1) / count for frame in range(count))
        drag = BlockDrag(reference, mask, self.measured.motion, fractions)
        problem = DragProblem(
            self.model,
            self.noisy,
            self.context,
            (drag,),
            keep,
            self.noisy[0],
            torch.Generator().manual_seed(0),
        )
        return LatentOptimization(settings, problem)

    def decode(self) -> object:
        """Decode the newest block again, after the ones before it."""
        return self.model.decode(self.latents, self.decoder)
