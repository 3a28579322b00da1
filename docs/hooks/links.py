"""MkDocs hook that checks all links and pictures of the built site."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError


class _Anchors(HTMLParser):
    """Collects what a page links to, and the names that links can lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.targets: dict[str, None] = {}
        self.names: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        for name, value in attrs:
            if value and name in {"id", "name"}:
                self.names.add(value)
            elif value and name in {"href", "src"}:
                self.targets[value] = None


def broken_links(site: Path) -> list[str]:
    """Links and pictures in a built site that lead nowhere, one a line: "page: target".

    Addresses of other sites are not checked.
    """
    site = site.resolve()
    pages = {
        path: _Anchors(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))
    }
    broken = []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            base = site if parts.path.startswith("/") else path.parent
            to = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            to = to / "index.html" if to.is_dir() else to
            known = pages[to].names if to in pages else {parts.fragment, unquote(parts.fragment)}
            if not to.is_file() or (parts.fragment and unquote(parts.fragment) not in known):
                broken.append(f"{path.relative_to(site)}: {target}")
    return broken


def on_post_build(config: MkDocsConfig) -> None:
    """Stop the build with a list of broken links.

    Raises:
        PluginError: There are some.
    """
    if broken := broken_links(Path(config.site_dir)):
        raise PluginError("these links lead nowhere:\n" + "\n".join(broken))
