"""The documentation's tables name what exists, and its pages the notebooks that there are."""

from __future__ import annotations

import ast
import functools
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "equations.md").read_text()
CODE = sorted(set(re.findall(r"`(dragstream\.[\w.]+)` \|", PAGE)))
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def find(name):
    """The object of a dotted name: the longest prefix that is a module, then attributes."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        return functools.reduce(getattr, parts[end:], module)
    raise AssertionError(name)


def functions(path):
    """The names of the functions that a file defines."""
    return {
        node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)
    }


def test_the_tables_were_found():
    assert len(CODE) >= 20
    assert len(TESTS) >= 24
    for number in range(1, 12):
        assert re.search(rf"Eq\. (\d+-)?{number}\b|Eq\. {number}-\d+", PAGE), number


@pytest.mark.parametrize("name", CODE)
def test_code_that_the_page_names_exists(name):
    assert callable(find(name))


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_tests_that_the_page_names_exist(path, name):
    assert name in functions(ROOT / path)


def test_what_the_released_preset_changes_is_what_the_page_says():
    settings = importlib.import_module("dragstream.method.settings").DragSettings
    paper, released = settings.paper(), settings.released()
    assert (paper.iterations, released.iterations) == (4, 5)
    assert (released.segment_pixels, released.segment_degrees) == (16.0, 8.0)
    assert released.learning_rate == 0.02
    assert paper.rectification.neighbours == 9
    assert (paper.focus.alpha, released.focus.alpha, released.focus.padding) == (1.0, 1.5, 2.5)
    assert released.prediction_blocks == 2


def test_every_notebook_is_on_the_page_of_notebooks():
    page = (ROOT / "docs" / "notebooks.md").read_text()
    numbers = {path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert numbers <= set(re.findall(r"^\| (\d\d) ", page, re.MULTILINE))
