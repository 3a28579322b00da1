"""Commands on files: score, export, verify, movebench, gallery, blind, count."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from dragstream.drags.files import expanded
from dragstream.drags.movebench import MODES
from dragstream.metrics.label_commands import (
    NOT_MEASURED,
    add_number,
    named_tracker,
    tracking_options,
)
from dragstream.metrics.objmc import ObjMCOptions
from dragstream.models import load
from dragstream.revel.blind import count_choices, count_table, write_blind
from dragstream.revel.commands import (
    add_command,
    add_outputs,
    add_suite,
    stopped,
    store_cases,
    write_outputs,
)
from dragstream.revel.dataset import check_dataset, write_dataset
from dragstream.revel.gallery import write_gallery
from dragstream.revel.methods import FULL
from dragstream.revel.recorder import movebench_cases
from dragstream.revel.score_files import find_items
from dragstream.revel.scoring import SCORES, dai_score, score, score_table, summarise
from dragstream.revel.suites import SUITES, suite


def add_evidence_commands(commands: Any) -> None:
    """Add the commands to subparsers."""
    _add_score(add_command(commands, "score", _score, "scores of video files from any program"))
    export = add_command(commands, "export", _export, "a suite's cases as data with a card")
    add_suite(export)
    export.add_argument("--model", default="playground", help="(default: %(default)s)")
    export.add_argument(
        "--license", metavar="SPDX", help="of a file of cases; suites are Apache-2.0"
    )
    verify = add_command(commands, "verify", _verify, "read what export wrote, and its checksums")
    verify.add_argument("folder", type=expanded)
    movebench = add_command(commands, "movebench", _movebench, "MoveBench as cases for a model")
    movebench.add_argument("folder", type=expanded, help="MoveBench")
    movebench.add_argument("--mode", choices=MODES, default=MODES[0], help="(default: %(default)s)")
    movebench.add_argument("--language", default="en", help="(default: %(default)s)")
    movebench.add_argument("--cases", type=int, metavar="N", help="only the first N")
    movebench.add_argument(
        "--model", required=True, help="what ds.load takes; it must know the captions' words"
    )
    add_number(movebench, "--seed", 0, "of the streams")
    movebench.add_argument("--out", type=expanded, required=True, metavar="FILE")
    _add_pages(commands)


def _add_pages(commands: Any) -> None:
    gallery = add_command(commands, "gallery", _gallery, "a page of a run's cases, failures first")
    gallery.add_argument("run", type=expanded, help="a run with --films")
    gallery.add_argument("--methods", help=f"comma separated (default: {FULL}, else all)")
    blind = add_command(
        commands, "blind", _blind, "a page to choose between two runs, without names"
    )
    blind.add_argument("first", type=expanded, help="a run with --films")
    blind.add_argument("second", type=expanded, help="another one, or the same")
    of_each = "one of each run, comma separated (default: %(default)s)"
    blind.add_argument("--methods", default=f"{FULL},{FULL}", help=of_each)
    for page in (gallery, blind):
        page.add_argument("--out", type=expanded, required=True, metavar="FILE.html")
        add_number(page, "--megabytes", 20.0, "of pictures")
    count = add_command(commands, "count", _count, "count the choices made on a page of blind")
    count.add_argument("files", type=expanded, nargs="+", metavar="choices.json")
    add_outputs(count)


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
    layout = {"movebench": options.movebench, "language": options.language}
    items = find_items(options.folder, videos or None, **layout)
    measures = SCORES if options.dai is None else (*SCORES, dai_score(load(options.dai)))
    following = ObjMCOptions(
        points=options.points, seed=options.seed, least_coverage=options.least_coverage
    )
    rows = score(items, measures, named_tracker(options), following)
    total = sum(len(item.videos) for item in items)
    summary = summarise(tqdm(rows, total=total, unit="video"), measures)
    write_outputs(options, summary, score_table(summary))
    measured = any(each["objmc"]["count"] for each in summary["methods"].values())
    return 0 if measured else NOT_MEASURED


def _export(options: argparse.Namespace) -> int:
    known = options.suite in SUITES
    if not known and options.license is None:
        raise ValueError("cases of a file need the name of their licence: --license SPDX")
    items = suite(options.suite, options.cases)
    try:
        folder = write_dataset(
            options.out,
            items,
            load(options.model),
            suite=options.suite if known else Path(options.suite).stem,
            license=options.license or "Apache-2.0",
            seed=options.seed,
        )
    except KeyboardInterrupt:
        return stopped(options)
    print(f"{len(items)} case(s) in {folder}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    found = check_dataset(options.folder)
    parts = ", ".join(f"{count} {part}" for part, count in found.about["cases"].items())
    print(f"{len(found.commands)} case(s) ({parts}), all checksums hold; SHA-256 {found.checksum}")
    return 0


def _movebench(options: argparse.Namespace) -> int:
    cases = movebench_cases(
        options.folder,
        load(options.model).spec,
        mode=options.mode,
        language=options.language,
        count=options.cases,
        seed=options.seed,
    )
    return store_cases(options, list(cases))


def _gallery(options: argparse.Namespace) -> int:
    methods = options.methods.split(",") if options.methods else None
    print(write_gallery(options.run, options.out, methods, megabytes=options.megabytes))
    return 0


def _blind(options: argparse.Namespace) -> int:
    runs, methods = (options.first, options.second), tuple(options.methods.split(","))
    if len(methods) != 2:
        raise ValueError(f"--methods must name two, got {list(methods)}")
    print(write_blind(*runs, options.out, methods, megabytes=options.megabytes))
    return 0


def _count(options: argparse.Namespace) -> int:
    count = count_choices(options.files)
    write_outputs(options, count.to_json(), count_table(count))
    return NOT_MEASURED if count.share is None else 0
