"""What pages show must parse, exist and lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import dragstream as ds

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("name", NAMES)
def test_python_on_a_page_parses(name):
    for code in re.findall(
        r"^```python\n(.*?)^```", (ROOT / name).read_text(), re.DOTALL | re.MULTILINE
    ):
        ast.parse(code)


@pytest.mark.parametrize("name", NAMES)
def test_public_names_on_a_page_exist(name):
    used = set(re.findall(r"\bds\.([A-Za-z_]\w*)", (ROOT / name).read_text()))
    assert not {each for each in used if not hasattr(ds, each)}


@pytest.mark.parametrize("name", NAMES)
def test_files_that_a_page_links_to_exist(name):
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not target.startswith("notebooks/") or page.parent == ROOT:
            assert (page.parent / target).exists(), target
        else:  # the site puts the notebooks beside the pages
            assert (ROOT / target).exists(), target


def test_the_citation_is_the_papers():
    citation = (ROOT / "CITATION.cff").read_text()
    for words in ("arXiv:2510.03550", "Zhou", "Drag Anything, Anytime!"):
        assert words in citation
    assert f"version: {ds.__version__}" in citation
