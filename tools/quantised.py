"""Write the table of docs/memory-and-speed.md on 8 bits: `python tools/quantised.py`.

For each option: how far the prediction of a block lies from that in float32 (root mean square,
relative), and the cosine between the first gradients of a drag. Blocks, noise and drags are those
of the model in float32; the past is computed anew with the option. Models are the packaged one, and
the one of the golden file, whose float32 numbers are the released code's.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

import dragstream as ds
from dragstream.drags import regions
from dragstream.method.block_drags import BlockDrag, Reference
from dragstream.method.optimization import LatentOptimization
from dragstream.method.problem import DragProblem
from dragstream.models.causal_quantised import quantise_layers
from dragstream.models.causal_wan import CausalWan

ROOT = Path(__file__).resolve().parents[1]
PAGE, GOLDEN = ROOT / "docs/memory-and-speed.md", ROOT / "tests/golden"
BEGIN, END = "<!-- quantised: begin -->", "<!-- quantised: end -->"
OPTIONS: tuple[dict[str, str], ...] = (
    {"weights": "int8"},
    {"weights": "fp8"},
    {"kv_cache": "int8"},
    {"weights": "int8", "kv_cache": "int8"},
)


class Deviation(NamedTuple):
    """What an option changes.

    Attributes:
        prediction: Root mean square of the change of x0, relative to that of x0.
        cosine: Cosine between the first gradients of a drag.
    """

    prediction: float
    cosine: float

    @classmethod
    def of(cls, before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor]) -> Deviation:
        """Compare x0 and gradient with those in float32."""
        change = (after[0] - before[0]).norm() / before[0].norm()
        cosine = F.cosine_similarity(before[1].flatten(), after[1].flatten(), dim=0)
        return cls(float(change), float(cosine))


def converted(wan: CausalWan, weights: str | None = None, kv_cache: str | None = None) -> None:
    """Set the options of a transformer, as `ds.load` does."""
    if weights is not None:
        quantise_layers(wan.transformer.blocks, weights)
    wan.int8_cache = kv_cache is not None


def golden(**option: str) -> Deviation:
    """Compare the golden model with the golden numbers of its last block."""
    config = json.loads((GOLDEN / "causal_wan_a.json").read_text(encoding="utf-8"))
    known = load_file(GOLDEN / "causal_wan_a.safetensors")
    wan = CausalWan.from_released(GOLDEN / "causal_wan_a.pt", config)
    converted(wan, **option)
    context = wan.new_context(known["text"])
    for block in known["x0"][:-1, -1]:
        context = wan.commit(block, context)
    noisy, sigma = known["drag.z"].clone().requires_grad_(), config["sigmas"][1]
    taps = wan.read(noisy, sigma, context, config["taps"]).taps[0]
    misfits = [F.mse_loss(tap.flatten(1, 3), known[f"target.{key}"]) for key, tap in taps.items()]
    (gradient,) = torch.autograd.grad(torch.stack(misfits).sum(), noisy)
    x0 = wan.denoise(noisy.detach(), sigma, context)
    return Deviation.of((known["x0"][-1, 1], known["grad"]), (x0, gradient))


def packaged(option: dict[str, str], seeds: tuple[int, ...] = (1, 2, 3, 4)) -> list[Deviation]:
    """Compare the packaged model with itself in float32, over several streams."""
    plain: Any = ds.load("playground")
    model: Any = ds.load("playground")
    converted(model.wan, **option)
    found = []
    for seed in seeds:
        stream = ds.Stream(plain, "a red critter rests beside a blue box in a meadow", seed=seed)
        stream.run(3, progress=False)
        found.append(Deviation.of(_read(plain, stream), _read(model, stream)))
    return found


def _read(model: Any, stream: Any) -> tuple[Tensor, Tensor]:
    """Return x0 of the newest block, and the first gradient of a drag of its object."""
    spec, grid = model.spec, model.spec.grid
    context = model.new_context(model.encode_text(stream.prompt))
    for block in stream.blocks[:-1]:
        context = model.commit(block.latents[None], context)
    noisy = stream.blocks[-1].noisy[spec.denoising_step][None]
    sigma, count = spec.sigmas[spec.denoising_step], spec.frames_per_block
    x0 = model.denoise(noisy, sigma, context)
    disc = ds.regions.disc(center=(grid.width / 2, grid.height / 2), radius=grid.height / 4)
    drag = BlockDrag(
        Reference(noisy, sigma, context, count - 1),
        regions.rasterise(disc, grid.height, grid.width),
        ds.Translation.by(grid.width / 6, 0.0),
        tuple((frame + 1) / count for frame in range(count)),
    )
    drawn = torch.Generator().manual_seed(0)
    problem = DragProblem(model, noisy, context, (drag,), neighbours=noisy[0], generator=drawn)
    step = LatentOptimization(ds.DragSettings(), problem)._advance(0)  # noqa: SLF001 - the gradient
    return x0, step.gradient


def row(option: dict[str, str]) -> str:
    """Measure an option; return its row of the table."""
    code = ", ".join(f'{key}="{value}"' for key, value in option.items())
    first, streams = golden(**option), packaged(option)
    change = max(found.prediction for found in streams)
    lowest = min(found.cosine for found in streams)
    return (
        f"| `{code}` | {100 * first.prediction:.2f} % | {first.cosine:.5f} "
        f"| {100 * change:.2f} % | {lowest:.5f} |"
    )


def main() -> None:
    """Measure all options and replace the table of the page."""
    lines = [
        "| | golden model: x0 | a drag's gradient | packaged model: x0 | a drag's gradient |",
        "|---|--:|--:|--:|--:|",
        *map(row, OPTIONS),
    ]
    made = "\n".join([BEGIN, *lines, END])
    page = PAGE.read_text(encoding="utf-8")
    replaced = re.sub(f"{BEGIN}.*{END}", lambda _: made, page, flags=re.DOTALL)
    PAGE.write_text(replaced, encoding="utf-8")
    print(made)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
