"""Notebooks that the commands write, copy and open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from dragstream.command.main import main
from dragstream.command.notebooks import course


@pytest.fixture
def launched(monkeypatch):
    """The command lines that were started in place of JupyterLab; it ends with status 3."""
    lines = []

    def run(line, **_):
        lines.append(line)
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(subprocess, "run", run)
    return lines


def test_the_studio_opens_on_a_notebook_that_is_never_replaced(tmp_path, launched, capsys) -> None:
    options = ["studio", "--folder", str(tmp_path / "new"), "--seed", "4"]

    assert main([*options, "--", "--no-browser", "--port", "8890"]) == 3
    assert main([*options, "--no-open"]) == 0

    first, second = tmp_path / "new" / "studio.ipynb", tmp_path / "new" / "studio-2.ipynb"
    jupyter = [sys.executable, "-m", "jupyterlab"]
    assert launched == [[*jupyter, "--no-browser", "--port", "8890", str(first)]]
    assert capsys.readouterr().out == f"{first}\n{second}\n"
    nbformat.validate(nbformat.read(first, as_version=4))


@pytest.mark.usefixtures("one_thread")
def test_the_studios_notebook_runs(tmp_path) -> None:
    prompt = 'a blue star says "no"'
    main(["studio", "--folder", str(tmp_path), "--no-open", "--prompt", prompt])
    main(["studio", "--folder", str(tmp_path), "--no-open", "--model", "m", "--prompt", "x"])

    cells = {
        name: [cell.source for cell in nbformat.read(tmp_path / name, 4).cells]
        for name in ("studio.ipynb", "studio-2.ipynb")
    }
    assert f"prompt = {prompt!r}" in cells["studio.ipynb"][1]
    assert 'ds.load("m")' in cells["studio-2.ipynb"][1]
    assert "draw" not in cells["studio-2.ipynb"][1]
    names: dict[str, object] = {}
    code = cells["studio.ipynb"][1].replace(repr(prompt), '"a blue star rests"')
    exec(code, names)  # noqa: S102 - our own notebook
    exec(cells["studio.ipynb"][2], names)  # noqa: S102
    assert len(names["studio"].stream) == 1
    names["studio"].close()


def test_the_course_is_copied_once(tmp_path, capsys) -> None:
    folder = tmp_path / "lessons"

    assert main(["course", str(folder)]) == 0
    assert main(["course", str(folder)]) == 1

    said = capsys.readouterr()
    assert f"{folder} holds 01_first_drag.ipynb" in said.err
    copies = sorted(folder.glob("*.ipynb"))
    assert [copy.name for copy in copies] == [path.name for path in course()]
    assert said.out.split() == [str(copy) for copy in copies]
    assert len(copies) == len(list((Path(__file__).parents[2] / "notebooks").glob("*.ipynb")))
    copies[0].write_text("mine")
    assert main(["course", str(folder), "--overwrite"]) == 0
    assert copies[0].read_bytes() == course()[0].read_bytes()


def test_the_demo_opens_the_quick_start(tmp_path, launched) -> None:
    assert main(["demo", "--folder", str(tmp_path)]) == 3

    assert launched[0][-1] == str(tmp_path / "01_first_drag.ipynb")
    assert (tmp_path / "01_first_drag.ipynb").read_bytes() == course()[0].read_bytes()
