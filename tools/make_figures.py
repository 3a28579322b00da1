"""Write what `make figures` has measured, in build/figures, into docs/results.md and README.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dragstream.revel.statistics import estimate

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "dragstream" / "models" / "playground" / "weights"
BUILD = ROOT / "build" / "figures"
TABLES = (
    *("playground", "captions", "likeness", "identity"),
    *("default", "rivals", "live", "turned", "minute"),
    *("fast", "fast_captions", "fast_identity"),
)
"""Measurements of `dragstream.revel`."""
_MEBIBYTE = 2**20


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


def fast_table(compared: Mapping[str, Any]) -> str:
    """The table of the fast model beside the default, from "fast" in the JSON of the benchmark."""
    names = {
        "plain block": "a plain block",
        "dragged block": "a dragged block, I = 4",
        "quickly dragged": "a dragged block, `DragSettings.fast()`",
        "decoding": "decoding a block",
    }
    lines = [
        "| processor seconds | fast | default | times as fast | least | most |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, title in names.items():
        row = compared[name]
        ratio = (f"{row['ratio'][each]:.2f}" for each in ("median", "least", "most"))
        seconds = (f"{row[each]['median']:.2f}" for each in ("own", "other"))
        lines.append(f"| {title} | {' | '.join([*seconds, *ratio])} |")
    return "\n".join(lines)


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
    lines = ["| | no drag | `ds.DragSettings()` |", "|---|--:|--:|"]
    for title, measure, digits in (("ObjMC, px", "objmc", 2), ("DAI", "dai", 4)):
        cells = [_with_interval(drags, name, measure, digits) for name in ("none", "default")]
        lines.append(f"| {title} | {cells[0]} | {cells[1]} |")
    seconds = [f"{bench[name]:.2f}" for name in ("plain_seconds", "dragged_seconds")]
    return "\n".join([*lines, f"| seconds a block | {seconds[0]} | {seconds[1]} |"])


def _with_interval(drags: Mapping[str, Any], method: str, measure: str, digits: int) -> str:
    values = [each[measure] for each in drags["results"] if each["method"] == method]
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    found = estimate(known)
    counted = "" if len(known) == len(values) else f" in {len(known)} of {len(values)}"
    return f"{found.mean:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]{counted}"


def write_pages(build: Path = BUILD, root: Path = ROOT) -> None:
    """Write every table that was measured into docs/results.md, and the summary into README.md."""
    results = root / "docs" / "results.md"
    text = results.read_text(encoding="utf-8")
    for name in (*TABLES, "gpu"):
        if (file := (build / "gpu" if name == "gpu" else build) / f"{name}.md").exists():
            text = fill(text, name, file.read_text(encoding="utf-8"))
    bench, wan = _read(build / "bench.json"), _read(build / "wan.json")
    if bench is not None:
        text = fill(text, "bench", bench_table(bench, _read(WEIGHTS / "config.json") or {}))
        text = fill(text, "fast_bench", fast_table(bench["fast"]))
    if wan is not None:
        text = fill(text, "wan", wan_table(wan))
    results.write_text(text, encoding="utf-8")
    drags = _read(build / "default.json")
    if drags is not None and bench is not None:
        readme = root / "README.md"
        page = readme.read_text(encoding="utf-8")
        readme.write_text(fill(page, "summary", summary_table(drags, bench)), encoding="utf-8")


def _read(file: Path) -> dict[str, Any] | None:
    found: dict[str, Any] | None = json.loads(file.read_bytes()) if file.exists() else None
    return found


if __name__ == "__main__":
    write_pages()
