"""``python -m dragstream.revel``: the benchmark of drags."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from dragstream.drags.failures import FAILURES, one_line
from dragstream.drags.files import expanded
from dragstream.metrics.label_commands import add_number
from dragstream.metrics.trackers import LucasKanade, Tracker, opencv
from dragstream.models import load
from dragstream.models.base import VideoModel
from dragstream.revel import captions, live, live_report
from dragstream.revel.cases import PLANNED, Kind
from dragstream.revel.commands import (
    METHODS,
    add_against,
    add_command,
    add_commands,
    add_outputs,
    add_scheduler,
    stopped,
    write_outputs,
)
from dragstream.revel.dispatch import open_client
from dragstream.revel.evidence_commands import add_evidence_commands
from dragstream.revel.folders import read_results
from dragstream.revel.methods import FULL, Method, constants, resolved, select
from dragstream.revel.runs import run
from dragstream.revel.scenes import scene_specs
from dragstream.revel.tables import document, markdown, reference_row

Outcome = tuple[dict[str, Any], str]
"""A measurement as JSON, and its tables in Markdown."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.call(options)
    except FAILURES as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 1
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dragstream.revel", description=__doc__)
    commands = parser.add_subparsers(dest="suite", required=True)
    for add in (_add_sweeps, _add_observations, add_commands, add_evidence_commands):
        add(commands)
    return parser


def _tabulate(options: argparse.Namespace) -> int:
    """Print the tables of a measurement; write them to the files named in the options."""
    try:
        outcome, table = options.run(options)
    except KeyboardInterrupt:
        if getattr(options, "out", None) is None:
            raise
        return stopped(options)
    write_outputs(options, outcome, table)
    return 0


def _measurement(
    commands: Any, name: str, run: Callable[[argparse.Namespace], Outcome], text: str
) -> argparse.ArgumentParser:
    parser = add_command(commands, name, _tabulate, text)
    parser.set_defaults(run=run)
    add_number(parser, "--seed", 0)
    parser.add_argument(
        "--model", default="playground", help="what ds.load takes (default: %(default)s)"
    )
    parser.add_argument("--dtype", help="of the weights, such as bfloat16")
    add_outputs(parser)
    return parser


def _add_sweeps(commands: Any) -> None:
    """Commands that run methods on held-out scenes."""
    text = "held-out scenes of the packaged world, drags of all kinds"
    playground = _measurement(commands, "playground", _playground, text)
    playground.add_argument("--methods", help=METHODS)
    every, planned = (", ".join(kind.value for kind in kinds) for kinds in (Kind, PLANNED))
    kinds = f"of the drags, comma separated, of {every}; default: {planned}"
    playground.add_argument("--kinds", type=_kinds, default=PLANNED, help=kinds)
    add_against(playground)
    text = "the learning rate, denoising step and layers that suit a model"
    grid = _measurement(commands, "constants", _constants, text)
    grid.add_argument("--steps", type=int, nargs="+", default=[1, 2], help="counted from 0")
    grid.add_argument("--rates", type=float, nargs="+", default=[0.05, 0.1, 0.2])
    grid.add_argument(
        "--layers", type=_layers, nargs="+", default=[(2, 3)], help="choices such as 2,3 3,4"
    )
    for each in (playground, grid):
        add_number(each, "--scenes", 24)
        kept = "keep results there after each scene; the same command continues a stopped run"
        each.add_argument("--out", type=expanded, metavar="FOLDER", help=kept)
        add_scheduler(each)
        add_number(each, "--warm-up", 2, "plain blocks between the rendered start and the drag")


def _add_observations(commands: Any) -> None:
    """Commands that examine streams without drags, or pull objects while the video plays."""
    text = "objects of the packaged world, many blocks on"
    objects = _measurement(commands, "identity", _identity, text)
    shown = "(default: %(default)s)"
    objects.add_argument("--blocks", type=int, nargs="+", default=list(captions.BLOCKS), help=shown)
    text = "objects that captions describe, without a picture"
    words = _measurement(commands, "captions", _captions, text)
    text = "Frechet distance of clips made from captions from rendered ones"
    clips = _measurement(commands, "likeness", _likeness, text)
    for each in (words, clips):
        add_number(each, "--blocks", 2, "of each")
    for each, streams in ((objects, 8), (words, 24), (clips, 48)):
        add_number(each, "--streams", streams)
    text = "objects that a pointer pulls along curves while the video plays"
    pulling = _measurement(commands, "live", _live, text)
    add_number(pulling, "--scenes", 8)
    add_number(pulling, "--seconds", 5.0, "of video, of each")
    add_number(pulling, "--speed", live.SPEED, "pixels a second")
    add_number(pulling, "--turn", 0.0, "degrees a second")
    add_number(pulling, "--growth", 1.0, "factor at the end")
    text = (
        "times that the object is let go in each scene while the video plays, for the seconds to "
        "the first picture; 0: not measured"
    )
    add_number(pulling, "--releases", 3, text)
    text = "such as I=4,no_adsr (default: %(default)s)"
    pulling.add_argument("--methods", default=FULL, help=text)


