"""``python -m dragstream.revel``: the benchmark of drags."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from dragstream.drags.files import expanded
from dragstream.metrics.trackers import LucasKanade, Tracker, opencv
from dragstream.models import load
from dragstream.models.base import VideoModel
from dragstream.revel import captions, identity, likeness, live
from dragstream.revel.cases import PLANNED, Kind
from dragstream.revel.commands import add_commands, add_outputs, write_outputs
from dragstream.revel.evidence_commands import add_evidence_commands
from dragstream.revel.folders import read_results
from dragstream.revel.methods import ALL, BASELINE, FULL, Method, constants, resolved, select
from dragstream.revel.paired_tables import reference_row
from dragstream.revel.runs import run
from dragstream.revel.scenes import scene_specs
from dragstream.revel.tables import document, markdown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.call(options)
    except (OSError, ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


def _tabulate(options: argparse.Namespace) -> int:
    """Print the tables of a measurement; write them to the files named in the options."""
    try:
        outcome, table = options.run(options)
    except KeyboardInterrupt:
        folder = getattr(options, "out", None)
        if folder is None:
            raise
        print(f"stopped; the same command continues in {folder}", file=sys.stderr)
        return 130
    write_outputs(options, outcome, table)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dragstream.revel", description=__doc__)
    suites = parser.add_subparsers(dest="suite", required=True)
    for suite in (*_sweeps(suites), *_observations(suites), _pulling(suites)):
        suite.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
        suite.add_argument(
            "--model", default="playground", help="what ds.load takes (default: %(default)s)"
        )
        suite.add_argument("--dtype", help="of the weights, such as bfloat16")
        suite.set_defaults(call=_tabulate)
        add_outputs(suite)
    add_commands(suites)
    add_evidence_commands(suites)
    return parser


def _sweeps(suites: Any) -> Iterator[argparse.ArgumentParser]:
    """Commands that run methods on held-out scenes."""
    playground = suites.add_parser(
        "playground", help="held-out scenes of the packaged world, drags of all kinds"
    )
    playground.set_defaults(run=_playground)
    playground.add_argument(
        "--methods",
        help="comma separated, of " + ", ".join(method.name for method in ALL),
    )
    playground.add_argument(
        "--kinds",
        type=_kinds,
        default=PLANNED,
        help="of the drags, comma separated, of "
        + ", ".join(kind.value for kind in Kind)
        + "; default: "
        + ", ".join(kind.value for kind in PLANNED),
    )
    playground.add_argument(
        "--against",
        metavar="METHOD",
        help=f"compare the others with it case by case (default: {FULL}, else {BASELINE})",
    )
    grid = suites.add_parser(
        "constants", help="the learning rate, denoising step and layers that suit a model"
    )
    grid.set_defaults(run=_constants)
    grid.add_argument("--steps", type=int, nargs="+", default=[1, 2], help="counted from 0")
    grid.add_argument("--rates", type=float, nargs="+", default=[0.05, 0.1, 0.2])
    grid.add_argument(
        "--layers",
        type=lambda text: tuple(int(layer) for layer in text.split(",")),
        nargs="+",
        default=[(2, 3)],
        help="choices such as 2,3 3,4",
    )
    for suite in (playground, grid):
        suite.add_argument("--scenes", type=int, default=24, help="(default: %(default)s)")
        suite.add_argument(
            "--out",
            type=expanded,
            metavar="FOLDER",
            help="keep results there after each scene; the same command continues a stopped run",
        )
        suite.add_argument(
            "--warm-up",
            type=int,
            default=2,
            help="plain blocks between the rendered start and the drag (default: %(default)s)",
        )
        yield suite


def _observations(suites: Any) -> Iterator[argparse.ArgumentParser]:
    """Commands that examine streams without drags."""
    objects = suites.add_parser("identity", help="objects of the packaged world, many blocks on")
    objects.set_defaults(run=_identity)
    objects.add_argument(
        "--blocks",
        type=int,
        nargs="+",
        default=list(identity.BLOCKS),
        help="(default: %(default)s)",
    )
    words = suites.add_parser("captions", help="objects that captions describe, without a picture")
    words.set_defaults(run=_captions)
    clips = suites.add_parser(
        "likeness", help="Frechet distance of clips made from captions from rendered ones"
    )
    clips.set_defaults(run=_likeness)
    for suite in (words, clips):
        suite.add_argument("--blocks", type=int, default=2, help="of each (default: %(default)s)")
    for suite, streams in ((objects, 8), (words, 24), (clips, 48)):
        suite.add_argument("--streams", type=int, default=streams, help="(default: %(default)s)")
        yield suite


def _pulling(suites: Any) -> argparse.ArgumentParser:
    """The command that pulls objects while the video plays."""
    pulling: argparse.ArgumentParser = suites.add_parser(
        "live", help="objects that a pointer pulls along curves while the video plays"
    )
    pulling.set_defaults(run=_live)
    pulling.add_argument("--scenes", type=int, default=8, help="(default: %(default)s)")
    pulling.add_argument(
        "--seconds", type=float, default=5.0, help="of video, of each (default: %(default)s)"
    )
    pulling.add_argument(
        "--speed", type=float, default=live.SPEED, help="pixels a second (default: %(default)s)"
    )
    pulling.add_argument(
        "--turn", type=float, default=0.0, help="degrees a second (default: %(default)s)"
    )
    pulling.add_argument(
        "--growth", type=float, default=1.0, help="factor at the end (default: %(default)s)"
    )
    pulling.add_argument(
        "--releases",
        type=int,
        default=3,
        help="times that the object is let go in each scene while the video plays, for the seconds "
        "to the first picture; 0: not measured (default: %(default)s)",
    )
    pulling.add_argument(
        "--methods",
        default=FULL,
        help="such as I=4,no_adsr (default: %(default)s)",
    )
    return pulling


def _load(options: argparse.Namespace) -> VideoModel:
    return load(options.model, **({} if options.dtype is None else {"dtype": options.dtype}))


def _origin(options: argparse.Namespace, model: VideoModel) -> dict[str, Any]:
    return {
        "model": model.spec.name,
        "fingerprint": model.fingerprint(),
        "streams": options.streams,
        "seed": options.seed,
    }


def _identity(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    model = _load(options)
    found = list(identity.observe(model, options.streams, options.seed, options.blocks))
    marks = identity.summary(found)
    outcome = {"marks": marks, "glimpses": [asdict(each) for each in found]}
    return _origin(options, model) | outcome, _text(identity.summary_table(marks))


def _live(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    model, methods = _load(options), select(options.methods.split(","))
    lead = live.Lead(options.seconds, options.speed, options.turn, options.growth)
    scenes = live.pulls(
        model, options.scenes, methods, options.seed, lead=lead, releases=options.releases
    )
    found = [each for scene in tqdm(scenes, total=options.scenes, unit="scene") for each in scene]
    rows, table = live.report(found)
    outcome = {
        "model": model.spec.name,
        "fingerprint": model.fingerprint(),
        "scenes": options.scenes,
        "seed": options.seed,
        **lead._asdict(),
        "methods": rows,
        "pulls": [each.to_json() for each in found],
    }
    return outcome, table


def _captions(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    model = _load(options)
    found = list(captions.read(model, options.streams, options.seed, options.blocks))
    shares = captions.accuracy(found)
    outcome = {"shares": shares, "readings": [asdict(each) for each in found]}
    return _origin(options, model) | outcome, _text(captions.accuracy_table(shares))


def _likeness(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    model = _load(options)
    found = likeness.distances(model, options.streams, options.seed, options.blocks)
    outcome = {name: distance.to_json() for name, distance in found.items()}
    return _origin(options, model) | outcome, _text(likeness.distances_table(found))


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"


def _kinds(text: str) -> tuple[Kind, ...]:
    return tuple(Kind(name.strip()) for name in text.split(","))


def _playground(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    return _run(options, select(options.methods.split(",") if options.methods else None))


def _constants(options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    return _run(options, constants(options.steps, options.rates, options.layers))


def _run(options: argparse.Namespace, methods: Sequence[Method]) -> tuple[dict[str, Any], str]:
    """Every method on every held-out scene."""
    model = _load(options)
    kinds, against = getattr(options, "kinds", PLANNED), getattr(options, "against", None)
    reference_row([method.name for method in methods], against)  # before the work
    items = scene_specs(options.scenes, options.seed, warm_up=options.warm_up, kinds=kinds)
    with _folder(options.out) as folder:
        failures = run(items, methods, folder, model=model, flow=_flow())
        for error in failures.values():
            raise error
        found = {(each.case, each.method): each for each in read_results(folder)}
    results = [found[item.name, method.name] for item in items for method in methods]
    outcome = document(
        results,
        model=model.spec.name,
        scenes=options.scenes,
        seed=options.seed,
        against=against,
        fingerprint=model.fingerprint(),
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
    """Lucas-Kanade beside the world's own truth, where OpenCV is installed."""
    try:
        opencv()
    except ImportError:
        print("OpenCV is not installed: no figures by optical flow", file=sys.stderr)
        return None
    # A smaller window than the default suits frames of 256 pixels.
    return LucasKanade(window=15)


if __name__ == "__main__":
    sys.exit(main())
