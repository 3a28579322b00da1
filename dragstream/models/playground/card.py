"""The model card beside the weights: description, measured figures, commands to reproduce."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from dragstream.drags.failures import exit_on_failure
from dragstream.drags.files import expanded
from dragstream.models.playground import world
from dragstream.models.playground.clips import BLOCK, as_input, draw_clips, draw_frames
from dragstream.models.playground.model import WEIGHTS, Playground

_HELD_OUT = 10_000
"""Seed of the evaluation data, never used in training."""
TABLES = {
    "playground": "Do drags land on held-out scenes",
    "likeness": "Do clips made from captions alone look like rendered ones, in moments of latents",
    "captions": "Are captions obeyed, without a picture to start from",
    "identity": "Do objects stay what they are, many blocks on, without any drag",
}
"""The optional tables of a card, by the command of `dragstream.revel` that measures each."""


@torch.no_grad()
def figures(model: Playground, frames: int = 64, clips: int = 48) -> dict[str, Any]:
    """Measure a model on held-out scenes."""
    generator = torch.Generator().manual_seed(_HELD_OUT)
    scenes = world.sample_scenes(generator, frames, 1)
    shown = torch.from_numpy(world.masks(scenes)).any(dim=2)[:, 0]
    generator.manual_seed(_HELD_OUT)
    pixels = draw_frames(frames, generator).to(model.device)
    inputs = as_input(pixels)
    latents = model.autoencoder.encode(inputs)
    decoded = model.autoencoder.decode(latents).clamp(-1, 1)
    error = (decoded - inputs).square().mean(dim=1) / 4
    return {
        "psnr": -10 * math.log10(float(error.mean())),
        "psnr_objects": -10 * math.log10(float(error[shown.to(error.device)].mean())),
        "deviation": float(latents.std()),
        "x0_error": _prediction_errors(model, clips, generator),
        "parameters": {
            "transformer": sum(weight.numel() for weight in model.wan.parameters()),
            "autoencoder": sum(weight.numel() for weight in model.autoencoder.parameters()),
        },
    }


def _prediction_errors(
    model: Playground, count: int, generator: torch.Generator
) -> dict[str, float]:
    """Measure the distance of a block's prediction to one possible future, by noise level."""
    clips = draw_clips(count, generator, model.autoencoder)
    latents = clips.latents.float()
    text = model.captions(clips.counts)
    errors = dict.fromkeys(model.spec.sigmas, 0.0)
    for clip, words in zip(latents, text, strict=True):
        context = model.commit(clip[None, 1 : 1 + BLOCK], model.new_context(words[None]))
        block = clip[None, -BLOCK:]
        for sigma in errors:
            noise = torch.randn(block.shape, generator=generator).to(block.device)
            guess = model.wan.denoise((1 - sigma) * block + sigma * noise, sigma, context)
            errors[sigma] += float((guess - block).square().mean()) / count
    return {f"{sigma:g}": math.sqrt(error) for sigma, error in errors.items()}


def write(
    folder: Path,
    found: dict[str, Any],
    training: dict[str, Any],
    tables: Mapping[str, str] | None = None,
) -> None:
    """Write MODEL_CARD.md beside the weights."""
    tables = tables or {}
    if unknown := set(tables) - set(TABLES):
        raise ValueError(f"a card has the tables {', '.join(TABLES)}, not {sorted(unknown)}")
    errors = "\n".join(f"| {sigma} | {error:.3f} |" for sigma, error in found["x0_error"].items())
    sizes = found["parameters"]
    text = _CARD.format(
        width=world.WIDTH,
        height=world.HEIGHT,
        frame_rate=world.FRAME_RATE,
        transformer=sizes["transformer"] / 1e6,
        autoencoder=sizes["autoencoder"] / 1e6,
        psnr=found["psnr"],
        psnr_objects=found["psnr_objects"],
        deviation=found["deviation"],
        errors=errors,
        tables="\n\n".join(
            f"{TABLES[name]} (`python -m dragstream.revel {name}`):\n\n"
            f"{tables.get(name, 'Not measured yet.').strip()}"
            for name in TABLES
        ),
        distillation=_distillation(training),
        **{name: value for name, value in training.items() if name != "distillation"},
    )
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")


def _distillation(training: Mapping[str, Any]) -> str:
    """Return the card's text on the distillation; empty without one."""
    found = training.get("distillation")
    if found is None:
        return ""
    return (
        f"\nDistilled from that to few steps: {found['steps']} steps of {found['batch']} "
        f"clips, {found['minutes']} minutes.\n"
    )


@exit_on_failure()
def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the weights of a folder and write their card, with the given tables."""
    parser = argparse.ArgumentParser(
        prog="python -m dragstream.models.playground.card", description=main.__doc__
    )
    parser.add_argument("--folder", type=expanded, default=WEIGHTS, help="of the weights")
    for name in TABLES:
        parser.add_argument(
            f"--{name}",
            type=expanded,
            metavar="FILE",
            help=f"what `python -m dragstream.revel {name} --markdown FILE` wrote",
        )
    options = vars(parser.parse_args(arguments))
    folder = options.pop("folder")
    tables = {name: file.read_text(encoding="utf-8") for name, file in options.items() if file}
    training = json.loads((folder / "config.json").read_text())["training"]
    write(folder, figures(Playground.from_folder(folder)), training, tables)


_CARD = """# The playground model

A causal Wan ({transformer:.1f} M parameters) and a per-frame autoencoder ({autoencoder:.1f} M) for
videos of {width}x{height} pixels at {frame_rate:g} frames a second, three latent frames a
block, made to show and to test dragging on a laptop's CPU. It knows one small world:
critters, boxes and stars in six colours, in four places, before a camera that may pan.
It is good at continuing a scene; scenes drawn from a caption alone are less certain.
Captions are amplified at the middle noise levels (classifier-free guidance, `guidance` in
config.json): without that, shapes blur within a few blocks.

## Figures
Measured on held-out scenes.

| | |
|---|---|
| autoencoder, whole frames | {psnr:.1f} dB |
| autoencoder, pixels of objects | {psnr_objects:.1f} dB |

Root mean squared error of the unguided prediction after a clean past, by noise level (latents have
standard deviation {deviation:.2f}; the future is uncertain, so the first rows cannot be small):

| noise level | error |
|---|---|
{errors}

{tables}

## Training
{steps} steps, of {batch} clips the last of them, {minutes} minutes on {device}. Data: the renderer
in `dragstream/models/playground/world.py`, without end.
{distillation}
To train it again, or further, to distil it to four steps without guidance, and to measure it:

```
python -m dragstream.models.playground.train --minutes 150 --resume
python -m dragstream.models.playground.distil --steps 3000
python -m dragstream.revel playground --markdown drags.md
python -m dragstream.models.playground.card --playground drags.md
```
"""


if __name__ == "__main__":
    main()
