"""Commands on files: score, export, verify, movebench, gallery, blind, count."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from dragstream.drags.files import expanded
from dragstream.drags.movebench import MODES
from dragstream.metrics.label_commands import named_tracker, tracking_options
from dragstream.metrics.objmc import ObjMCOptions
from dragstream.models import load
from dragstream.revel.blind import count_choices, count_table, write_blind
from dragstream.revel.commands import add_outputs, write_outputs
from dragstream.revel.dataset import check_dataset, write_dataset
from dragstream.revel.gallery import write_gallery
from dragstream.revel.methods import FULL
from dragstream.revel.movebench_cases import movebench_cases
from dragstream.revel.sampling import SEED
from dragstream.revel.score_files import find_items
from dragstream.revel.scoring import SCORES, dai_score, score, score_table, summarise
from dragstream.revel.suites import SUITES, suite, write_cases

NOT_MEASURED = 3
"""Exit status where nothing could be measured, as of ``python -m dragstream.metrics``."""


def add_evidence_commands(commands: Any) -> None:
    """Add the commands to subparsers; each sets `call`, which returns the exit status."""
    _add_score(_command(commands, "score", _score, "scores of video files, whoever made them"))
    _add_export(_command(commands, "export", _export, "a suite's cases as data with a card"))
    verify = _command(commands, "verify", _verify, "read what export wrote, and its checksums")
    verify.add_argument("folder", type=expanded)
    _add_movebench(_command(commands, "movebench", _movebench, "MoveBench as cases for a model"))
    gallery = _command(commands, "gallery", _gallery, "a page of a run's cases, failures first")
    gallery.add_argument("run", type=expanded, help="a run with --films")
    gallery.add_argument("--methods", help=f"comma separated (default: {FULL}, else all)")
    blind = _command(commands, "blind", _blind, "a page to choose between two runs, without names")
    blind.add_argument("first", type=expanded, help="a run with --films")
    blind.add_argument("second", type=expanded, help="another one, or the same")
    blind.add_argument(
        "--methods",
        default=f"{FULL},{FULL}",
        help="one of each run, comma separated (default: %(default)s)",
    )
    for page in (gallery, blind):
        page.add_argument("--out", type=expanded, required=True, metavar="FILE.html")
        page.add_argument(
            "--megabytes", type=float, default=20.0, help="of pictures (default: %(default)s)"
        )
    count = _command(commands, "count", _count, "count the choices made on a page of blind")
    count.add_argument("files", type=expanded, nargs="+", metavar="choices.json")
    add_outputs(count)


def _command(
    commands: Any, name: str, call: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(call=call)
    return parser


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=expanded, help="cases, with videos or without")
    parser.add_argument(
        "--videos",
        action="append",
        type=_named_folder,
        metavar="METHOD=FOLDER",
        help="a folder of NAME.mp4, once for each method; default: the videos beside the cases",
    )
    parser.add_argument("--movebench", choices=MODES, help="the folder is MoveBench")
    parser.add_argument("--language", default="en", help="of MoveBench (default: %(default)s)")
    parser.add_argument(
        "--dai", metavar="MODEL", help="measure DAI too, with the autoencoder of this model"
    )
    tracking_options(parser)
    add_outputs(parser)


def _named_folder(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"METHOD=FOLDER is expected, got {text!r}")
    return name, expanded(folder)


def _score(options: argparse.Namespace) -> int:
    videos = dict(options.videos or ())
    if len(videos) < len(options.videos or ()):
        raise ValueError("--videos names a method twice")
    items = find_items(
        options.folder, videos or None, movebench=options.movebench, language=options.language
    )
    measures = SCORES if options.dai is None else (*SCORES, dai_score(load(options.dai)))
    total = sum(len(item.videos) for item in items)
    following = ObjMCOptions(
        points=options.points,
        seed=options.seed,
        least_coverage=options.least_coverage,
    )
    rows = score(items, measures, named_tracker(options), following)
    summary = summarise(tqdm(rows, total=total, unit="video"), measures)
    write_outputs(options, summary, score_table(summary))
    measured = any(each["objmc"]["count"] for each in summary["methods"].values())
    return 0 if measured else NOT_MEASURED


def _add_export(parser: argparse.ArgumentParser) -> None:
    named = "; ".join(f"{name}: {what}" for name, what in SUITES.items())
    parser.add_argument("suite", metavar="SUITE", help=f"{named}; or a file of cases")
    parser.add_argument("--out", type=expanded, required=True, metavar="FOLDER")
    parser.add_argument("--cases", type=int, metavar="N", help="only the first N")
    parser.add_argument("--model", default="playground", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="(default: %(default)s)")
    parser.add_argument(
        "--license", metavar="SPDX", help="of a file of cases; suites are Apache-2.0"
    )


def _export(options: argparse.Namespace) -> int:
    if options.suite not in SUITES and options.license is None:
        raise ValueError("cases of a file need the name of their licence: --license SPDX")
    items = suite(options.suite, options.cases)
    try:
        folder = write_dataset(
            options.out,
            items,
            load(options.model),
            suite=options.suite if options.suite in SUITES else Path(options.suite).stem,
            license=options.license or "Apache-2.0",
            seed=options.seed,
        )
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on in {options.out}", file=sys.stderr)
        return 130
    print(f"{len(items)} case(s) in {folder}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    found = check_dataset(options.folder)
    parts = ", ".join(f"{count} {part}" for part, count in found.about["cases"].items())
    print(f"{len(found.commands)} case(s) ({parts}), all checksums hold; SHA-256 {found.checksum}")
    return 0


def _add_movebench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=expanded, help="MoveBench")
    parser.add_argument("--mode", choices=MODES, default=MODES[0], help="(default: %(default)s)")
    parser.add_argument("--language", default="en", help="(default: %(default)s)")
    parser.add_argument("--cases", type=int, metavar="N", help="only the first N")
    parser.add_argument(
        "--model", required=True, help="what ds.load takes; it must know the captions' words"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the streams (default: 0)")
    parser.add_argument("--out", type=expanded, required=True, metavar="FILE")


def _movebench(options: argparse.Namespace) -> int:
    cases = list(
        movebench_cases(
            options.folder,
            load(options.model).spec,
            mode=options.mode,
            language=options.language,
            count=options.cases,
            seed=options.seed,
        )
    )
    print(f"{len(cases)} case(s) in {write_cases(options.out, cases)}")
    return 0


def _gallery(options: argparse.Namespace) -> int:
    methods = options.methods.split(",") if options.methods else None
    print(write_gallery(options.run, options.out, methods, megabytes=options.megabytes))
    return 0


def _blind(options: argparse.Namespace) -> int:
    methods = options.methods.split(",")
    if len(methods) != 2:
        raise ValueError(f"--methods must name two, got {methods}")
    pair = (methods[0], methods[1])
    megabytes = options.megabytes
    print(write_blind(options.first, options.second, options.out, pair, megabytes=megabytes))
    return 0


def _count(options: argparse.Namespace) -> int:
    count = count_choices(options.files)
    write_outputs(options, count.to_json(), count_table(count))
    return NOT_MEASURED if count.share is None else 0
