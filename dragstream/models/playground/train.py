"""Train the packaged model: `python -m dragstream.models.playground.train --minutes 150 --resume`.

Three stages, each resumable, on a CPU or a GPU: the autoencoder on single frames; its decoder
again, on busy crops, with fixed latents; then the causal Wan on clips of two blocks (and the
stream's first frame, the sink) by flow matching with one noise level per block. Past blocks are
clean in most samples ("teacher forcing"), noisy in the others ("diffusion forcing"); in the last
part of the training the clean past is replaced by the model's own prediction, so that long streams
do not drift. A fourth stage, to few steps without guidance, is
`dragstream.models.playground.distil`.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from dragstream.drags.failures import exit_on_failure
from dragstream.drags.files import expanded
from dragstream.models.causal_compile import compile_layers
from dragstream.models.defaults import autocast_bfloat16
from dragstream.models.playground import card, world
from dragstream.models.playground.autoencoder import CHANNELS, Autoencoder
from dragstream.models.playground.autoencoding import (
    TrainingBudget,
    sharpen_decoder,
    train_autoencoder,
)
from dragstream.models.playground.clips import (
    BLOCK,
    OBJECTS,
    ROUGH_PAST,
    Clips,
    draw_clips,
    draw_frame_indices,
    near_objects,
)
from dragstream.models.playground.distil import distil
from dragstream.models.playground.model import WEIGHTS, Playground
from dragstream.models.playground.student import Recipe
from dragstream.models.playground.training import TransformerTraining, export

CONFIG: dict[str, Any] = {
    "transformer": {
        "num_layers": 6,
        "num_heads": 4,
        "head_dim": 48,
        "ffn_dim": 768,
        "text_dim": 96,
        "freq_dim": 128,
        "latent_channels": CHANNELS,
        "window": 1 + 2 * BLOCK,
        "sink": 1,
        "frames_per_block": BLOCK,
    },
    "sigmas": [1.0, 0.94, 0.87, 0.78, 0.66, 0.5, 0.33, 0.17],
    "denoising_step": 5,
    "learning_rate": 0.6,
    "layers": [2, 3, 4, 5],
    "cutoffs": [0.4, 0.6, 1.0],
    "upsampling": 2,
    "prediction_weight": 0.25,
    "warm_start": True,
    "guidance": {"scale": 2.0, "least": 0.3, "most": 0.9},
}
_SELF_FED_FROM = 0.7
"""Share of the training after which the past is the model's own prediction."""
_CLEAN_PAST = {0: 0.5, 1: 0.75}
"""Share of clips with a clean past, by number of sinks: early blocks often have no past at all."""
_WORDLESS = 0.1
"""Share of clips without a caption, for classifier-free guidance."""
_LEAST_NOISE = 0.1


