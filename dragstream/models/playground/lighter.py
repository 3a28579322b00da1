"""Train a lighter decoder: `python -m dragstream.models.playground.lighter --steps 1000`.

The encoder is unchanged, so the transformer and drags work with the same latents. The lighter
decoder starts as the present one without some residual blocks and without the least important
channels inside the others, and is trained to decode the latents of rendered frames. The command
can be stopped and called again: each step depends on its number alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from dragstream.drags.files import expanded
from dragstream.models.defaults import autocast_bfloat16
from dragstream.models.playground.autoencoder import LIGHT, Autoencoder, Residual
from dragstream.models.playground.autoencoding import LATENT_NOISE, busy_crops, picture_loss
from dragstream.models.playground.clips import as_input, draw_frames
from dragstream.models.playground.model import WEIGHTS, Playground
from dragstream.models.playground.training import Training

_SAVED_EVERY = 120.0
"""Seconds between checkpoints."""
_CALIBRATION = 8
"""Frames by which channels are ranked."""


@dataclass(frozen=True)
class Recipe:
    """Steps in all, crops a step, rendered frames in memory, and the learning rate."""

    steps: int = 1000
    crops: int = 10
    pool: int = 400
    learning_rate: float = 1e-3

    def rate(self, step: int) -> float:
        """Compute the learning rate of a step: constant after a start, then falling to 0."""
        warm = min(1.0, (step + 1) / 100)
        return self.learning_rate * warm * min(1.0, max(0.01, 2 * (1 - step / self.steps)))


class Lightening(Training):
    """The training of a lighter decoder for an autoencoder, with checkpoints in a folder."""

    def __init__(self, autoencoder: Autoencoder, folder: Path, recipe: Recipe) -> None:
        self.autoencoder = autoencoder.requires_grad_(False)  # noqa: FBT003 - torch's signature
        self.recipe = recipe
        decoder = LIGHT.build().to(autoencoder.mean.device)
        self.frames, self.latents = self._pairs()
        prune(autoencoder.decoder, decoder, autoencoder.raw(self.latents[:_CALIBRATION]))
        optimizer = torch.optim.AdamW(decoder.parameters(), betas=(0.9, 0.98), weight_decay=0)
        super().__init__(decoder, [optimizer], folder / "light_decoder.pt")

    def run(self) -> Iterator[float]:
        """Train to the recipe's last step; yields the loss of each step."""
        saved = time.monotonic()
        while self.step < self.recipe.steps:
            generator = torch.Generator().manual_seed(5000 + self.step)
            crops, (index, rows, columns) = busy_crops(self.frames, generator, self.recipe.crops)
            chosen = self.latents[index][:, :, rows, columns]
            yield self._train_step(chosen, crops, generator)
            if time.monotonic() - saved > _SAVED_EVERY:
                self.save()
                saved = time.monotonic()

    @torch.no_grad()
    def _pairs(self) -> tuple[Tensor, Tensor]:
        """Render frames, uint8, and encode them: (N, 3, H, W) and (N, 8, H/8, W/8)."""
        device = self.autoencoder.mean.device
        frames = draw_frames(self.recipe.pool, torch.Generator().manual_seed(4)).to(device)
        with autocast_bfloat16(device):
            parts = [self.autoencoder.encode(as_input(part)) for part in frames.split(32)]
        return frames, torch.cat(parts).float()

    def _train_step(self, latents: Tensor, crops: Tensor, generator: torch.Generator) -> float:
        noise = torch.randn(latents.shape, generator=generator).to(latents.device)
        given = self.autoencoder.raw(latents + LATENT_NOISE * noise)
        with autocast_bfloat16(latents.device):
            decoded = self.module(given.contiguous(memory_format=torch.channels_last)).float()
        loss = picture_loss(decoded, crops)
        self.descend(loss, self.recipe.rate(self.step))
        return float(loss.detach())

    def export(self, file: Path) -> None:
        """Write the averaged weights."""
        file.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: weight.cpu().contiguous() for name, weight in self.average.items()}, file)


@torch.no_grad()
def prune(present: nn.Sequential, lighter: nn.Sequential, raw: Tensor) -> None:
    """Copy a decoder's weights to a smaller one, but for what it has no room for.

    At each resolution the first residual blocks are kept, and inside them the channels whose
    variation, on the decoder's input `raw`, changes the output most; the others' means go into
    the bias.
    """
    spare = list(lighter)
    for layer in present:
        if not isinstance(layer, Residual):
            spare.pop(0).load_state_dict(layer.state_dict())
        elif isinstance(small := spare[0], Residual):
            _prune_block(layer, small, raw)
            del spare[0]
        raw = layer(raw)


def _prune_block(block: Residual, lighter: Residual, given: Tensor) -> None:
    hidden = block.inside(given)
    weight = block.second.weight
    effect = hidden.std((0, 2, 3)) * weight.square().sum((0, 2, 3)).sqrt()
    kept = effect.topk(lighter.first.out_channels).indices
    lighter.first.weight.copy_(block.first.weight[kept])
    lighter.second.weight.copy_(weight[:, kept])
    means = hidden.mean((0, 2, 3))
    means[kept] = 0
    given_bias, change_bias = block.first.bias, block.second.bias
    assert given_bias is not None  # noqa: S101 - types: both convolutions have biases
    assert change_bias is not None  # noqa: S101
    bias = {"bias": given_bias[kept]}, {"bias": change_bias + weight.sum((2, 3)) @ means}
    for layer, values in zip((lighter.first, lighter.second), bias, strict=True):
        layer.load_state_dict(values, strict=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dragstream.models.playground.lighter",
        description="Train a lighter decoder for the packaged model; the same command goes on.",
    )
    for field in fields(Recipe):
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=type(field.default), default=field.default)
    parser.add_argument("--folder", type=expanded, default=Path("build/lighter"))
    parser.add_argument("--weights", type=expanded, default=WEIGHTS, help="with the encoder")
    parser.add_argument("--output", type=expanded, help="file (default: in the folder)")
    here = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", type=torch.device, default=here)
    return parser.parse_args()


def main() -> None:
    """Parse the command line, train and write the decoder."""
    options = _arguments()
    recipe = Recipe(**{it.name: getattr(options, it.name) for it in fields(Recipe)})
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    model = Playground.from_folder(options.weights).to(options.device)
    training = Lightening(model.autoencoder, folder, recipe)
    training.resume()
    with (
        (folder / "loss.jsonl").open("a") as log,
        tqdm(desc="decoder", total=recipe.steps, initial=training.step) as bar,
    ):
        for loss in training.run():
            bar.update()
            bar.set_postfix(loss=f"{loss:.4f}")
            log.write(json.dumps({"step": training.step, "loss": loss}) + "\n")
    training.save()
    training.export(options.output or folder / "light_decoder.safetensors")


if __name__ == "__main__":
    main()
