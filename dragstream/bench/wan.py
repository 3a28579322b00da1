"""Seconds and memory of a Wan's passes, compared with the released procedure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.bench.measure import (
    Call,
    Spread,
    alternate,
    central_drag,
    clock_of,
    comparison,
    working_bytes,
)
from dragstream.bench.procedure import ReleasedProcedure, decode_again
from dragstream.drags import regions
from dragstream.drags.checks import check_int
from dragstream.method.block_drags import BlockDrag, Reference
from dragstream.method.optimization import LatentOptimization
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings
from dragstream.models.wan.model import Wan
from dragstream.stream.records import Block
from dragstream.stream.stream import Stream


def filled_stream(model: Wan) -> Stream:
    """A stream with enough blocks to fill the attention window."""
    stream = Stream(model, "a benchmark", undo=1)
    window, block = model.wan.config.window, model.spec.frames_per_block
    for _ in range(1 if window is None else -(-window // block)):
        stream.step()
    return stream


class FilledModel:
    """A model, and a stream of it with a full attention window."""

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
        """Generate a plain block, from noise to pixels, on a fork."""
        return self.stream.fork().step()

    def dragged(self, iterations: int) -> Block:
        """Generate a block with that many iterations of a drag, on a fork."""
        settings = DragSettings.paper(iterations=iterations)
        (block,) = self.stream.fork().animate([self.measured], settings=settings)
        return block

    def drag(
        self, settings: DragSettings, keep: NDArray[np.bool_] | None = None
    ) -> LatentOptimization:
        """The optimisation of a drag; `next` runs an iteration, the first one with the targets."""
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


Progress = Callable[[str], None]
"""Called with the name of the next measurement."""


@dataclass(frozen=True)
class Row:
    """One measurement."""

    name: str
    seconds: Spread  # of this package
    released_seconds: Spread  # of the released procedure
    ratio: Spread  # released over own seconds of neighbouring runs
    peak_bytes: int  # working memory of this package
    released_peak_bytes: int  # working memory of the released procedure


@dataclass(frozen=True)
class WanReport:
    """All measurements of a model."""

    model: str  # the release
    layers: int  # transformer layers
    channels: int  # of a token
    frame: tuple[int, int]  # (width, height) in pixels
    tokens: int  # tokens of a block
    context_tokens: int  # tokens of the past that it attends to
    device: str  # name of the GPU, or "CPU"
    dtype: str  # dtype of the weights
    clock: str  # kind of seconds: "wall" or "processor"
    rows: tuple[Row, ...]  # the measurements

    def table(self) -> str:
        """Format the measurements as a table of text; seconds are medians."""
        width, height = self.frame
        title = (
            f"{self.model}, {self.layers} layers of {self.channels}, {width}x{height}: "
            f"{self.tokens} tokens a block, {self.context_tokens} before it; "
            f"{self.dtype} on {self.device}, {self.clock} seconds"
        )
        heads = f"{'':<24}{'seconds':>9}{'released':>10}{'ratio':>7}{'least':>7}{'most':>7}"
        lines = [title, f"{heads}{'MiB':>9}{'released':>10}"]
        lines += [
            f"{row.name:<24}{row.seconds.median:>9.3f}{row.released_seconds.median:>10.3f}"
            f"{row.ratio.median:>7.2f}{row.ratio.least:>7.2f}{row.ratio.most:>7.2f}"
            f"{row.peak_bytes / 2**20:>9.0f}{row.released_peak_bytes / 2**20:>10.0f}"
            for row in self.rows
        ]
        return "\n".join(lines)


class WanBenchmark:
    """A model with a full attention window, and the released procedure for the same block."""

    def __init__(self, model: Wan, *, pairs: int = 3, progress: Progress | None = None) -> None:
        self.model = model
        self.pairs = check_int(pairs, "pairs", least=1)
        self._progress = progress or (lambda _: None)
        self._progress("filling the window")
        self.filled = FilledModel(model)
        spec = model.spec
        self.released = ReleasedProcedure(
            model.wan,
            self.filled.context,
            layers=spec.layers,
            sigmas=spec.sigmas,
            denoising_step=spec.denoising_step,
            learning_rate=spec.learning_rate,
            filters=[low for low in DragSettings.released().low_passes if not low.is_identity],
        )
        shape = (1, 1, 1, spec.grid.latent_height, spec.grid.latent_width)
        self.keep = torch.ones(shape, device=model.device)
        # the references
        self.released.generate(self.filled.noisy, spec.sigmas[spec.denoising_step])

    def measure(self, iterations: Sequence[int] = (2, 3, 4)) -> WanReport:
        """Measure iterations, decoding, a plain block and dragged blocks."""
        rows = [self.iteration(), self.released_iteration(), self.decode(), self.block(0)]
        rows += [self.block(count) for count in iterations]
        spec, wan = self.model.spec, self.model.wan
        cuda = self.model.device.type == "cuda"
        tokens = spec.grid.token_height * spec.grid.token_width
        return WanReport(
            model=spec.name,
            layers=spec.num_layers,
            channels=wan.config.channels,
            frame=(spec.grid.width, spec.grid.height),
            tokens=tokens * spec.frames_per_block,
            context_tokens=self.filled.context_tokens,
            device=torch.cuda.get_device_name() if cuda else "CPU",
            dtype=str(self.model.wan.transformer.dtype).removeprefix("torch."),
            clock="wall" if cuda else "processor",
            rows=tuple(rows),
        )

    def iteration(self) -> Row:
        """One iteration of a drag with the paper's settings, references given."""
        return self._iteration("iteration", DragSettings.paper())

    def released_iteration(self) -> Row:
        """One iteration of a drag with the released settings and a region to keep."""
        grid = self.model.spec.grid
        keep = np.zeros((grid.height, grid.width), dtype=np.bool_)
        keep[: grid.height // 6] = True
        return self._iteration("iteration, released()", DragSettings.released(), keep)

    def _iteration(
        self, name: str, settings: DragSettings, keep: NDArray[np.bool_] | None = None
    ) -> Row:
        enough = dataclasses.replace(settings, iterations=2 * self.pairs + 3)
        run = self.filled.drag(enough, keep)
        next(run)  # computes the targets, too
        noisy, reference = self.filled.noisy, self.released.recorded[None]
        return self._row(
            name, lambda: next(run), lambda: self.released.iteration(noisy, reference, self.keep)
        )

    def decode(self) -> Row:
        """Decode a block; the release decodes it together with the block before."""
        vae, latents = self.model.vae, self.filled.latents
        return self._row(
            "decoding", self.filled.decode, lambda: decode_again(vae, latents, latents)
        )

    def block(self, iterations: int) -> Row:
        """A block from noise to pixels, with that many iterations; 0 is a plain one."""
        # as many different filters as a drag of that length may draw
        choices = DragSettings.paper().low_passes
        drawn = [choices[index % len(choices)] for index in range(iterations)]
        filters = [None if low.is_identity else low for low in drawn]
        latents = self.filled.latents

        def own() -> object:
            return self.filled.dragged(iterations) if iterations else self.filled.plain()

        def released() -> Tensor:
            x0 = self.released.block(latents, filters, self.keep)
            decode_again(self.model.vae, latents, x0)
            return x0

        return self._row(
            f"block, {iterations} iterations" if iterations else "plain block", own, released
        )

    def _row(self, name: str, own: Call, released: Call) -> Row:
        """Measure both, in alternation."""
        self._progress(name)
        device = self.model.device
        peaks = working_bytes(own, device), working_bytes(released, device)  # warms up, too
        found = comparison(alternate((own, released), self.pairs, clock_of(device)))
        return Row(name, found.own, found.other, found.ratio, *peaks)
