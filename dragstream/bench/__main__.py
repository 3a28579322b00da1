"""Speed and memory of a model's stream: `python -m dragstream.bench playground --json FILE`.

`python -m dragstream.bench wan --random-weights` compares a public model with a direct
implementation of the released procedure; with `--layers`, `--heads`, `--height` and `--width` it
fits a CPU.

`python -m dragstream.bench gpu --out FOLDER` runs all measurements that need a GPU, in at most nine
minutes; a stopped run continues.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

import torch
from tqdm.auto import tqdm

from dragstream import models
from dragstream.bench.against import compare_checkouts, lines
from dragstream.bench.gpu import parts as gpu
from dragstream.bench.measure import Report, compare_models, machine, measure
from dragstream.bench.random_models import random_wan
from dragstream.bench.wan import WanBenchmark
from dragstream.drags.failures import exit_on_failure
from dragstream.drags.files import expanded
from dragstream.models import wan
from dragstream.models.defaults import bfloat16_speed
from dragstream.models.wan.model import Wan

_MEBIBYTE = 2**20


@exit_on_failure()
def main(arguments: list[str] | None = None) -> None:
    """Run one subcommand."""
    options = _parser().parse_args(arguments)
    if options.model == "gpu":
        print(gpu.measure(options))
    elif options.against is not None:
        _against(options)
    elif options.model == "wan":
        _wan(options)
    else:
        _playground(options)


def _playground(options: argparse.Namespace) -> None:
    model = models.load(options.model)
    fast = f"{options.model}-fast"
    rows = {"fast": (models.load(fast), "fast", "default")}
    if bfloat16_speed() > 0.1:  # otherwise a pass takes minutes
        for key, name, other in (
            ("dtypes", options.model, "float32"),
            ("fast_bfloat16", fast, "default"),
        ):
            rows[key] = models.load(name, dtype="bfloat16"), "bfloat16", other
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
    compared = {}
    for key, (own, *names) in rows.items():
        with tqdm(desc=key, unit="part", leave=False) as bar:
            found = compare_models(
                own, model, options.prompt, pairs=options.repeats, progress=lambda _: bar.update()
            )
        print(f"{key}: seconds are processor time", lines(found, *names), sep="\n")
        compared[key] = {name: asdict(each) for name, each in found.items()}
    about = {"model": model.spec.name, "weights": model.fingerprint()}
    _store(options, about | report.to_json() | compared)


def _store(options: argparse.Namespace, outcome: dict[str, Any]) -> None:
    """Write figures and the machine's description to the file named in the options."""
    if options.json is not None:
        options.json.write_text(json.dumps({"machine": machine()} | outcome, indent=2) + "\n")


def _against(options: argparse.Namespace) -> None:
    given = {"model": options.model, "device": "cpu", "prompt": options.prompt, "blocks": 8}
    pairs = options.repeats if options.model == "playground" else options.pairs
    if options.model == "wan":
        if not options.random_weights:
            raise SystemExit("--against needs --random-weights, which two checkouts share")
        names = ("layers", "heads", "height", "width")
        sizes = {name: getattr(options, name) for name in names}
        given |= {"model": options.release, "device": _device(options), "sizes": sizes}
    try:
        found = compare_checkouts(options.against, given, pairs=pairs)
    except (OSError, RuntimeError) as error:
        raise SystemExit(str(error)) from error
    print(lines({f"{kind} block": each for kind, each in found.items()}))
    _store(options, {kind: asdict(each) for kind, each in found.items()})


def _device(options: argparse.Namespace) -> str:
    return str(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dragstream.bench", description=__doc__)
    commands = parser.add_subparsers(dest="model", required=True, metavar="MODEL")
    playground = commands.add_parser("playground", help="the model in the package")
    playground.add_argument("--prompt", default="a red critter slides right past a blue box")
    playground.add_argument("--early", type=int, default=20, help="block to compare with (20)")
    playground.add_argument("--late", type=int, default=200, help="block that must cost no more")
    playground.add_argument("--repeats", type=int, default=9, help="blocks a median is of (9)")
    public = commands.add_parser("wan", help="a public Wan beside the released procedure")
    _add_wan(public)
    for each in (playground, public):
        each.add_argument("--json", type=expanded, help="write the figures to this file")
        each.add_argument("--against", type=expanded, help="another checkout, to time beside this")
    gpu.add_options(commands.add_parser("gpu", help="everything that needs a GPU, in nine minutes"))
    return parser


def _add_wan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--release", default="self-forcing", help="which model (self-forcing)")
    parser.add_argument("--random-weights", action="store_true", help="download and read nothing")
    parser.add_argument("--layers", type=int, help="fewer layers, of random weights")
    parser.add_argument("--heads", type=int, help="fewer heads, of random weights")
    parser.add_argument("--height", type=int, help="pixels (the release's)")
    parser.add_argument("--width", type=int, help="pixels (the release's)")
    parser.add_argument("--device", default=None, help="cuda or cpu (cuda where there is one)")
    parser.add_argument("--iterations", type=int, nargs="*", default=[2, 3, 4], help="(2 3 4)")
    parser.add_argument("--pairs", type=int, default=3, help="runs of both, in alternation (3)")
    parser.set_defaults(prompt="a benchmark")


def _wan(options: argparse.Namespace) -> None:
    with tqdm(desc="measuring", unit="part") as bar:

        def show(part: str) -> None:
            bar.set_postfix_str(part)
            bar.update()

        model = _wan_model(options)
        benchmark = WanBenchmark(model, pairs=options.pairs, progress=show)
        report = benchmark.measure(options.iterations)
    print(report.table())
    _store(options, {"random_weights": options.random_weights} | asdict(report))


def _wan_model(options: argparse.Namespace) -> Wan:
    device = _device(options)
    size = {"height": options.height, "width": options.width}
    if options.random_weights:
        dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
        smaller = {"layers": options.layers, "heads": options.heads}
        return random_wan(options.release, **smaller, **size, device=device, dtype=dtype)
    if options.layers is not None or options.heads is not None:
        raise SystemExit("--layers and --heads need --random-weights")
    given = {name: value for name, value in size.items() if value is not None}
    return wan.load(options.release, device=device, **given)


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
