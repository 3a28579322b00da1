"""Measure again whatever depends on the packaged weights, and write it into the pages.

    python tools/make_figures.py                    # or: make figures
    python tools/make_figures.py --list             # which steps are up to date
    python tools/make_figures.py --only playground bench
    python tools/make_figures.py --again captions   # although it is up to date

Steps run in order: measurements, whose tables go into docs/results.md and README.md, the model
card, notebooks, pictures. A finished step leaves a stamp in build/figures: a hash of the weights,
of its command and of the files that it reads. A step with a current stamp is skipped, so a stopped
run continues, and new weights run everything again. Changes of the code do not count: name the
steps with --again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dragstream.revel.statistics import estimate

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "dragstream" / "models" / "playground" / "weights"
BUILD = ROOT / "build" / "figures"
TABLES = ("playground", "captions", "likeness", "identity")
"""Measurements of `dragstream.revel`: each is a table of the results and of the model card."""
FURTHER = ("rivals", "live", "turned", "minute")
"""Measurements of `dragstream.revel` that are tables of the results alone."""
_RIVALS = "none,I=4,no_adsr,no_sfs,fast,cut_and_paste,time_to_move"
_TURNED = ("live", "--seed", "13", "--seconds", "3", "--turn", "20", "--releases", "0")
_MINUTE = ("live", "--dtype", "bfloat16", "--scenes", "2", "--seconds", "60", "--releases", "0")
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Step:
    """A command of Python, and what decides whether it has to run."""

    name: str  # of the step and of its stamp
    command: tuple[str, ...]  # arguments after `python`
    reads: tuple[Path, ...] = ()  # files beside the weights whose content the outcome depends on
    writes: tuple[Path, ...] = ()  # files that it leaves; a missing one makes it run
    threads: int | None = None
    """Of the command, since figures depend on it; None: as many as torch takes."""
    default: bool = True  # whether it runs without being named

    def key(self, weights: str) -> str:
        """The hash of weights, command and files; the command's paths count relative to ROOT."""
        command = [word.replace(f"{ROOT}/", "") for word in self.command]
        parts = [weights, *command, *(digest([path]) for path in self.reads)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def digest(paths: Sequence[Path]) -> str:
    """SHA-256 of files' names and content; of notebooks the sources of their cells alone."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.name.encode() + b"\0")
        if not path.exists():
            continue
        data = path.read_bytes()
        if path.suffix == ".ipynb":
            data = json.dumps([cell["source"] for cell in json.loads(data)["cells"]]).encode()
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()


def weights_digest(folder: Path = WEIGHTS) -> str:
    """The hash of weights and configs; not of the card, nor of what training leaves there."""
    return digest([path for path in folder.iterdir() if path.suffix in {".safetensors", ".json"}])


def steps(build: Path = BUILD) -> tuple[Step, ...]:
    """All steps in order. Those of random weights ("wan", "gpu") run only when named."""
    weights = weights_digest()[:12]
    commands = {name: (name,) for name in TABLES} | {
        "playground": _scenes(24, build / f"playground-{weights}"),
        "identity": ("identity", "--streams", "4"),
        "rivals": (*_scenes(48, build / f"rivals-{weights}"), "--methods", _RIVALS),
        "live": ("live", "--scenes", "8", "--releases", "0"),
        "turned": (*_TURNED, "--methods", "I=4,fast,time_to_move"),
        "minute": (*_MINUTE, "--methods", "I=4,no_adsr"),
    }
    found = [
        Step(
            name,
            ("-m", "dragstream.revel", *commands[name], *_files(build, name)),
            writes=(build / f"{name}.json", build / f"{name}.md"),
            threads=1,
        )
        for name in (*TABLES, *FURTHER)
    ]
    bench, wan = build / "bench.json", build / "wan.json"
    speed = ("-m", "dragstream.bench", "playground", "--json", str(bench))
    found.append(Step("bench", speed, writes=(bench,)))
    size = ("--heads", "1", "--height", "128", "--width", "192", "--json", str(wan))
    beside = ("-m", "dragstream.bench", "wan", "--random-weights", *size)
    found.append(Step("wan", beside, writes=(wan,), threads=1, default=False))
    everything = ("-m", "dragstream.bench", "gpu", "--out", str(build / "gpu"))
    found.append(Step("gpu", everything, writes=(build / "gpu" / "gpu.md",), default=False))
    tables = tuple(build / f"{name}.md" for name in TABLES)
    flags = [word for path in tables for word in (f"--{path.stem}", str(path))]
    card = WEIGHTS / "MODEL_CARD.md"
    describe = ("-m", "dragstream.models.playground.card", *flags)
    found.append(Step("card", describe, reads=tables, writes=(card,)))
    make = ("notebooks/make_pictures.py", "--only")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        command = (*make, "notebooks", "--notebooks", path.name)
        found.append(Step(path.stem, command, reads=(path,)))
    drawn = ("filmstrip", "drift", "features", "animation")
    found += [
        Step("pictures", (*make, *drawn)),
        Step("screenshots", (*make, "screenshot", "studio", "recording")),
    ]
    return tuple(found)


def _scenes(count: int, folder: Path) -> tuple[str, ...]:
    """A command that measures drags on drawn scenes, and goes on from its folder."""
    return "playground", "--scenes", str(count), "--seed", "0", "--out", str(folder)


def _files(build: Path, name: str) -> tuple[str, ...]:
    return "--json", str(build / f"{name}.json"), "--markdown", str(build / f"{name}.md")


def is_current(step: Step, weights: str, build: Path = BUILD) -> bool:
    """Whether a step was finished with these weights, this command and these files."""
    stamp = build / f"{step.name}.stamp"
    if not stamp.exists() or not all(path.exists() for path in step.writes):
        return False
    return stamp.read_text(encoding="utf-8") == step.key(weights)


def carry_out(step: Step, weights: str, build: Path = BUILD) -> None:
    """Run a step and leave its stamp.

    Raises:
        subprocess.CalledProcessError: the command failed; there is no stamp.
    """
    build.mkdir(parents=True, exist_ok=True)
    stamp = build / f"{step.name}.stamp"
    stamp.unlink(missing_ok=True)
    threads = {} if step.threads is None else {"OMP_NUM_THREADS": str(step.threads)}
    command = [sys.executable, *step.command]
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | threads)
    stamp.write_text(step.key(weights), encoding="utf-8")


def forget(step: Step, build: Path = BUILD) -> None:
    """Remove a step's stamp and the folder of its results, so that it is measured from nothing."""
    (build / f"{step.name}.stamp").unlink(missing_ok=True)
    if "--out" in step.command:
        shutil.rmtree(step.command[step.command.index("--out") + 1], ignore_errors=True)


def fill(page: str, name: str, table: str) -> str:
    """A page with another table between the markers `<!-- name: begin -->` and `end`.

    Raises:
        ValueError: a page without both markers, each once.
    """
    begin, end = (f"<!-- {name}: {side} -->" for side in ("begin", "end"))
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"a page needs the markers {begin} and {end}, each once, in order")
    before, rest = page.split(begin)
    return f"{before}{begin}\n{table.strip()}\n{end}{rest.split(end)[1]}"


