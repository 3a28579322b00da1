"""Train the packaged model: `python -m dragstream.models.playground.train --minutes 150 --resume`.

Three stages, each resumable, on a CPU or a GPU: the autoencoder on single frames; its decoder
again, where there is something to see, for latents that stay as they are; then the causal Wan on
clips of two blocks (and the stream's first frame, the sink) by flow matching with one noise level
per block. Past blocks are clean in most samples ("teacher forcing"), noisy in the others
("diffusion forcing"); in the last part of the training the clean past is replaced by what the
model itself makes of it, so that long streams do not drift.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from dragstream.drags.files import expanded
from dragstream.models.causal_compile import compile_layers
from dragstream.models.playground import card, world
from dragstream.models.playground.autoencoder import CHANNELS, Autoencoder
from dragstream.models.playground.clips import BLOCK, Clips, as_input, draw_clips, draw_frames
from dragstream.models.playground.model import WEIGHTS, Playground

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
    "guidance": {"scale": 2.0, "least": 0.3, "most": 0.9},
}
_LATENT_NOISE = 0.045
"""The decoder forgives that much noise in latents of unit variance."""
_TOGETHER = 0.05
"""How much it counts that moved frames have moved latents."""
_CROPS = 20
"""Of a batch of the autoencoder."""
_EMA = 0.998
_FAR = 2000.0
"""Largest distance in frames, in training, between the sink and the blocks that look at it."""
_CLEAN_PAST = {0: 0.5, 1: 0.75}
"""Share of clips whose past is clean, by sinks: a stream that begins has often no past at all."""
_WORDLESS = 0.1
"""Share of clips without a caption: what captions add to them is what guidance amplifies."""
_ROUGH_PAST = 0.12
"""Noise, as a sigma, that a clean past may carry unannounced."""
_LEAST_NOISE = 0.1
_OBJECTS = 3.0
"""How much more the error counts around objects: they fill a sixth of a frame, and are all that is
hard about it."""
_AROUND = 2
"""Latent cells around objects, in all frames, that count as much as they: an error that counted
more on an object than beside it would teach the model to draw where it is in doubt, and objects
to grow."""
_SELF_FED_FROM = 0.7
"""Share of the training after which the past is what the model itself made of it."""


@dataclass(frozen=True)
class Plan:
    """How long and how large: sizes of pool and batch, minutes of the transformer's training."""

    minutes: float
    autoencoder_steps: int
    decoder_steps: int
    batch: int
    pool: int
    learning_rate: float
    device: torch.device


def train_autoencoder(folder: Path, plan: Plan, weights: Path | None = None) -> Autoencoder:
    """Train the autoencoder, or read it from the folder if that is done.

    Args:
        folder: where checkpoints are.
        plan: how long.
        weights: exported weights to take it from if the folder has none; None: train it.
    """
    path = folder / "autoencoder.pt"
    model = Autoencoder().to(plan.device)
    if path.is_file():
        model.load_state_dict(torch.load(path, map_location=plan.device, weights_only=True))
        return model
    if weights is not None and (weights / "autoencoder.safetensors").is_file():
        model.load_state_dict(load_file(weights / "autoencoder.safetensors"))
        return model
    generator = torch.Generator().manual_seed(1)
    frames = draw_frames(plan.pool // 2, generator).to(plan.device)
    for weight in model.parameters():
        if weight.ndim == 4:  # kernels; twice as fast on a CPU
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, betas=(0.9, 0.98), weight_decay=0)
    steps = plan.autoencoder_steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.5e-3, steps, pct_start=0.08)
    for _ in tqdm(range(steps), desc="autoencoder"):
        loss = _autoencoder_loss(model, _crops(frames, generator))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    _normalise(model, frames[:1024])
    torch.save(model.state_dict(), path)
    return model


def sharpen_decoder(model: Autoencoder, folder: Path, plan: Plan) -> None:
    """Train the decoder further, on the busiest crops, for latents that stay as they are.

    Args:
        model: the autoencoder; its encoder is not touched, so a transformer still fits.
        folder: where the checkpoint goes.
        plan: how long.
    """
    generator = torch.Generator().manual_seed(3)
    frames = draw_frames(plan.pool, generator).to(plan.device)
    weights = list(model.decoder.parameters())
    average = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, betas=(0.9, 0.98), weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, plan.decoder_steps)
    for step in tqdm(range(plan.decoder_steps), desc="decoder"):
        crops = _crops(frames, generator)
        with torch.autocast(plan.device.type, dtype=torch.bfloat16):
            with torch.no_grad():
                latents = model.encode(crops)
            decoded = model.decode(latents + _LATENT_NOISE * torch.randn_like(latents)).float()
        _picture_loss(decoded, crops).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        keep = min(0.995, (1 + step) / (10 + step))
        for mean, weight in zip(average, weights, strict=True):
            mean.lerp_(weight.detach(), 1 - keep)
    for mean, weight in zip(average, weights, strict=True):
        weight.data.copy_(mean)
    torch.save(model.state_dict(), folder / "autoencoder.pt")


