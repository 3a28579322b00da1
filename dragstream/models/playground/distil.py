"""Distil the packaged model to few plain steps: `python -m dragstream.models.playground.distil`.

The teacher is the packaged model, or another in its format: eight steps, five of them guided. The
student starts from the teacher's weights and learns to go as far in one step, without guidance, as
the teacher goes in two: at each of its noise levels its flow is regressed on the slope between two
points of the teacher's trajectory (progressive distillation, Salimans and Ho, ICLR 2022, with
guidance folded in as in Meng et al., CVPR 2023). Where the trajectories lead, the renderer has put
right what the teacher draws wrong (`mending`). The student's past carries a little unannounced
noise, and from a share of the training on it is what the student itself makes of it; then its block
is on a way of its own, too, from which it has to find back to the teacher's.

One command that can be stopped at any time and called again. What a step does depends on its
number alone, so training that was interrupted gives the same weights as training that was not.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from tqdm.auto import tqdm

from dragstream.drags.files import expanded
from dragstream.models.causal_compile import compile_layers
from dragstream.models.playground import world
from dragstream.models.playground.model import WEIGHTS, Playground
from dragstream.models.playground.student import Distillation, Recipe


def distil(
    folder: Path, recipe: Recipe, *, teacher: Path, cache: Path, output: Path, device: torch.device
) -> None:
    """Make trajectories, train the student on them and write its weights.

    Args:
        folder: of checkpoint and log; training goes on from what is there.
        recipe: how large and how long.
        teacher: folder of the teacher's weights.
        cache: folder of its trajectories.
        output: where the student's weights go.
        device: where to work.
    """
    for each in (folder, cache):
        each.mkdir(parents=True, exist_ok=True)
    model = Playground.from_folder(teacher).to(device)
    config = json.loads((teacher / "config.json").read_text())
    training = Distillation(model, config, folder, cache, recipe)
    training.resume()
    for each_model in (training.teacher, training.student):
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
        description="Distil the packaged model to few plain steps; the same command goes on.",
    )
    parser.add_argument("--steps", type=int, default=20_000, help="of training, in all")
    parser.add_argument("--folder", type=expanded, default=Path("build/distillation"))
    parser.add_argument("--cache", type=expanded, help="of trajectories (default: in the folder)")
    parser.add_argument("--teacher", type=expanded, default=WEIGHTS, help="folder of its weights")
    parser.add_argument("--output", type=expanded, help="of the weights (default: in the folder)")
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--learning-rate", type=float, default=Recipe.learning_rate)
    parser.add_argument("--own-from", type=float, default=Recipe.own_from)
    parser.add_argument("--shards", type=int, default=Recipe.shards)
    parser.add_argument("--every", type=int, default=Recipe.every, help="steps from file to file")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main() -> None:
    """Read the command line and distil."""
    options = _arguments()
    try:
        recipe = Recipe(
            steps=options.steps,
            batch=options.batch,
            learning_rate=options.learning_rate,
            own_from=options.own_from,
            shards=options.shards,
            every=options.every,
        )
    except ValueError as error:
        raise SystemExit(str(error)) from error
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    # One graph for each length of a past, with gradients and without.
    torch._dynamo.config.recompile_limit = 64  # noqa: SLF001
    world._paint = torch.compile(world._paint)  # noqa: SLF001
    distil(
        options.folder,
        recipe,
        teacher=options.teacher,
        cache=options.cache or options.folder / "trajectories",
        output=options.output or options.folder / "weights",
        device=torch.device(options.device),
    )


if __name__ == "__main__":
    main()
