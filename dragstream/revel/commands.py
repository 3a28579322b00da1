"""The commands that run suites and keep cases: run, report, cases, record, labels."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tqdm.auto import tqdm

from dragstream.drags.files import expanded
from dragstream.metrics.label_commands import add_file, add_number
from dragstream.models import load
from dragstream.revel.cases import Case
from dragstream.revel.dispatch import SCHEDULERS, open_client
from dragstream.revel.methods import ALL, BASELINE, FULL, select
from dragstream.revel.recorder import from_labels, record
from dragstream.revel.reports import write_report
from dragstream.revel.runs import run
from dragstream.revel.sampling import SEED, sample_case
from dragstream.revel.studies import STUDIES, study_methods
from dragstream.revel.suites import SUITES, CaseSpec, suite, write_cases
from dragstream.revel.tables import reference_row
from dragstream.stream.stream import Stream

METHODS = "comma separated, of " + ", ".join(method.name for method in ALL)
_OWN = "what ds.load takes (default: the one that a file of cases names, else playground)"


def add_command(
    commands: Any, name: str, call: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    """Add the parser of a command; `call` returns the exit status."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(call=call)
    return parser


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add `--json` and `--markdown`."""
    add_file(parser, "--json", "write everything there", metavar="FILE")
    add_file(parser, "--markdown", "write the tables there", metavar="FILE")


def add_suite(parser: argparse.ArgumentParser) -> None:
    """Add the suite, `--cases`, `--out` and `--seed`."""
    named = "; ".join(f"{name}: {what}" for name, what in SUITES.items())
    parser.add_argument("suite", metavar="SUITE", help=f"{named}; or a file of cases")
    parser.add_argument("--cases", type=int, metavar="N", help="only the first N")
    parser.add_argument("--out", type=expanded, required=True, metavar="PATH")
    add_number(parser, "--seed", SEED, "of the benchmark")


def add_against(parser: argparse.ArgumentParser) -> None:
    """Add `--against`."""
    text = f"compare the others with it case by case (default: {FULL}, else {BASELINE})"
    parser.add_argument("--against", metavar="METHOD", help=text)


def write_outputs(options: argparse.Namespace, document: dict[str, Any], table: str) -> None:
    """Print a table; write it and the document to the files named in the options."""
    print(table, end="")
    text = json.dumps(document, indent=2) + "\n"
    for file, content in ((options.json, text), (options.markdown, table)):
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")


def add_scheduler(parser: argparse.ArgumentParser) -> None:
    """Add the options of `open_client`."""
    parser.add_argument(
        "--scheduler", default="local", metavar="S", help=f"{SCHEDULERS} (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, help='of "processes" (default: 2, or one a GPU)')


def add_commands(commands: Any) -> None:
    """Add the commands to subparsers."""
    runs = add_command(
        commands,
        "run",
        _run,
        "methods on the cases of a suite, into a folder; may be stopped and called again",
    )
    add_suite(runs)
    runs.add_argument("--model", help=_OWN)
    chosen = runs.add_mutually_exclusive_group()
    chosen.add_argument(
        "--studies", help=f"comma separated, of {', '.join(STUDIES)} (default: all)"
    )
    chosen.add_argument("--methods", help=METHODS)
    add_scheduler(runs)
    gpus = 'a case takes a worker with a GPU to spare; "processes" starts so many such workers'
    add_number(runs, "--gpus", 0, gpus)
    add_number(runs, "--retries", 2, "of a case that fails")
    runs.add_argument("--no-report", action="store_true", help="write results only")
    runs.add_argument(
        "--films", action="store_true", help="keep each method's film, for gallery, blind and score"
    )
    report = add_command(commands, "report", _report, "a run's report.md and report.html")
    report.add_argument("folder", type=expanded)
    for each in (runs, report):
        add_against(each)
    cases = add_command(commands, "cases", _cases, "draw a suite's cases and write them to a file")
    add_suite(cases)
    cases.add_argument("--model", help=_OWN)
    recorded = add_command(commands, "record", _record, "cases from the drags of a saved stream")
    recorded.add_argument("stream", type=expanded, metavar="FILE", help="what Stream.save wrote")
    recorded.add_argument("--name", help="of the cases (default: the file's)")
    recorded.add_argument("--model", default="playground", help="the model of the stream")
    labels = add_command(
        commands, "labels", _labels, "cases from released label folders, or folders of those"
    )
    labels.add_argument("folders", type=expanded, nargs="+", metavar="FOLDER")
    labels.add_argument("--model", default="self-forcing", help="(default: %(default)s)")
    add_number(labels, "--seed", 0, "of the streams")
    for each in (recorded, labels):
        each.add_argument("--out", type=expanded, required=True, metavar="FILE")


def _model(options: argparse.Namespace, items: Iterable[Case | CaseSpec]) -> str:
    """The model of the options, else that of the cases, else the packaged one."""
    if options.model is not None:
        return str(options.model)
    names = sorted({item.model for item in items if isinstance(item, Case)})
    if len(names) > 1:
        raise ValueError(f"the cases are of several models, {names}: name one (--model)")
    return names[0] if names else "playground"


def _run(options: argparse.Namespace) -> int:
    items = suite(options.suite, options.cases)
    if options.methods:
        methods = select(options.methods.split(","))
    else:
        methods = study_methods(options.studies.split(",") if options.studies else None)
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
        return stopped(options)
    if not options.no_report and (options.out / "results.jsonl").exists():
        _report(argparse.Namespace(folder=options.out, against=options.against))
    if failures:
        text = f"{len(failures)} of {len(items)} cases failed; the same command tries them again"
        print(text, file=sys.stderr)
    return 1 if failures else 0


def stopped(options: argparse.Namespace) -> int:
    """Print how to continue a stopped command; returns the exit status."""
    print(f"stopped; the same command continues in {options.out}", file=sys.stderr)
    return 130


def _report(options: argparse.Namespace) -> int:
    for file in write_report(options.folder, options.against):
        print(file)
    return 0


def _cases(options: argparse.Namespace) -> int:
    items = suite(options.suite, options.cases)
    model = load(_model(options, items))
    drawn = [
        sample_case(model, item, options.seed)[0] if isinstance(item, CaseSpec) else item
        for item in tqdm(items, unit="case")
    ]
    return store_cases(options, drawn)


def _record(options: argparse.Namespace) -> int:
    stream = Stream.restore(options.stream, load(options.model))
    return store_cases(options, record(stream, options.name or options.stream.stem))


def _labels(options: argparse.Namespace) -> int:
    given = {"model": options.model, "seed": options.seed}
    cases = [case for folder in options.folders for case in from_labels(folder, **given)]
    return store_cases(options, cases)


def store_cases(options: argparse.Namespace, cases: Sequence[Case]) -> int:
    """Write cases to the file named in the options, and print its name."""
    print(f"{len(cases)} case(s) in {write_cases(options.out, cases)}")
    return 0
