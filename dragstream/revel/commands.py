"""The commands that run suites and keep cases: run, report, cases, record, labels."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from dragstream.drags.files import expanded
from dragstream.models import load
from dragstream.revel.cases import Case
from dragstream.revel.dispatch import SCHEDULERS, open_client
from dragstream.revel.methods import ALL, BASELINE, FULL, Method, select
from dragstream.revel.paired_tables import reference_row
from dragstream.revel.recorder import from_labels, record
from dragstream.revel.reports import write_report
from dragstream.revel.runs import run
from dragstream.revel.sampling import SEED, sample_case
from dragstream.revel.specs import CaseSpec
from dragstream.revel.studies import STUDIES, study_methods
from dragstream.revel.suites import SUITES, suite, write_cases
from dragstream.stream.stream import Stream

_SUITE = "; ".join(f"{name}: {what}" for name, what in SUITES.items())


def add_commands(commands: Any) -> None:
    """Add the commands to subparsers; each sets `call`, which returns the exit status."""
    _add_run(commands)
    _add_keeping(commands)


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add `--json` and `--markdown`."""
    parser.add_argument("--json", type=expanded, metavar="FILE", help="write everything there")
    parser.add_argument("--markdown", type=expanded, metavar="FILE", help="write the tables there")


def write_outputs(options: argparse.Namespace, document: dict[str, Any], table: str) -> None:
    """Print a table; write it and the document to the files named in the options."""
    print(table, end="")
    text = json.dumps(document, indent=2) + "\n"
    for file, content in ((options.json, text), (options.markdown, table)):
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")


def _add_run(commands: Any) -> None:
    runs = commands.add_parser(
        "run",
        help="methods on the cases of a suite, into a folder; may be stopped and called again",
        epilog="Suites are " + _SUITE + "; or a file of cases.",
    )
    runs.set_defaults(call=_run)
    runs.add_argument("suite", metavar="SUITE")
    runs.add_argument("--out", type=expanded, required=True, metavar="FOLDER")
    runs.add_argument("--cases", type=int, metavar="N", help="only the first N")
    chosen = runs.add_mutually_exclusive_group()
    chosen.add_argument(
        "--studies", help="comma separated, of " + ", ".join(STUDIES) + " (default: all)"
    )
    chosen.add_argument(
        "--methods", help="comma separated, of " + ", ".join(method.name for method in ALL)
    )
    runs.add_argument(
        "--scheduler", default="local", metavar="S", help=f"{SCHEDULERS} (default: %(default)s)"
    )
    runs.add_argument("--workers", type=int, help='of "processes" (default: 2, or one a GPU)')
    runs.add_argument(
        "--gpus",
        type=int,
        default=0,
        metavar="N",
        help='a case takes a worker with a GPU to spare; "processes" starts N such workers',
    )
    runs.add_argument(
        "--retries", type=int, default=2, help="of a case that fails (default: %(default)s)"
    )
    runs.add_argument("--no-report", action="store_true", help="write results only")
    runs.add_argument(
        "--films", action="store_true", help="keep each method's film, for gallery, blind and score"
    )
    _add_model(runs, "the one that a file of cases names, else playground")
    reports = commands.add_parser("report", help="a run's report.md and report.html")
    reports.set_defaults(call=_report)
    reports.add_argument("folder", type=expanded)
    for each in (runs, reports):
        each.add_argument(
            "--against",
            metavar="METHOD",
            help=f"compare the others with it case by case (default: {FULL}, else {BASELINE})",
        )


def _add_keeping(commands: Any) -> None:
    cases = commands.add_parser("cases", help="draw a suite's cases and write them to a file")
    cases.set_defaults(call=_cases)
    cases.add_argument("suite", metavar="SUITE", help=_SUITE)
    cases.add_argument("--cases", type=int, metavar="N", help="only the first N")
    _add_model(cases, "the one that a file of cases names, else playground")
    recorded = commands.add_parser("record", help="cases from the drags of a saved stream")
    recorded.set_defaults(call=_record)
    recorded.add_argument("stream", type=expanded, metavar="FILE", help="what Stream.save wrote")
    recorded.add_argument("--name", help="of the cases (default: the file's)")
    recorded.add_argument("--model", default="playground", help="whose stream it is")
    labels = commands.add_parser(
        "labels", help="cases from released label folders, or folders of those"
    )
    labels.set_defaults(call=_labels)
    labels.add_argument("folders", type=expanded, nargs="+", metavar="FOLDER")
    labels.add_argument("--model", default="self-forcing", help="(default: %(default)s)")
    labels.add_argument("--seed", type=int, default=0, help="of the streams (default: 0)")
    for each in (cases, recorded, labels):
        each.add_argument("--out", type=expanded, required=True, metavar="FILE")


def _add_model(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--model", help=f"what ds.load takes (default: {default})")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="of the benchmark (default: %(default)s)"
    )


def _methods(options: argparse.Namespace) -> tuple[Method, ...]:
    if options.methods:
        return select(options.methods.split(","))
    return study_methods(options.studies.split(",") if options.studies else None)


def _model(options: argparse.Namespace, items: Iterable[Case | CaseSpec]) -> str:
    """The model that is named, else the cases' own, else the packaged one.

    Raises:
        ValueError: no model is named, and the cases are of several.
    """
    if options.model is not None:
        return str(options.model)
    names = sorted({item.model for item in items if isinstance(item, Case)})
    if len(names) > 1:
        raise ValueError(f"the cases are of several models, {names}: name one (--model)")
    return names[0] if names else "playground"


def _run(options: argparse.Namespace) -> int:
    items, methods = suite(options.suite, options.cases), _methods(options)
    model = _model(options, items)
    reference_row([method.name for method in methods], options.against)  # before the work
    try:
        with open_client(options.scheduler, options.workers, gpus=options.gpus) as client:
            failures = run(
                items,
                methods,
                options.out,
                model=model,
                client=client,
                gpus=bool(options.gpus),
                retries=options.retries,
                seed=options.seed,
                films=options.films,
                warn=lambda text: tqdm.write(text, file=sys.stderr),
            )
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on in {options.out}", file=sys.stderr)
        return 130
    if not options.no_report and (options.out / "results.jsonl").exists():
        _report(argparse.Namespace(folder=options.out, against=options.against))
    if failures:
        print(
            f"{len(failures)} of {len(items)} cases failed; the same command tries them again",
            file=sys.stderr,
        )
    return 1 if failures else 0


def _report(options: argparse.Namespace) -> int:
    for file in write_report(options.folder, options.against):
        print(file)
    return 0


def _cases(options: argparse.Namespace) -> int:
    chosen = suite(options.suite, options.cases)
    model = load(_model(options, chosen))
    items: Iterable[Case | CaseSpec] = tqdm(chosen, unit="case")
    return _write(
        options.out,
        [
            sample_case(model, item, options.seed)[0] if isinstance(item, CaseSpec) else item
            for item in items
        ],
    )


def _record(options: argparse.Namespace) -> int:
    stream = Stream.restore(options.stream, load(options.model))
    return _write(options.out, record(stream, options.name or options.stream.stem))


def _labels(options: argparse.Namespace) -> int:
    return _write(
        options.out,
        [
            case
            for folder in options.folders
            for case in from_labels(folder, model=options.model, seed=options.seed)
        ],
    )


def _write(file: Path, cases: Iterable[Case]) -> int:
    written = list(cases)
    print(f"{len(written)} case(s) in {write_cases(file, written)}")
    return 0
