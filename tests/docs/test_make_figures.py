"""`make figures`: its steps, and the tables."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dragstream.bench import __main__ as bench
from dragstream.models.playground import card
from dragstream.revel import __main__ as revel

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tool(monkeypatch):
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("make_figures", ROOT / "tools/make_figures.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def planned(*targets: str) -> list[str]:
    """The commands of Python that make would run, in order."""
    shown = ["env", "-u", "MAKEFLAGS", "make", "--always-make", "--dry-run"]
    shown += ["--no-print-directory", *targets]
    found = subprocess.run(shown, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    lines = found.replace("\\\n", " ").splitlines()
    return [line.split("/python ", 1)[1] for line in lines if "/python " in line]


def test_steps_are_in_order_and_their_commands_are_understood(tool):
    commands = planned("figures", "figures-wan", "figures-gpu")
    parsers = {"dragstream.revel": revel, "dragstream.bench": bench}
    measured = set()
    for command in commands:
        words = command.split()
        if words[0] == "-m" and words[1] in parsers:
            options = parsers[words[1]]._parser().parse_args(words[2:])
            measured.add(Path(getattr(options, "json", None) or options.out).stem)
    assert measured == {*tool.TABLES, "bench", "wan", "gpu"}
    (described,) = (each for each in commands if "playground.card" in each)
    assert all(f"--{name} build/figures/{name}.md" in described for name in card.TABLES)
    places = [commands.index(described)]
    places += [
        next(place for place, command in enumerate(commands) if part in command)
        for part in ("01_first_drag", "--only filmstrip", "--only screenshot")
    ]
    assert places == sorted(places)


def test_a_table_is_written_between_its_markers_only(tool):
    page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n"
    assert tool.fill(page, "x", "new\n") == page.replace("old", "new")
    for broken in ("a", page + page, "<!-- x: end -->\n<!-- x: begin -->"):
        with pytest.raises(ValueError, match="each once, in order"):
            tool.fill(broken, "x", "new")


DRAGS = {
    "results": [
        {"method": method, "objmc": objmc + add, "dai": dai}
        for method, objmc, dai in (("none", 17.0, 0.17751), ("default", 4.0, 0.04554))
        for add in (-1.0, 0.0, 1.0)
    ]
}
BENCH = {
    "plain_seconds": 1.031,
    "dragged_seconds": 1.899,
    "iterations": 4,
    "drag_ratio": 1.842,
    "early": {"block": 20},
    "late": {"block": 200},
    "time_growth": 1.006,
    "memory_growth": 1.094,
    "kept_bytes": 922747,
    "machine": {"cores": 2},
    "fast": {
        name: {
            "own": {"median": 2.0},
            "other": {"median": 3.2},
            "ratio": {"least": 1.4, "median": 1.6, "most": 1.8},
        }
        for name in ("plain block", "dragged block", "quickly dragged", "decoding")
    },
}


def test_what_was_not_measured_is_a_dash_in_the_summary(tool):
    results = [
        each | ({"objmc": None} if each["method"] == "none" else {}) for each in DRAGS["results"]
    ]
    table = tool.summary_table({"results": results}, BENCH)
    assert "| ObjMC, px | – | 4.00 [3.00, 5.00] |" in table


def test_pages_take_every_table_that_was_measured(tool, tmp_path):
    build, root = tmp_path / "build", tmp_path / "root"
    build.mkdir()
    (root / "docs").mkdir(parents=True)
    for name in ("README.md", "docs/results.md"):
        shutil.copy(ROOT / name, root / name)
    before = (root / "docs/results.md").read_text()
    tool.write_pages(build, root)  # nothing was measured
    assert (root / "docs/results.md").read_text() == before
    (build / "gpu").mkdir()
    for name in (*tool.TABLES, "gpu/gpu"):
        (build / f"{name}.md").write_text(f"| {name} was measured |\n")
    (build / "default.json").write_text(json.dumps(DRAGS))
    (build / "bench.json").write_text(json.dumps(BENCH))
    spreads = {"seconds": 3.12, "released_seconds": 4.52, "ratio": 1.45}
    row = {key: {"least": 1.2, "median": value, "most": 5.0} for key, value in spreads.items()}
    row |= {"name": "a plain block"}
    row |= {"peak_bytes": 50 * 2**20, "released_peak_bytes": 43 * 2**20}
    (build / "wan.json").write_text(json.dumps({"rows": [row]}))
    tool.write_pages(build, root)
    results, readme = (root / "docs/results.md").read_text(), (root / "README.md").read_text()
    for name in (*tool.TABLES, "gpu/gpu"):
        marker = Path(name).name
        wanted = f"<!-- {marker}: begin -->\n| {name} was measured |\n<!-- {marker}: end -->"
        assert wanted in results
    for line in (
        "| | 2 CPU cores |",
        "| a dragged block, I = 4 | 2.00 | 3.20 | 1.60 | 1.40 | 1.80 |",
        "| a plain block (3 frames, 8 denoising steps) | 1.03 s |",
        "| a dragged block, I = 4, one segment | 1.90 s, 1.84 x a plain one |",
        "| block 200 against block 20, seconds (taking turns) | 1.01 x |",
        "| memory that each block keeps (latents, frames) | 0.88 MiB |",
        "| a plain block | 3.12 s | 4.52 s | 1.4 (1.2 to 5.0) | 50 | 43 |",
    ):
        assert line in results
    for line in (
        "| ObjMC, px | 17.00 [16.00, 18.00] | 4.00 [3.00, 5.00] |",
        "| DAI | 0.1775 [0.1775, 0.1775] | 0.0455 [0.0455, 0.0455] |",
        "| seconds a block | 1.03 | 1.90 |",
    ):
        assert line in readme
    prose = re.compile(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", re.DOTALL)
    assert prose.sub("", results) == prose.sub("", before)
