"""Seconds and memory of a Wan's passes, beside the released procedure in the same run."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dragstream.bench.measure import seconds, synchronize
from dragstream.bench.procedure import ReleasedProcedure, decode_again
from dragstream.drags import regions
from dragstream.drags.checks import check_int
from dragstream.drags.motions import Drag, Translation
from dragstream.method.block_drags import BlockDrag, Reference
from dragstream.method.optimization import LatentOptimization
from dragstream.method.problem import DragProblem
from dragstream.method.settings import DragSettings
from dragstream.models.rehearsal import Meter
from dragstream.models.wan.model import Wan
from dragstream.models.wan.release import Release
from dragstream.models.wan.releases import RELEASES
from dragstream.models.wan.sizes import SIZES, Sizes
from dragstream.stream.stream import Stream

Progress = Callable[[str], None]
"""Called with the name of the next measurement."""

_PULL = 12.0
"""Pixels of the measured drag: one segment."""


@dataclass(frozen=True)
class Row:
    """One thing measured; seconds are medians.

    Args:
        name: What it is.
        seconds: Here.
        released_seconds: By the released procedure.
        ratio: The middle of the ratios of neighbouring runs.
        peak_bytes: Working memory here, beside what is there before.
        released_peak_bytes: By the released procedure.
    """

    name: str
    seconds: float
    released_seconds: float
    ratio: float
    peak_bytes: int
    released_peak_bytes: int


@dataclass(frozen=True)
class WanReport:
    """The measurement.

    Args:
        model: The release.
        layers: Transformer layers.
        channels: Of a token.
        frame: (width, height) in pixels.
        tokens: Tokens of a block.
        context_tokens: Tokens of the past that it sees.
        device: Where.
        dtype: Of the weights.
        clock: What the seconds are: "wall", or "processor" where other programs share it.
        rows: The measurements.
    """

    model: str
    layers: int
    channels: int
    frame: tuple[int, int]
    tokens: int
    context_tokens: int
    device: str
    dtype: str
    clock: str
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)

    def table(self) -> str:
        """The measurements in lines."""
        width, height = self.frame
        title = (
            f"{self.model}, {self.layers} layers of {self.channels}, {width}x{height}: "
            f"{self.tokens} tokens a block, {self.context_tokens} before it; "
            f"{self.dtype} on {self.device}, {self.clock} seconds"
        )
        lines = [
            title,
            f"{'':<24}{'seconds':>9}{'released':>10}{'ratio':>7}{'MiB':>9}{'released':>10}",
        ]
        lines += [
            f"{row.name:<24}{row.seconds:>9.3f}{row.released_seconds:>10.3f}{row.ratio:>7.2f}"
            f"{row.peak_bytes / 2**20:>9.0f}{row.released_peak_bytes / 2**20:>10.0f}"
            for row in self.rows
        ]
        return "\n".join(lines)


def random_wan(
    name: str = "self-forcing",
    *,
    layers: int | None = None,
    heads: int | None = None,
    height: int | None = None,
    width: int | None = None,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Wan:
    """A released model with random weights, in full or smaller; needs no files.

    Args:
        name: One of the causal releases.
        layers: Transformer layers; None for all.
        heads: Attention heads, which feed-forward networks and VAE follow; None for all.
        height: Pixels; None for the release's.
        width: Pixels.
        device: Where it works.
        dtype: Of the weights.

    Raises:
        ValueError: Fewer layers than the tapped ones, more heads than the release has, or a model
            that makes its clip in one block.
    """
    release = RELEASES.get(name)
    if release is None or release.guidance is not None:
        causal = [known for known, other in RELEASES.items() if other.guidance is None]
        raise ValueError(f"the model must be one of {', '.join(causal)}, got {name!r}")
    changes = {"height": height, "width": width}
    release = release.changed({key: value for key, value in changes.items() if value is not None})
    sizes = _reduced(SIZES[release.base], layers, heads)
    torch.manual_seed(0)
    return _assembled(release, sizes, device, dtype)


def _reduced(sizes: Sizes, layers: int | None, heads: int | None) -> Sizes:
    transformer = dict(sizes.transformer)
    full, most = transformer["num_heads"], transformer["num_layers"]
    heads = full if heads is None else check_int(heads, "heads", least=1)
    layers = most if layers is None else check_int(layers, "layers", least=1)
    if heads > full or layers > most:
        raise ValueError(f"there are {most} layers and {full} heads, got {layers} and {heads}")
    transformer |= {
        "num_layers": layers,
        "num_heads": heads,
        "ffn_dim": transformer["ffn_dim"] * heads // full,
    }
    vae = dict(sizes.vae)
    if heads < full:
        vae["base_dim"] = max(8, 96 * heads // full // 8 * 8)
    return dataclasses.replace(sizes, transformer=transformer, vae=vae)


def _assembled(release: Release, sizes: Sizes, device: str, dtype: torch.dtype) -> Wan:
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    from dragstream.models.causal_wan import CausalWan
    from dragstream.models.wan.vae import VideoAutoencoder

    config = sizes.causal(release.causal)
    with torch.device(device):
        wan = CausalWan(config).to(dtype).eval()
        vae = VideoAutoencoder(AutoencoderKLWan.from_config(dict(sizes.vae)))
        torch.nn.Module.to(vae, dtype)
    wan.requires_grad_(requires_grad=False)

    def text(prompt: str) -> Tensor:
        generator = torch.Generator().manual_seed(len(prompt))
        return torch.randn(1, release.tokens, config.text_dim, generator=generator)

    return Wan(release.spec(config, factors=vae.factors), wan, vae, text)


class WanBenchmark:
    """One model, its window filled, and the released procedure beside it.

    Args:
        model: What generates.
        pairs: How often each thing is measured, in alternation.
        progress: Called with the name of the next measurement.
    """

    def __init__(self, model: Wan, *, pairs: int = 3, progress: Progress | None = None) -> None:
        self.model = model
        self.pairs = check_int(pairs, "pairs", least=1)
        self._progress = progress or (lambda _: None)
        self.cuda = model.device.type == "cuda"
        self._progress("filling the window")
        self.stream = Stream(model, "a benchmark", undo=1)
        self._fill()
        block = self.stream.blocks[-1]
        spec, cache = model.spec, self.stream._cache  # noqa: SLF001 - its memory is measured
        state = self.stream._state  # noqa: SLF001
        self.context = cache.context(state, len(state.blocks), block.prompt)
        self.decoder = cache.decoder(state, len(state.blocks))
        self.before = cache.context(state, len(state.blocks) - 1, block.prompt)
        self.latents = block.latents[None].to(model.device)
        self.noisy = block.noisy[spec.denoising_step][None].to(model.device)
        self.released = ReleasedProcedure(
            model.wan,
            self.context,
            layers=spec.layers,
            sigmas=spec.sigmas,
            denoising_step=spec.denoising_step,
            learning_rate=spec.learning_rate,
            filters=[low for low in DragSettings.released().low_passes if not low.is_identity],
        )
        grid = spec.grid
        shape = (1, 1, 1, grid.latent_height, grid.latent_width)
        self.keep = torch.ones(shape, device=model.device)
        self.released.generate(self.noisy, spec.sigmas[spec.denoising_step])  # the references
        centre = (grid.width / 2, grid.height / 2)
        self.disc = regions.disc(center=centre, radius=min(grid.width, grid.height) / 6)

    def _fill(self) -> None:
        """Commit blocks until the past in sight is as long as it gets."""
        config, spec = self.model.wan.config, self.model.spec
        count = 1 if config.window is None else -(-config.window // spec.frames_per_block)
        for _ in range(count):
            self.stream.step()

    def measure(self, iterations: Sequence[int] = (2, 3, 4)) -> WanReport:
        """Everything: a plain block, an iteration, dragged blocks, decoding."""
        rows = [self.iteration(), self.released_iteration(), self.decode(), self.block(0)]
        rows += [self.block(count) for count in iterations]
        spec, wan = self.model.spec, self.model.wan
        tokens = spec.grid.token_height * spec.grid.token_width
        ranges = self.context.visible_ranges(wan.config, spec.frames_per_block)
        return WanReport(
            model=spec.name,
            layers=spec.num_layers,
            channels=wan.config.channels,
            frame=(spec.grid.width, spec.grid.height),
            tokens=tokens * spec.frames_per_block,
            context_tokens=tokens * sum(stop - start for start, stop in ranges),
            device=torch.cuda.get_device_name() if self.cuda else "CPU",
            dtype=str(self.model.wan.transformer.dtype).removeprefix("torch."),
            clock="wall" if self.cuda else "processor",
            rows=tuple(rows),
        )

    def iteration(self) -> Row:
        """One iteration of a drag as the paper has it, with given references."""
        return self._iteration("iteration", DragSettings.paper())

    def released_iteration(self) -> Row:
        """One iteration of a drag with the released settings, something being kept."""
        grid = self.model.spec.grid
        keep = np.zeros((grid.height, grid.width), dtype=np.bool_)
        keep[: grid.height // 6] = True
        return self._iteration("iteration, released()", DragSettings.released(), keep)

    def _iteration(
        self, name: str, settings: DragSettings, keep: NDArray[np.bool_] | None = None
    ) -> Row:
        run = self._run(dataclasses.replace(settings, iterations=2 * self.pairs + 3), keep)
        next(run)  # takes longer than the others: it computes the targets
        reference = self.released.recorded[None]

        def released() -> Tensor:
            return self.released.iteration(self.noisy, reference, self.keep)

        return self._row(name, lambda: next(run), released)

    def decode(self) -> Row:
        """A block to pixels; the release decodes the block before once more."""
        vae = self.model.vae
        return self._row(
            "decoding",
            lambda: vae.decode(self.latents, self.decoder),
            lambda: decode_again(vae, self.latents, self.latents),
        )

    def block(self, iterations: int) -> Row:
        """A block from noise to pixels, with that many iterations; 0 is a plain one."""
        settings = DragSettings.paper(iterations=iterations)
        drags = [Drag(self.disc, Translation.by(_PULL, 0.0))]
        # as many different filters as a drag of that length may draw
        choices = settings.low_passes
        drawn = [choices[index % len(choices)] for index in range(iterations)]
        filters = [None if low.is_identity else low for low in drawn]

        def own() -> object:
            branch = self.stream.fork()
            return branch.step() if not iterations else branch.animate(drags, settings=settings)

        def released() -> object:
            x0 = self.released.block(self.latents, filters, self.keep)
            return decode_again(self.model.vae, self.latents, x0)

        return self._row(
            f"block, {iterations} iterations" if iterations else "plain block", own, released
        )

    def _run(self, settings: DragSettings, keep: NDArray[np.bool_] | None) -> LatentOptimization:
        spec = self.model.spec
        mask = regions.rasterise(self.disc, spec.grid.height, spec.grid.width)
        count = spec.frames_per_block
        reference = Reference(self.noisy, spec.sigmas[spec.denoising_step], self.before, count - 1)
        fractions = tuple((frame + 1) / count for frame in range(count))
        drag = BlockDrag(reference, mask, Translation.by(_PULL, 0.0), fractions)
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

    def _row(self, name: str, own: Callable[[], object], released: Callable[[], object]) -> Row:
        """Measure both, in alternation."""
        self._progress(name)
        peaks = self._peak(own), self._peak(released)  # and both are warm
        # On a GPU the time that passes; on a CPU, which others use too, what the call took.
        clock = time.perf_counter if self.cuda else time.process_time
        pairs = []
        for turn in range(self.pairs):
            order = (own, released) if turn % 2 == 0 else (released, own)
            found = {call: seconds(call, clock) for call in order}
            pairs.append((found[own], found[released]))
        mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(theirs / mine for mine, theirs in pairs)
        return Row(name, mine, theirs, ratio, *peaks)

    def _peak(self, call: Callable[[], object]) -> int:
        if not self.cuda:
            with Meter() as meter:
                call()
            return int(meter.peak)
        synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        synchronize()
        return int(torch.cuda.max_memory_allocated() - before)
