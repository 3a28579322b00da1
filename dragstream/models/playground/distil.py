"""Distil the packaged model to few steps: `python -m dragstream.models.playground.distil`.

The teacher is the packaged model, or another in its format: eight steps, five of them guided. The
student starts from the teacher's weights. At high noise levels, and wherever nothing is known of
the past, it learns the teacher's flow. At lower ones it learns to give the renderer's own frames
back, from noisy frames and from its own predictions at the level before: so it mends the errors
that four steps make. Guidance by the captions is folded in at both (Meng et al., CVPR 2023). Half
of the pasts are its own, too.

The command can be stopped and called again: each step depends on its number alone.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path

import torch
from tqdm.auto import tqdm

from dragstream.drags.failures import exit_on_failure
from dragstream.drags.files import expanded
from dragstream.models.causal_compile import compile_layers
from dragstream.models.playground import world
from dragstream.models.playground.model import WEIGHTS, Playground
from dragstream.models.playground.student import Distillation, Recipe


def distil(
    folder: Path,
    recipe: Recipe,
    *,
    teacher: Path,
    output: Path,
    device: torch.device,
    start: Path | None = None,
) -> None:
    """Train a student, from the weights in the file `start` if given, and write its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    model = Playground.from_folder(teacher).to(device)
    config = json.loads((teacher / "config.json").read_text())
    training = Distillation(model, config, folder, recipe)
    if not training.resume() and start is not None:
        training.start_from(start)
    for each_model in (training.teacher, training.model):
        compile_layers(each_model.wan)
    with (
        (folder / "errors.jsonl").open("a") as log,
        tqdm(desc="distillation", total=recipe.steps, initial=training.step) as bar,
    ):
        for errors in training.run():
            bar.update()
            bar.set_postfix(error=f"{sum(errors) / len(errors):.4f}")
            line = {"step": training.step, "seconds": training.seconds, "errors": errors}
            log.write(json.dumps(line) + "\n")
            log.flush()
    training.save()
    training.export(output)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dragstream.models.playground.distil",
        description="Distil the packaged model to few steps; the same command goes on.",
    )
    parser.add_argument("--steps", type=int, default=3000, help="of training, in all")
    parser.add_argument("--folder", type=expanded, default=Path("build/distillation"))
    parser.add_argument("--teacher", type=expanded, default=WEIGHTS, help="folder of its weights")
    parser.add_argument(
        "--start", type=expanded, help="weights of a student to start from, few_steps.safetensors"
    )
    parser.add_argument("--output", type=expanded, help="of the weights (default: in the folder)")
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    parser.add_argument("--shards", type=int, default=Recipe.shards)
    parser.add_argument("--clips", type=int, default=Recipe.clips)
    parser.add_argument("--first", type=int, default=Recipe.first)
    parser.add_argument(
        "--every", type=int, default=Recipe.every, help="steps from set to set of clips"
    )
    here = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", type=torch.device, default=here)
    return parser.parse_args()


@exit_on_failure()
def main() -> None:
    """Parse the command line and distil."""
    options = _arguments()
    recipe = Recipe(
        **{it.name: getattr(options, it.name) for it in fields(Recipe) if it.name in options}
    )
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    # One graph for each length of a past, with gradients and without.
    torch._dynamo.config.recompile_limit = 64  # noqa: SLF001
    world._paint = torch.compile(world._paint)  # noqa: SLF001
    distil(
        options.folder,
        recipe,
        teacher=options.teacher,
        start=options.start,
        output=options.output or options.folder / "weights",
        device=options.device,
    )


if __name__ == "__main__":
    main()
