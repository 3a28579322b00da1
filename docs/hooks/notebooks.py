"""MkDocs hooks that make pages of the notebooks, from where they are.

MkDocs calls these functions while it builds; see https://www.mkdocs.org/user-guide/plugins.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

NOTEBOOKS = "notebooks"
_LINK = re.compile(r'href="(\d\d_[a-z0-9_]+)\.ipynb"')


@event_priority(100)  # before the plugin that renders notebooks
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebooks, and make a page of each in the navigation."""
    root = Path(config.config_file_path).parent
    paths = sorted((root / NOTEBOOKS).glob("*.ipynb"))
    urls = config.use_directory_urls
    for path in paths:
        uri = f"{NOTEBOOKS}/{path.name}"
        files.append(File(uri, str(root), config.site_dir, urls))
    for item in config.nav or ():
        if "Notebooks" in item and isinstance(item["Notebooks"], str):
            pages: list[Any] = [f"{NOTEBOOKS}/{path.name}" for path in paths]
            item["Notebooks"] = [item["Notebooks"], *pages]
    return files


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Let links and pictures of notebooks lead to where the site has them."""
    if not page.file.src_uri.startswith(f"{NOTEBOOKS}/"):
        return html
    return _LINK.sub(r'href="../\1/"', html).replace('src="../docs/', 'src="../../')
