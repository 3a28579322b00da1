"""`make figures`: which steps run, what they leave when they are stopped, and the tables."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from dataclasses import replace
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


def test_weights_are_told_apart_and_the_card_does_not_count(tool, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = tool.weights_digest(tmp_path)
    (tmp_path / "MODEL_CARD.md").write_text("figures")
    (tmp_path / "training.pt").write_bytes(b"state")
    assert tool.weights_digest(tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert tool.weights_digest(tmp_path) != first
    (tmp_path / "model.safetensors").write_bytes(b"one")
    (tmp_path / "config.json").write_text("{ }")
    assert tool.weights_digest(tmp_path) != first


def test_notebooks_count_by_their_sources_not_by_their_outputs(tool, tmp_path):
    file = tmp_path / "one.ipynb"
    file.write_text(json.dumps({"cells": [{"source": "1 + 1", "outputs": []}]}))
    first = tool.digest([file])
    file.write_text(json.dumps({"cells": [{"source": "1 + 1", "outputs": ["2"]}]}))
    assert tool.digest([file]) == first
    file.write_text(json.dumps({"cells": [{"source": "1 + 2", "outputs": ["2"]}]}))
    assert tool.digest([file]) != first


@pytest.fixture
def step(tool, tmp_path):
    """A step that copies one file to another and counts its runs."""
    source, target, runs = tmp_path / "in", tmp_path / "out", tmp_path / "runs"
    source.write_text("1")
    code = (
        "import pathlib, sys; a, b, c = map(pathlib.Path, sys.argv[1:]);"
        "c.open('a').write('x'); b.write_text(a.read_text())"
    )
    command = ("-c", code, str(source), str(target), str(runs))
    return tool.Step("copy", command, (source,), (target,))


def test_a_step_runs_once_until_weights_inputs_or_outputs_change(tool, step, tmp_path):
    build = tmp_path / "build"

    def run(weights="w"):
        if not tool.is_current(step, weights, build):
            tool.carry_out(step, weights, build)
        return len((tmp_path / "runs").read_text())

    assert [run(), run()] == [1, 1]
    assert [run("other"), run("other")] == [2, 2]
    (tmp_path / "in").write_text("2")
    assert [run("other"), run("other")] == [3, 3]
    assert (tmp_path / "out").read_text() == "2"
    (tmp_path / "out").unlink()
    assert run("other") == 4
    tool.forget(step, build)
    assert run("other") == 5


def test_a_failed_run_continues_where_it_stopped(tool, step, tmp_path, monkeypatch, capsys):
    gate = tmp_path / "gate"
    late = tool.Step("late", ("-c", f"import os, sys; sys.exit(not os.path.exists({str(gate)!r}))"))
    monkeypatch.setattr(tool, "BUILD", tmp_path / "build")
    assert tool.run_steps([step, late], "w", tmp_path / "build") == 1
    assert "late failed" in capsys.readouterr().err
    gate.touch()
    assert tool.run_steps([step, late], "w", tmp_path / "build") == 0
    assert "copy: up to date" in capsys.readouterr().out
    assert len((tmp_path / "runs").read_text()) == 1
    assert tool.run_steps([step, late], "w", tmp_path / "build") == 0
    assert "late: up to date" in capsys.readouterr().out


def test_commands_that_depend_on_threads_run_with_one(tool, step, tmp_path):
    place = tmp_path / "threads"
    code = f"import os, pathlib; pathlib.Path({str(place)!r}).write_text(os.environ[NAME])"
    code = f"NAME = 'OMP_NUM_THREADS'; {code}"
    tool.carry_out(replace(step, command=("-c", code), threads=1), "w", tmp_path / "build")
    assert place.read_text() == "1"


def test_repeating_a_measurement_drops_its_folder(tool, tmp_path):
    folder = tmp_path / "cases"
    folder.mkdir()
    tool.forget(tool.Step("playground", ("-m", "x", "--out", str(folder))), tmp_path)
    assert not folder.exists()


def test_steps_are_in_order_and_their_commands_are_understood(tool):
    found = {step.name: step for step in tool.steps()}
    names = list(found)
    assert names.index("card") > max(names.index(name) for name in tool.TABLES)
    assert names.index("01_first_drag") > names.index("card")
    assert names[-2:] == ["pictures", "screenshots"]
    assert [name for name in names if not found[name].default] == ["wan", "gpu"]
    assert found["card"].reads == tuple(tool.BUILD / f"{name}.md" for name in tool.TABLES)
    for name in (*tool.TABLES, *tool.FURTHER, "bench", "wan"):
        parser = {"dragstream.revel": revel, "dragstream.bench": bench}[found[name].command[1]]
        options = parser._parser().parse_args(found[name].command[2:])
        assert options.json == tool.BUILD / f"{name}.json"
    everything = bench._parser().parse_args(found["gpu"].command[2:])
    assert found["gpu"].writes == (everything.out / "gpu.md",)
    assert set(tool.TABLES) == set(card.TABLES)


def test_a_table_is_written_between_its_markers_only(tool):
    page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n"
    assert tool.fill(page, "x", "new\n") == page.replace("old", "new")
    for broken in ("a", page + page, "<!-- x: end -->\n<!-- x: begin -->"):
        with pytest.raises(ValueError, match="each once, in order"):
            tool.fill(broken, "x", "new")


DRAGS = {
    "results": [
        {"method": method, "objmc": objmc + add, "dai": dai}
        for method, objmc, dai in (("none", 17.0, 0.17751), ("I=4", 4.0, 0.04554))
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
    for name in (*tool.TABLES, *tool.FURTHER, "gpu/gpu"):
        (build / f"{name}.md").write_text(f"| {name} was measured |\n")
    (build / "rivals.json").write_text(json.dumps(DRAGS))
    (build / "bench.json").write_text(json.dumps(BENCH))
    spreads = {"seconds": 3.12, "released_seconds": 4.52, "ratio": 1.45}
    row = {key: {"least": 1.2, "median": value, "most": 5.0} for key, value in spreads.items()}
    row |= {"name": "a plain block"}
    row |= {"peak_bytes": 50 * 2**20, "released_peak_bytes": 43 * 2**20}
    (build / "wan.json").write_text(json.dumps({"rows": [row]}))
    tool.write_pages(build, root)
    results, readme = (root / "docs/results.md").read_text(), (root / "README.md").read_text()
    for name in (*tool.TABLES, *tool.FURTHER, "gpu/gpu"):
        marker = Path(name).name
        wanted = f"<!-- {marker}: begin -->\n| {name} was measured |\n<!-- {marker}: end -->"
        assert wanted in results
    for line in (
        "| | 2 CPU cores |",
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
