"""MkDocs hook that links all pages to the repository, once pyproject.toml names one."""

from __future__ import annotations

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the address from `[project.urls]`, where the long description has it from, too."""
    text = (Path(config.config_file_path).parent / "pyproject.toml").read_text(encoding="utf-8")
    address = tomllib.loads(text)["project"]["urls"].get("Repository")
    if address:
        config.repo_url = address
        config.repo_name = urlsplit(address).path.strip("/")
    return config
