"""``python -m dragstream.revel``: how well does a model obey drags?"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from dragstream.metrics.trackers import LucasKanade, Tracker, opencv
from dragstream.models import load
from dragstream.revel.methods import ABLATIONS, select
from dragstream.revel.scenes import playground_cases
from dragstream.revel.sweep import Result, measure, replay
from dragstream.revel.tables import document, markdown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        outcome = _playground(options)
    except (OSError, ValueError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    table = markdown(outcome)
    print(table)
    for file, text in (
        (options.json, json.dumps(outcome, indent=2) + "\n"),
        (options.markdown, table),
    ):
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dragstream.revel", description=__doc__)
    suites = parser.add_subparsers(dest="suite", required=True)
    playground = suites.add_parser(
        "playground", help="held-out scenes of the packaged world, drags of all kinds"
    )
    playground.add_argument("--scenes", type=int, default=24, help="(default: %(default)s)")
    playground.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    playground.add_argument(
        "--model", default="playground", help="what ds.load takes (default: %(default)s)"
    )
    playground.add_argument(
        "--methods",
        help="comma separated, of " + ", ".join(method.name for method in ABLATIONS),
    )
    playground.add_argument(
        "--warm-up",
        type=int,
        default=2,
        help="plain blocks between the rendered start and the drag (default: %(default)s)",
    )
    playground.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    playground.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    return parser


def _playground(options: argparse.Namespace) -> dict[str, Any]:
    methods = select(options.methods.split(",") if options.methods else None)
    model = load(options.model)
    flow = _flow()
    results: list[Result] = []
    cases = playground_cases(model, options.scenes, options.seed, warm_up=options.warm_up)
    with tqdm(total=options.scenes * len(methods), unit="run") as bar:
        for case in cases:
            bar.set_description(case.name)
            situation = replay(model, case)
            for method in methods:
                results.append(measure(situation, method, flow))
                bar.update()
    return document(
        results,
        model=model.spec.name,
        scenes=options.scenes,
        seed=options.seed,
        fingerprint=model.fingerprint(),
        warm_up=options.warm_up,
        machine={
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        },
    )


def _flow() -> Tracker | None:
    """Lucas-Kanade beside the world's own truth, where OpenCV is installed."""
    try:
        opencv()
    except ImportError:
        print("OpenCV is not installed: no figures by optical flow", file=sys.stderr)
        return None
    # A smaller window than the default suits frames of 192 pixels.
    return LucasKanade(window=15)


if __name__ == "__main__":
    sys.exit(main())