def bench_table(outcome: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """The table of `dragstream.bench playground`, from its JSON and the model's config."""
    frames, count = config["transformer"]["frames_per_block"], len(config["sigmas"])
    pair = f"block {outcome['late']['block']} against block {outcome['early']['block']}"
    rows = {
        f"a plain block ({frames} frames, {count} denoising steps)": (
            f"{outcome['plain_seconds']:.2f} s"
        ),
        f"a dragged block, I = {outcome['iterations']}, one segment": (
            f"{outcome['dragged_seconds']:.2f} s, {outcome['drag_ratio']:.2f} x a plain one"
        ),
        f"{pair}, seconds (taking turns)": f"{outcome['time_growth']:.2f} x",
        f"{pair}, memory without the blocks' own data": f"{outcome['memory_growth']:.2f} x",
        "memory that each block keeps (latents, frames)": (
            f"{outcome['kept_bytes'] / _MEBIBYTE:.2f} MiB"
        ),
    }
    cores = outcome["machine"]["cores"]
    lines = [f"| | {cores} CPU cores |", "|---|--:|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())])


def wan_table(outcome: Mapping[str, Any]) -> str:
    """The table of `dragstream.bench wan`, from its JSON."""
    lines = [
        "| | DragStream | released procedure | times as fast | memory | released |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['name']} | {row['seconds']['median']:.2f} s "
        f"| {row['released_seconds']['median']:.2f} s | {row['ratio']['median']:.1f} "
        f"({row['ratio']['least']:.1f} to {row['ratio']['most']:.1f}) "
        f"| {row['peak_bytes'] / _MEBIBYTE:.0f} "
        f"| {row['released_peak_bytes'] / _MEBIBYTE:.0f} |"
        for row in outcome["rows"]
    ]
    return "\n".join(lines)


def summary_table(drags: Mapping[str, Any], bench: Mapping[str, Any]) -> str:
    """The README's rows: ObjMC and DAI with 95 % intervals, and seconds of a block."""
    lines = ["| | no drag | DragStream, I = 4 |", "|---|--:|--:|"]
    for title, measure, digits in (("ObjMC, px", "objmc", 2), ("DAI", "dai", 4)):
        cells = [_with_interval(drags, name, measure, digits) for name in ("none", "I=4")]
        lines.append(f"| {title} | {cells[0]} | {cells[1]} |")
    seconds = [f"{bench[name]:.2f}" for name in ("plain_seconds", "dragged_seconds")]
    return "\n".join([*lines, f"| seconds a block | {seconds[0]} | {seconds[1]} |"])


def _with_interval(drags: Mapping[str, Any], method: str, measure: str, digits: int) -> str:
    values = [each[measure] for each in drags["results"] if each["method"] == method]
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    found = estimate(known)
    return f"{found.mean:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def write_pages(build: Path = BUILD, root: Path = ROOT) -> None:
    """Write every table that was measured into docs/results.md, and the summary into README.md."""
    results = root / "docs" / "results.md"
    text = results.read_text(encoding="utf-8")
    for name in (*TABLES, *FURTHER, "gpu"):
        if (file := (build / "gpu" if name == "gpu" else build) / f"{name}.md").exists():
            text = fill(text, name, file.read_text(encoding="utf-8"))
    bench, wan = _read(build / "bench.json"), _read(build / "wan.json")
    if bench is not None:
        text = fill(text, "bench", bench_table(bench, _read(WEIGHTS / "config.json") or {}))
    if wan is not None:
        text = fill(text, "wan", wan_table(wan))
    results.write_text(text, encoding="utf-8")
    drags = _read(build / "rivals.json")
    if drags is not None and bench is not None:
        readme = root / "README.md"
        page = readme.read_text(encoding="utf-8")
        readme.write_text(fill(page, "summary", summary_table(drags, bench)), encoding="utf-8")


def _read(file: Path) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(file.read_bytes()) if file.exists() else None
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the steps that are out of date; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    every = steps()
    names = [step.name for step in every]
    parser.add_argument("--only", nargs="+", choices=names, metavar="STEP", help=", ".join(names))
    parser.add_argument("--again", nargs="+", choices=names, default=[], metavar="STEP")
    parser.add_argument("--list", action="store_true", help="show the steps and run nothing")
    options = parser.parse_args(arguments)
    weights = weights_digest()
    usual = options.only or [step.name for step in every if step.default]
    wanted = [step for step in every if step.name in usual or step.name in options.again]
    if options.list:
        for step in wanted:
            print(f"{'current' if is_current(step, weights) else 'to run':<8}{step.name}")
        return 0
    for step in wanted:
        if step.name in options.again:
            forget(step)
    return run_steps(wanted, weights)


def run_steps(wanted: Sequence[Step], weights: str, build: Path = BUILD) -> int:
    """Run steps in order; each measurement is written into the pages, the first error stops.

    Returns:
        The exit status.
    """
    measured = {*TABLES, *FURTHER, "bench", "wan", "gpu"}
    for number, step in enumerate(wanted, start=1):
        title = f"[{number}/{len(wanted)}] {step.name}"
        if is_current(step, weights, build):
            print(f"{title}: up to date", flush=True)
            continue
        print(title, flush=True)
        try:
            carry_out(step, weights, build)
        except KeyboardInterrupt:
            print("stopped; the same command continues", file=sys.stderr)
            return 130
        except subprocess.CalledProcessError as error:
            hint = f"the same command tries again, --again {step.name} from nothing"
            print(f"{step.name} failed; {hint}", file=sys.stderr)
            return error.returncode
        if step.name in measured:
            write_pages(build)
    return 0


if __name__ == "__main__":
    sys.exit(main())