def levels_between(
    steps: Sequence[float], shape: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    """Draw noise levels in the sampler's proportions: pure noise, or between two steps."""
    sigmas = torch.tensor([*steps, _LEAST_NOISE])
    step = torch.randint(len(sigmas) - 1, shape, generator=generator)
    level = sigmas[step].lerp(sigmas[step + 1], torch.rand(shape, generator=generator))
    return torch.where(step > 0, level, 1.0)


@dataclass(frozen=True)
class Batch:
    """Clips as model inputs: (B, F, ...) with `sink` frames before the two blocks."""

    latents: Tensor
    text: Tensor
    frames: Tensor
    sink: int

    def flow(self, model: Playground, noisy: Tensor, sigmas: Tensor) -> Tensor:
        """Compute the model's flow for the first frames of the batch, as many as `noisy` has."""
        known = noisy.shape[1]
        stage = torch.tensor([0] * self.sink + [1] * BLOCK + [2] * BLOCK)[:known]
        visible = stage[:, None] >= stage[None, :]  # the sink and each block's past
        with autocast_bfloat16(noisy.device):
            flow = model.wan(noisy, sigmas, self.text, self.frames[:, :known], visible)
        return torch.as_tensor(flow).float()


def mix(latents: Tensor, noise: Tensor, sigmas: Tensor) -> Tensor:
    """Mix latents with noise at noise levels (B, F)."""
    scale = sigmas[..., None, None, None]
    return (1 - scale) * latents + scale * noise


def flow_loss(
    model: Playground, clips: Clips, generator: torch.Generator, *, self_fed: bool
) -> Tensor:
    """Compute the flow matching loss of a batch: mean squared error of the flow of noisy frames."""
    device, count = clips.latents.device, len(clips)
    sink = int(torch.rand((), generator=generator) < 0.5)
    latents = clips.latents[:, 1 - sink :]
    frames = draw_frame_indices(count, sink, 2 * BLOCK, generator)
    captioned = (torch.rand(count, 1, 1, generator=generator) >= _WORDLESS).to(device)
    batch = Batch(latents, model.captions(clips.counts * captioned), frames.to(device), sink)

    clean = torch.rand(count, 1, generator=generator) < _CLEAN_PAST[sink]
    past = torch.where(clean, 0.0, levels_between(model.spec.sigmas, (count, 1), generator))
    block = levels_between(model.spec.sigmas, (count, 1), generator)
    levels = [torch.zeros(count, sink), past.expand(-1, BLOCK), block.expand(-1, BLOCK)]
    sigmas = torch.cat(levels, 1).to(device)
    noise = torch.randn(latents.shape, generator=generator).to(device)
    # Noise in a past at nominal level 0 teaches the model to correct imperfect pasts.
    if self_fed:
        noisy = mix(regenerated(model, batch, clean.to(device), generator), noise, sigmas)
    else:
        rough = torch.rand(count, 1, generator=generator).to(device) * ROUGH_PAST
        noisy = mix(latents, noise, torch.where(sigmas > 0, sigmas, rough))
    error = (batch.flow(model, noisy, sigmas) - (noise - latents)).pow(2).mean(2, keepdim=True)
    near = near_objects(clips.cover[:, 1:])[:, None]
    weight = (sigmas > 0)[..., None, None, None] * (1 + OBJECTS * near)
    return (error * weight).sum() / weight.sum()


@torch.no_grad()
def regenerated(
    model: Playground, batch: Batch, clean: Tensor, generator: torch.Generator
) -> Tensor:
    """Replace the clean past (B, 1) by the model's own prediction, for most clips."""
    latents, known = batch.latents, batch.sink + BLOCK
    past = latents[:, :known]
    level = 0.35 + 0.45 * torch.rand(len(past), 1, generator=generator).to(past.device)
    sigmas = torch.cat([level.new_zeros(len(past), batch.sink), level.expand(-1, BLOCK)], 1)
    noisy = mix(past, torch.randn(past.shape, generator=generator).to(past.device), sigmas)
    flow = batch.flow(model, noisy, sigmas)
    guess = noisy - sigmas[..., None, None, None] * flow
    replaced = clean & (torch.rand(clean.shape, generator=generator).to(clean.device) < 0.6)
    mixed = torch.where(replaced[..., None, None, None], guess, past)
    return torch.cat([mixed, latents[:, known:]], dim=1)


class Trainer(TransformerTraining):
    """The transformer's training on clips, for a number of minutes."""

    def __init__(self, folder: Path, autoencoder: Autoencoder, budget: TrainingBudget) -> None:
        model = Playground(CONFIG).to(budget.device)
        model.autoencoder.load_state_dict(autoencoder.state_dict())
        super().__init__(model, folder / "transformer.pt", budget.learning_rate)
        self.budget = budget

    def start_from(self, weights: Path) -> None:
        """Continue from exported weights, if there are any."""
        if not (weights / "config.json").is_file():
            return
        self.model.load_state_dict(Playground.from_folder(weights).state_dict())
        self.average = self.copy_of_weights()
        training = json.loads((weights / "config.json").read_text())["training"]
        self.step, self.seconds = training["steps"], 60.0 * training["minutes"]

    def run(self, clips: Clips) -> Iterator[float]:
        """Train for the budget's minutes; yields the loss of each step."""
        generator = torch.Generator().manual_seed(1000 + self.step)
        begun = time.monotonic()
        earlier, saved = self.seconds, 0.0
        while (share := (time.monotonic() - begun) / (60 * self.budget.minutes)) < 1:
            if self.step % 8 == 7:
                fresh = draw_clips(self.budget.batch, generator, self.model.autoencoder)
                clips.replace(fresh, generator)
            yield self._train_step(clips, generator, share)
            self.seconds = earlier + time.monotonic() - begun
            if self.seconds - saved > 120:
                saved = self.seconds
                self.save()

    def _train_step(self, clips: Clips, generator: torch.Generator, share: float) -> float:
        warm = min(1.0, (self.step + 1) / 100)
        decay = min(1.0, max(0.02, (1 - share) / 0.4))
        batch = clips.sample(self.budget.batch, generator)
        loss = flow_loss(self.model, batch, generator, self_fed=share > _SELF_FED_FROM)
        self.descend(loss, self.budget.learning_rate * warm * decay)
        return float(loss.detach())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dragstream.models.playground.train")
    parser.add_argument("--minutes", type=float, default=150.0, help="of transformer training")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue from the folder, or else from the weights in the package",
    )
    parser.add_argument("--folder", type=expanded, default=Path("build/playground"))
    parser.add_argument("--output", type=expanded, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--autoencoder-steps", type=int, default=4300)
    parser.add_argument(
        "--decoder-steps", type=int, default=800, help="further, of the decoder alone; 0: none"
    )
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pool", type=int, default=3000, help="clips kept in memory")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument(
        "--distil-steps",
        type=int,
        default=0,
        help="then distil to few steps, see dragstream.models.playground.distil; 0: do not",
    )
    here = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", type=torch.device, default=here)
    return parser.parse_args()


