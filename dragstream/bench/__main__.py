"""Measure how fast a model streams: `python -m dragstream.bench playground --json FILE`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tqdm.auto import tqdm

from dragstream import models
from dragstream.bench.measure import Report, machine, measure
from dragstream.models.base import VideoModel

_MEBIBYTE = 2**20


def main(arguments: list[str] | None = None) -> None:
    """Run one subcommand."""
    options = _parser().parse_args(arguments)
    model = models.load(options.model)
    with tqdm(total=options.late, desc="blocks", unit="block") as bar:
        report = measure(
            model,
            options.prompt,
            early=options.early,
            late=options.late,
            repeats=options.repeats,
            progress=lambda _: bar.update(),
        )
    print(describe(report))
    if options.json is not None:
        options.json.write_text(json.dumps(result(model, report), indent=2) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dragstream.bench", description=__doc__)
    commands = parser.add_subparsers(dest="model", required=True, metavar="MODEL")
    playground = commands.add_parser("playground", help="the model in the package")
    playground.add_argument("--prompt", default="a red critter slides right past a blue box")
    playground.add_argument("--early", type=int, default=20, help="block to compare with (20)")
    playground.add_argument("--late", type=int, default=200, help="block that must cost no more")
    playground.add_argument("--repeats", type=int, default=5, help="blocks a median is of (5)")
    playground.add_argument("--json", type=Path, help="write the figures to this file")
    return parser


def result(model: VideoModel, report: Report) -> dict[str, object]:
    """The report as JSON, with what it was measured on."""
    about = {"model": model.spec.name, "weights": model.fingerprint()}
    return about | {"machine": machine()} | report.to_json()


def describe(report: Report) -> str:
    """The report in six lines."""
    early, late = report.early, report.late
    rows = {
        "plain block": f"{report.plain_seconds:.2f} s",
        "dragged block": f"{report.dragged_seconds:.2f} s ({report.iterations} iterations), "
        f"{report.drag_ratio:.2f} x plain",
        f"block {late.block}": f"{late.seconds:.2f} s, "
        f"{report.time_growth:.2f} x block {early.block} ({early.seconds:.2f} s)",
        "memory": f"{late.resident_bytes / _MEBIBYTE:.0f} MiB, "
        f"{report.memory_growth:.2f} x block {early.block} without what the blocks keep",
        "gained a block": f"{report.grown_bytes / _MEBIBYTE:.2f} MiB, "
        f"{report.kept_bytes / _MEBIBYTE:.2f} MiB of it kept latents and frames",
        "peak": f"{report.peak_bytes / _MEBIBYTE:.0f} MiB",
    }
    return "\n".join(f"{name:<15} {value}" for name, value in rows.items())


if __name__ == "__main__":
    main()
