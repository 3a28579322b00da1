"""MkDocs hook that adds each page as Markdown, and llms.txt, for programs that read the site.

`concepts/index.md` stands beside `concepts/index.html`, with the parts of the README and the
docstrings of the reference filled in. See https://llmstxt.org for llms.txt.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

import nbformat
from mkdocs.config.defaults import MkDocsConfig

_SNIPPET = re.compile(r'^--8<-- "([^":]+):(\w+)"$', re.MULTILINE)
_REFERENCE = re.compile(r"^::: ([\w.]+)\n(?: +.*\n)*", re.MULTILINE)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n+", re.DOTALL)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def page_markdown(path: Path, root: Path) -> str:
    """A page of docs/ as Markdown of its own.

    Args:
        path: The page.
        root: The repository, in which it names files.
    """
    text = _FRONT_MATTER.sub("", path.read_text(encoding="utf-8"))
    text = _SNIPPET.sub(lambda match: _section(root / match[1], match[2]), text)
    return _REFERENCE.sub(lambda match: f"{reference(match[1])}\n", text + "\n").rstrip() + "\n"


def notebook_markdown(path: Path) -> str:
    """A notebook's text and code as Markdown, without outputs and pictures."""
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    parts = [
        cell.source if cell.cell_type == "markdown" else f"```python\n{cell.source}\n```"
        for cell in notebook.cells
    ]
    return re.sub(r"!\[([^\]]*)\]\(attachment:[^)]*\)", r"\1", "\n\n".join(parts)) + "\n"


def reference(name: str) -> str:
    """Signature and docstring of a module, class or function, and of its public members."""
    found = resolve_name(name)
    if isinstance(found, ModuleType):
        names = getattr(found, "__all__", None) or [
            each
            for each, value in vars(found).items()
            if not each.startswith("_") and getattr(value, "__module__", None) == name
        ]
        parts = [reference(f"{name}.{each}") for each in names if callable(getattr(found, each))]
        return "\n".join([f"### {name}\n\n{inspect.getdoc(found) or ''}\n", *parts])
    lines = [f"### {name}{_signature(found)}\n\n{inspect.getdoc(found) or ''}\n"]
    if isinstance(found, type):
        own = [kind for kind in found.__mro__ if kind.__module__.startswith("dragstream.")]
        members = {each: value for kind in reversed(own) for each, value in vars(kind).items()}
        for each, value in members.items():
            member = getattr(found, each)
            if not each.startswith("_") and (
                inspect.isroutine(member) or isinstance(value, property)
            ):
                called = _signature(member) if callable(member) else ""
                lines.append(f"#### {each}{called}\n\n{inspect.getdoc(member) or ''}\n")
    return "\n".join(lines)


def _signature(found: Any) -> str:
    try:
        return str(inspect.signature(found))
    except ValueError:  # a class that defines none in Python
        return ""


def _section(path: Path, name: str) -> str:
    """The part of a file between two snippet markers."""
    text = path.read_text(encoding="utf-8")
    begin, end = (re.escape(f"<!-- --8<-- [{mark}:{name}] -->") for mark in ("start", "end"))
    found = re.search(rf"{begin}\n(.*?)\n{end}", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{path} has no section {name!r}")
    return found[1]


def on_post_build(config: MkDocsConfig) -> None:
    """Write the Markdown of all pages, and llms.txt."""
    root, docs = Path(config.config_file_path).parent, Path(config.docs_dir)
    pages = {path.relative_to(docs): page_markdown(path, root) for path in docs.rglob("*.md")}
    for path in (root / "notebooks").glob("*.ipynb"):
        pages[path.relative_to(root)] = notebook_markdown(path)
    lines = [f"# {config.site_name}\n", f"> {config.site_description}\n", "## Pages\n"]
    for path, text in sorted(pages.items(), key=lambda item: (item[0].name != "index.md", item)):
        folder = path.with_suffix("") if path.name != "index.md" else path.parent
        target = Path(config.site_dir) / folder / "index.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        title = _TITLE.search(text)
        address = (folder / "index.md").as_posix()
        lines.append(f"- [{title[1] if title else path.stem}]({address})")
    (Path(config.site_dir) / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