def _kinds(text: str) -> tuple[Kind, ...]:
    return tuple(Kind(name.strip()) for name in text.split(","))


def _layers(text: str) -> tuple[int, ...]:
    return tuple(int(layer) for layer in text.split(","))


def _load(options: argparse.Namespace) -> tuple[VideoModel, dict[str, Any]]:
    """The model, and the entries that all outcomes share."""
    model = load(options.model, **({} if options.dtype is None else {"dtype": options.dtype}))
    counts = {
        name: getattr(options, name) for name in ("scenes", "streams", "seed") if name in options
    }
    return model, {"model": model.spec.name, "fingerprint": model.fingerprint(), **counts}


def _identity(options: argparse.Namespace) -> Outcome:
    model, about = _load(options)
    found = list(captions.observe(model, options.streams, options.seed, options.blocks))
    marks = captions.summary(found)
    outcome = {"marks": marks, "glimpses": [asdict(each) for each in found]}
    return about | outcome, _text(captions.summary_table(marks))


def _live(options: argparse.Namespace) -> Outcome:
    model, about = _load(options)
    methods = select(options.methods.split(","))
    lead = live.Lead(options.seconds, options.speed, options.turn, options.growth)
    scenes = live.pulls(
        model, options.scenes, methods, options.seed, lead=lead, releases=options.releases
    )
    found = [each for scene in tqdm(scenes, total=options.scenes, unit="scene") for each in scene]
    rows, table = live_report.report(found)
    pulls = [each.to_json() for each in found]
    return {**about, **lead._asdict(), "methods": rows, "pulls": pulls}, table


def _captions(options: argparse.Namespace) -> Outcome:
    model, about = _load(options)
    found = list(captions.read(model, options.streams, options.seed, options.blocks))
    shares = captions.accuracy(found)
    outcome = {"shares": shares, "readings": [asdict(each) for each in found]}
    return about | outcome, _text(captions.accuracy_table(shares))


def _likeness(options: argparse.Namespace) -> Outcome:
    model, about = _load(options)
    found = captions.distances(model, options.streams, options.seed, options.blocks)
    outcome = {name: distance.to_json() for name, distance in found.items()}
    return about | outcome, _text(captions.distances_table(found))


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _playground(options: argparse.Namespace) -> Outcome:
    methods = select(options.methods.split(",") if options.methods else None)
    return _run(options, methods, options.kinds, options.against)


def _constants(options: argparse.Namespace) -> Outcome:
    return _run(options, constants(options.steps, options.rates, options.layers))


def _run(
    options: argparse.Namespace,
    methods: Sequence[Method],
    kinds: Sequence[Kind] = PLANNED,
    against: str | None = None,
) -> Outcome:
    """Every method on every held-out scene."""
    model, about = _load(options)
    reference_row([method.name for method in methods], against)  # before the work
    items = scene_specs(options.scenes, options.seed, warm_up=options.warm_up, kinds=kinds)
    with (
        _folder(options.out) as folder,
        open_client(options.scheduler, options.workers) as client,
    ):
        # A worker loads a model that has a name.
        given = options.model if client and options.dtype is None else model
        failures = run(items, methods, folder, model=given, client=client, flow=_flow())
        for error in failures.values():
            raise error
        found = {(each.case, each.method): each for each in read_results(folder)}
    outcome = document(
        [found[item.name, method.name] for item in items for method in methods],
        **about,
        against=against,
        warm_up=options.warm_up,
        constants={method.name: resolved(method, model.spec) for method in methods},
        machine={
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        },
    )
    return outcome, markdown(outcome)


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """The folder of a run, or one that is removed afterwards."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _flow() -> Tracker | None:
    """The tracker of pixels, Lucas-Kanade; None without OpenCV."""
    try:
        opencv()
    except ImportError:
        print("OpenCV is not installed: no figures by optical flow", file=sys.stderr)
        return None
    # Frames of 256 pixels need a smaller window than the default.
    return LucasKanade(window=15)


if __name__ == "__main__":
    sys.exit(main())
