"""The hooks of the documentation: links that lead nowhere, and pages for programs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).resolve().parents[2]


def hook(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "hooks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_links_that_lead_nowhere_are_listed(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text('<h1 id="top">A</h1><img src="../b.png">')
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "index.html").write_text(
        '<a href="a/">good</a><a href="a/#top">good</a><a href="#here" id="here">good</a>'
        '<a href="https://example.org/no">good</a><a href="/b.png">good</a>'
        '<a href="c/">no page</a><img src="a/b.png"><a href="a/#bottom">no such part</a>'
    )

    found = hook("links").broken_links(tmp_path)

    assert found == ["index.html: c/", "index.html: a/b.png", "index.html: a/#bottom"]


@pytest.mark.parametrize("address", [None, "https://example.org/me/dragstream"])
def test_the_repository_of_the_project_is_linked_once_there_is_one(tmp_path, address):
    line = f'Repository = "{address}"' if address else ""
    (tmp_path / "pyproject.toml").write_text(f"[project.urls]\n{line}\n")
    config = MkDocsConfig(str(tmp_path / "mkdocs.yml"))

    hook("repository").on_config(config)

    assert config.repo_url == address
    assert config.repo_name == ("me/dragstream" if address else None)


@pytest.mark.parametrize("name", ["index.md", "api/stream.md", "api/drags.md", "api/metrics.md"])
def test_a_page_for_programs_is_filled_in(name):
    text = hook("markdown").page_markdown(ROOT / "docs" / name, ROOT)

    assert "--8<--" not in text
    assert "\n::: " not in text
    assert text.startswith("# ")


def test_the_reference_for_programs_has_signatures_docstrings_and_inherited_methods():
    stream = hook("markdown").reference("dragstream.stream.stream.Stream")

    assert "#### rewind(self, to: 'int'" in stream
    assert "#### to_gif(self, path:" in stream
    assert "bit for bit as it was" in stream


def test_the_site_lists_a_markdown_file_for_each_page(tmp_path):
    (tmp_path / "notebooks").mkdir()
    docs, site = tmp_path / "docs", tmp_path / "site"
    (docs / "api").mkdir(parents=True)
    (docs / "index.md").write_text("# Home\n")
    (docs / "api" / "a.md").write_text("# A part\n")
    config = MkDocsConfig(str(tmp_path / "mkdocs.yml"))
    config.load_dict({"site_name": "D", "docs_dir": str(docs), "site_dir": str(site)})

    hook("markdown").on_post_build(config)

    lines = (site / "llms.txt").read_text().splitlines()
    assert lines[0] == "# D"
    assert lines[-2:] == ["- [Home](index.md)", "- [A part](api/a/index.md)"]
    assert (site / "api" / "a" / "index.md").read_text() == "# A part\n"


def test_a_notebook_for_programs_is_text_and_code():
    text = hook("markdown").notebook_markdown(ROOT / "notebooks" / "01_first_drag.ipynb")

    assert text.startswith("# ")
    assert "```python\n" in text
    assert "image/png" not in text