@exit_on_failure()
def main() -> None:
    """Train all stages and write the weights."""
    options = _arguments()
    if not (math.isfinite(options.minutes) and options.minutes > 0):
        raise SystemExit(f"--minutes must be positive, got {options.minutes}")
    budget = TrainingBudget(**{f.name: getattr(options, f.name) for f in fields(TrainingBudget)})
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    # The renderer is mostly arithmetic on whole frames; compiled (fused) it is ten times faster.
    world._paint = torch.compile(world._paint)  # noqa: SLF001
    autoencoder = train_autoencoder(folder, budget, options.output if options.resume else None)
    if budget.decoder_steps:
        sharpen_decoder(autoencoder, folder, budget)
    trainer = Trainer(folder, autoencoder, budget)
    compile_layers(trainer.model.wan)
    if options.resume and not trainer.resume():
        trainer.start_from(options.output)
    generator = torch.Generator().manual_seed(2 + trainer.step)
    parts = [
        draw_clips(100, generator, trainer.model.autoencoder)
        for _ in tqdm(range(max(1, budget.pool // 100)), desc="clips")
    ]
    clips = Clips(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Clips)))
    with (folder / "loss.jsonl").open("a") as log, tqdm(desc="transformer") as bar:
        for loss in trainer.run(clips):
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}")
            log.write(json.dumps({"step": trainer.step, "loss": loss}) + "\n")
    trainer.save()
    training = {
        "steps": trainer.step,
        "minutes": round(trainer.seconds / 60),
        "batch": budget.batch,
        "device": torch.cuda.get_device_name() if budget.device.type == "cuda" else "a CPU",
    }
    export(options.output, trainer.average, autoencoder, {**CONFIG, "training": training})
    card.write(options.output, card.figures(Playground.from_folder(options.output)), training)
    if options.distil_steps:
        distil(
            folder / "distillation",
            Recipe(steps=options.distil_steps),
            teacher=options.output,
            output=folder / "distillation" / "weights",
            device=budget.device,
        )


if __name__ == "__main__":
    main()