def _crops(frames: Tensor, generator: torch.Generator) -> Tensor:
    """The busier half of random crops of 96x96 pixels: the autoencoder has no sense of place."""
    index = torch.randint(len(frames), (2 * _CROPS,), generator=generator)
    top, left = (
        8 * int(torch.randint((size - 96) // 8 + 1, (), generator=generator))
        for size in (world.HEIGHT, world.WIDTH)
    )
    crops = as_input(frames[index][:, :, top : top + 96, left : left + 96])
    slopes = sum(slope.abs().mean((1, 2, 3)) for slope in _slopes(crops))
    crops = crops[torch.as_tensor(slopes).topk(_CROPS).indices]
    return crops.contiguous(memory_format=torch.channels_last)


def _autoencoder_loss(model: Autoencoder, frames: Tensor) -> Tensor:
    """What is decoded, against the frames; latents of about unit variance that move with them.

    Half of the frames are moved, turned and scaled at random, and so are their latents: these must
    decode to the moved frames and be near the moved frames' own latents. A drag moves features
    over the latents' grid, by less than a cell as well, and only such latents go along.
    """
    half = len(frames) // 2
    motion = _motions(half).to(frames.device)
    moved = _moved(frames[:half], motion)
    with torch.autocast(frames.device.type, dtype=torch.bfloat16):
        encoded = model.encode(torch.cat([frames, moved])).float()
    latents, own = encoded[: len(frames)], encoded[len(frames) :]
    led = _moved(latents[:half], motion)
    given = torch.cat([led, latents[half:]])
    with torch.autocast(frames.device.type, dtype=torch.bfloat16):
        decoded = model.decode(given + _LATENT_NOISE * torch.randn_like(given)).float()
    variance = (latents.pow(2).mean((0, 2, 3)) - 1).pow(2).mean()
    centre = latents.mean((0, 2, 3)).pow(2).mean()
    rough = sum(slope.pow(2).mean() for slope in _slopes(latents))
    picture = _picture_loss(decoded, torch.cat([moved, frames[half:]]))
    together = (led - own).pow(2).mean()
    return picture + _TOGETHER * together + 0.02 * (variance + centre) + 0.002 * rough


def _motions(count: int) -> Tensor:
    """Random shifts, turns and scales of crops, (count, 2, 3) as `affine_grid` takes them."""
    angle = 2 * math.pi * torch.rand(count)
    scale = torch.exp(0.3 * (2 * torch.rand(count) - 1))
    shift = 0.2 * (2 * torch.rand(count, 2) - 1)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = [torch.stack([cos, -sin, shift[:, 0]], 1), torch.stack([sin, cos, shift[:, 1]], 1)]
    return torch.stack(rows, dim=1)


def _moved(maps: Tensor, motions: Tensor) -> Tensor:
    """Frames or latents (N, C, H, W) under motions, mirrored at the borders."""
    grid = nn.functional.affine_grid(motions, list(maps.shape), align_corners=False)
    moved: Tensor = nn.functional.grid_sample(
        maps, grid, padding_mode="reflection", align_corners=False
    )
    return moved


def _picture_loss(decoded: Tensor, frames: Tensor) -> Tensor:
    """L1 of colours and of their gradients."""
    slopes = zip(_slopes(decoded), _slopes(frames), strict=True)
    edges = sum((a - b).abs().mean() for a, b in slopes)
    return (decoded - frames).abs().mean() + 0.5 * edges


def _slopes(maps: Tensor) -> tuple[Tensor, Tensor]:
    return maps[..., 1:] - maps[..., :-1], maps[..., 1:, :] - maps[..., :-1, :]


@torch.no_grad()
def _normalise(model: Autoencoder, frames: Tensor) -> None:
    """Measure the latents' mean and standard deviation per channel."""
    latents = torch.cat([model.encoder(as_input(part)) for part in frames.split(32)])
    model.mean.copy_(latents.mean((0, 2, 3)))
    model.std.copy_(latents.std((0, 2, 3)))


def optimizers(model: Playground, learning_rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for all else."""
    matrices: list[nn.Parameter] = []
    others = list(model.captions.parameters())
    for name, weight in model.wan.transformer.named_parameters():
        inner = weight.ndim == 2 and name.startswith("blocks.")
        (matrices if inner else others).append(weight)
    return [
        torch.optim.Muon(
            matrices, lr=learning_rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def _levels(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Noise levels as often as the sampler asks for such: pure noise, or between two steps."""
    sigmas = torch.tensor([*CONFIG["sigmas"], _LEAST_NOISE])
    step = torch.randint(len(sigmas) - 1, shape, generator=generator)
    level = sigmas[step].lerp(sigmas[step + 1], torch.rand(shape, generator=generator))
    return torch.where(step > 0, level, 1.0)


@dataclass(frozen=True)
class _Batch:
    """Clips on their way into the model: (B, F, ...) with `sink` frames before the two blocks."""

    latents: Tensor
    text: Tensor
    frames: Tensor
    sink: int

    def flow(self, model: Playground, noisy: Tensor, sigmas: Tensor) -> Tensor:
        """The model's flow for the first frames of the batch, as many as `noisy` has."""
        known = noisy.shape[1]
        stage = torch.tensor([0] * self.sink + [1] * BLOCK + [2] * BLOCK)[:known]
        visible = stage[:, None] >= stage[None, :]  # the sink itself, each block its past
        with torch.autocast(noisy.device.type, dtype=torch.bfloat16):
            flow = model.wan(noisy, sigmas, self.text, self.frames[:, :known], visible)
        return torch.as_tensor(flow).float()


def _mix(latents: Tensor, noise: Tensor, sigmas: Tensor) -> Tensor:
    """Latents at noise levels (B, F)."""
    scale = sigmas[..., None, None, None]
    return (1 - scale) * latents + scale * noise


def flow_loss(
    model: Playground, clips: Clips, generator: torch.Generator, *, self_fed: bool
) -> Tensor:
    """Flow matching on a batch of clips (mean squared error of the flow where there is noise)."""
    device, count = clips.latents.device, len(clips)
    sink = int(torch.rand((), generator=generator) < 0.5)
    latents = clips.latents[:, 1 - sink :]
    far = _FAR ** torch.rand(count, 1, generator=generator) * BLOCK
    far = torch.where(torch.rand(count, 1, generator=generator) < 0.25, BLOCK, far)
    first = far.floor().long() * sink
    frames = torch.cat([torch.zeros(count, sink), first + torch.arange(2 * BLOCK)], 1).long()
    told = (torch.rand(count, 1, 1, generator=generator) >= _WORDLESS).to(device)
    batch = _Batch(latents, model.captions(clips.counts * told), frames.to(device), sink)

    clean = torch.rand(count, 1, generator=generator) < _CLEAN_PAST[sink]
    past = torch.where(clean, 0.0, _levels((count, 1), generator))
    block = _levels((count, 1), generator)
    levels = [torch.zeros(count, sink), past.expand(-1, BLOCK), block.expand(-1, BLOCK)]
    sigmas = torch.cat(levels, 1).to(device)
    noise = torch.randn(latents.shape, generator=generator).to(device)
    # An imperfect past that claims to be clean teaches the model to mend what it is given.
    if self_fed:
        noisy = _mix(_remade(model, batch, clean.to(device), generator), noise, sigmas)
    else:
        rough = torch.rand(count, 1, generator=generator).to(device) * _ROUGH_PAST
        noisy = _mix(latents, noise, torch.where(sigmas > 0, sigmas, rough))
    error = (batch.flow(model, noisy, sigmas) - (noise - latents)).pow(2).mean(2, keepdim=True)
    shown = clips.cover[:, 1:].amax(1)
    near = nn.functional.max_pool2d(shown, 2 * _AROUND + 1, stride=1, padding=_AROUND)[:, None]
    asked = (sigmas > 0)[..., None, None, None] * (1 + _OBJECTS * near)
    return (error * asked).sum() / asked.sum()


@torch.no_grad()
def _remade(model: Playground, batch: _Batch, clean: Tensor, generator: torch.Generator) -> Tensor:
    """Clips whose clean past (B, 1) is the model's own guess at it, for most of them."""
    latents, known = batch.latents, batch.sink + BLOCK
    past = latents[:, :known]
    level = 0.35 + 0.45 * torch.rand(len(past), 1, generator=generator).to(past.device)
    sigmas = torch.cat([level.new_zeros(len(past), batch.sink), level.expand(-1, BLOCK)], 1)
    noisy = _mix(past, torch.randn(past.shape, generator=generator).to(past.device), sigmas)
    flow = batch.flow(model, noisy, sigmas)
    guess = noisy - sigmas[..., None, None, None] * flow
    fed = clean & (torch.rand(clean.shape, generator=generator).to(clean.device) < 0.6)
    remade = torch.where(fed[..., None, None, None], guess, past)
    return torch.cat([remade, latents[:, known:]], dim=1)


class Trainer:
    """The transformer's training: model, running average, optimizers, pool; saved and resumed."""

    def __init__(self, folder: Path, autoencoder: Autoencoder, plan: Plan) -> None:
        self.path = folder / "transformer.pt"
        self.plan = plan
        self.model = Playground(CONFIG).to(plan.device)
        self.model.autoencoder.load_state_dict(autoencoder.state_dict())
        self.average = {k: v.detach().clone() for k, v in self._state().items()}
        self.optimizers = optimizers(self.model, plan.learning_rate)
        self.step = 0
        self.seconds = 0.0
        self.losses: list[float] = []

    def _state(self) -> dict[str, Tensor]:
        return self.model.parts()["transformer"].state_dict()

    def save(self) -> None:
        """Write a checkpoint that `resume` continues from."""
        torch.save(
            {
                "model": self._state(),
                "average": self.average,
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "step": self.step,
                "seconds": self.seconds,
            },
            self.path,
        )

    def resume(self, weights: Path) -> None:
        """Continue from the checkpoint, or else from exported weights, if there are any."""
        if not self.path.is_file():
            if (weights / "config.json").is_file():
                exported = Playground.from_folder(weights)
                self.model.load_state_dict(exported.state_dict())
                self.average = {k: v.detach().clone() for k, v in self._state().items()}
                training = json.loads((weights / "config.json").read_text())["training"]
                self.step, self.seconds = training["steps"], 60.0 * training["minutes"]
            return
        saved = torch.load(self.path, map_location=self.plan.device, weights_only=True)
        self.model.parts()["transformer"].load_state_dict(saved["model"])
        self.average = saved["average"]
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.step, self.seconds = saved["step"], saved["seconds"]

    def run(self, clips: Clips) -> Iterator[float]:
        """Train for the plan's minutes; yields the loss of each step."""
        generator = torch.Generator().manual_seed(1000 + self.step)
        begun = time.monotonic()
        earlier, saved = self.seconds, 0.0
        while (share := (time.monotonic() - begun) / (60 * self.plan.minutes)) < 1:
            if self.step % 8 == 7:
                fresh = draw_clips(self.plan.batch, generator, self.model.autoencoder)
                clips.replace(fresh, generator)
            yield self._train_step(clips, generator, share)
            self.seconds = earlier + time.monotonic() - begun
            if self.seconds - saved > 120:
                saved = self.seconds
                self.save()

    def _train_step(self, clips: Clips, generator: torch.Generator, share: float) -> float:
        warm = min(1.0, (self.step + 1) / 100)
        decay = min(1.0, max(0.02, (1 - share) / 0.4))
        batch = clips.sample(self.plan.batch, generator)
        loss = flow_loss(self.model, batch, generator, self_fed=share > _SELF_FED_FROM)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.plan.learning_rate * warm * decay
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        keep = min(_EMA, (1 + self.step) / (20 + self.step))
        for name, value in self._state().items():
            self.average[name].lerp_(value, 1 - keep)
        return float(loss.detach())


def export(
    average: dict[str, Tensor], autoencoder: Autoencoder, folder: Path, training: dict[str, Any]
) -> None:
    """Write config and weights as `Playground.from_folder` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in (("transformer", average), ("autoencoder", autoencoder.state_dict())):
        weights = {key: value.detach().cpu().contiguous() for key, value in state.items()}
        save_file(weights, folder / f"{name}.safetensors")
    document = {**CONFIG, "training": training}
    (folder / "config.json").write_text(json.dumps(document, indent=1) + "\n")


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
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main() -> None:
    """Train both stages and write the weights."""
    options = _arguments()
    if not (math.isfinite(options.minutes) and options.minutes > 0):
        raise SystemExit(f"--minutes must be positive, got {options.minutes}")
    plan = Plan(
        minutes=options.minutes,
        autoencoder_steps=options.autoencoder_steps,
        decoder_steps=options.decoder_steps,
        batch=options.batch,
        pool=options.pool,
        learning_rate=options.learning_rate,
        device=torch.device(options.device),
    )
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    # Most of the renderer is arithmetic on whole frames, which a compiler fuses: ten times faster.
    world._paint = torch.compile(world._paint)  # noqa: SLF001
    autoencoder = train_autoencoder(folder, plan, options.output if options.resume else None)
    if plan.decoder_steps:
        sharpen_decoder(autoencoder, folder, plan)
    trainer = Trainer(folder, autoencoder, plan)
    compile_layers(trainer.model.wan)
    if options.resume:
        trainer.resume(options.output)
    generator = torch.Generator().manual_seed(2 + trainer.step)
    parts = [
        draw_clips(100, generator, trainer.model.autoencoder)
        for _ in tqdm(range(max(1, plan.pool // 100)), desc="clips")
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
        "batch": plan.batch,
        "device": torch.cuda.get_device_name() if plan.device.type == "cuda" else "a CPU",
    }
    export(trainer.average, autoencoder, options.output, training)
    card.write(options.output, card.figures(Playground.from_folder(options.output)), training)


if __name__ == "__main__":
    main()
