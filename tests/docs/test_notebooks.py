"""The course speaks with one voice: what every notebook has, and that its parts hold together."""

from __future__ import annotations

import ast
import base64
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


def cells(name, kind):
    notebook = nbformat.read(FOLDER / name, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def prose(name):
    return "\n\n".join(cell.source for cell in cells(name, "markdown"))


def test_the_course_is_numbered():
    assert [name[:2] for name in NOTEBOOKS] == sorted({name[:2] for name in NOTEBOOKS})


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_begins_with_its_goal_and_ends_with_what_was_seen(name):
    opening = cells(name, "markdown")[0].source
    assert opening.startswith("# ")
    assert "**Goal" in opening
    assert "minutes" in opening
    assert re.search(r"^## What you saw$", prose(name), re.MULTILINE)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_solutions_are_hidden_and_are_python(name):
    text = prose(name)
    assert "## Exercises" in text
    hidden = re.findall(r"<details>\s*<summary>.*?</summary>(.*?)</details>", text, re.DOTALL)
    assert hidden
    for solution in hidden:
        assert solution.startswith("\n\n")  # or what follows is not read as Markdown
        for code in re.findall(r"```python\n(.*?)```", solution, re.DOTALL):
            ast.parse(code)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_lead_somewhere(name):
    for target in re.findall(r"\]\(([^)#:]+)\)", prose(name)):
        assert (FOLDER / target).exists(), target


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_outputs_that_are_compared_are_there(name):
    for cell in cells(name, "code"):
        if "nbval-check-output" in cell.metadata.get("tags", ()):
            assert cell.outputs, cell.source


def test_widgets_leave_pictures():
    """Pages that show no widgets, GitHub's among them, show those."""
    kinds = r"(DragCanvas|DriftPlot|FeatureView|Studio|Timeline)\("
    shown = [
        output.data
        for name in NOTEBOOKS
        for cell in cells(name, "code")
        for output in cell.outputs
        if re.match(kinds, output.get("data", {}).get("text/plain", ""))
    ]
    assert shown
    assert [data for data in shown if not data.keys() & {"image/jpeg", "image/png"}] == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_carries_its_pictures(path):
    """Voilà refuses paths outside of the notebook's folder, and a copy elsewhere has none."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        shown = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", cell.source)
        assert shown == [f"attachment:{name}" for name in cell.get("attachments", {})]
        for name, data in cell.get("attachments", {}).items():
            kept = (FOLDER.parent / "docs" / "pictures" / name).read_bytes()
            assert base64.b64decode(data["image/png"]) == kept
