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
def test_code_on_a_page_fits_a_window_of_1280_pixels(name):
    for code in re.findall(
        r"^```\w*\n(.*?)^```", (ROOT / name).read_text(), re.DOTALL | re.MULTILINE
    ):
        assert [line for line in code.splitlines() if len(line) > 100] == []


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


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 130


def test_the_first_page_shows_the_readme_and_copies_nothing_of_it():
    readme, index = (ROOT / "README.md").read_text(), (ROOT / "docs" / "index.md").read_text()
    included = re.findall(r'^--8<-- "README\.md:(\w+)"$', index, re.MULTILINE)
    assert included == ["pitch", "lines"]
    for name in included:
        assert re.search(rf"\[start:{name}\].*\[end:{name}\]", readme, re.DOTALL)
    lines = {line for line in readme.splitlines() if len(line) > 20 and "pictures/" not in line}
    assert not lines & set(index.splitlines())


def test_the_readmes_figures_are_those_of_the_results():
    readme, results = (ROOT / "README.md").read_text(), (ROOT / "docs" / "results.md").read_text()

    def cells(text, first):
        line = re.search(rf"^\| {re.escape(first)} \|.*$", text, re.MULTILINE)[0]
        return [cell.strip() for cell in line.strip("|").split("|")]

    measured = results.partition("<!-- default: begin -->")[2]
    none, full = cells(measured, "no drag"), cells(measured, "the default settings")
    head = cells(measured, "method")
    for measure in ("ObjMC, px", "DAI"):
        place = head.index(measure)
        means = [re.sub(r" \[.*?\]", "", cell) for cell in cells(readme, measure)[1:]]
        assert means == [none[place], full[place]]
    speed = cells(readme, "seconds a block")[1:]
    plain = re.search(r"\| a plain block [^|]*\| ([\d.]+) s", results)[1]
    dragged = re.search(r"\| a dragged block[^|]*\| ([\d.]+) s", results)[1]
    assert speed == [plain, dragged]


def test_the_citation_is_the_papers():
    citation = (ROOT / "CITATION.cff").read_text()
    for words in ("arXiv:2510.03550", "Zhou", "Drag Anything, Anytime!"):
        assert words in citation
    assert f"version: {ds.__version__}" in citation
