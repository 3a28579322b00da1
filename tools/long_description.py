"""The README as the long description of the wheel, which is shown away from the repository.

Hatchling calls the hook at the bottom while it builds; see
https://hatch.pypa.io/latest/plugins/metadata-hook/custom/.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)")
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE)


def long_description(readme: str, repository: str | None) -> str:
    """The README with absolute links and pictures.

    Without a repository, a link becomes its text, and a picture is left out.

    Args:
        readme: The README's Markdown.
        repository: Address of the repository, laid out like GitHub's.
    """

    def absolute(match: re.Match[str]) -> str:
        mark, text, target = match.groups()
        if repository is None:
            return "" if mark else text
        kind = "raw" if mark else "blob"
        return f"{mark}[{text}]({repository.rstrip('/')}/{kind}/main/{target})"

    return _LINK.sub(absolute, _COMMENT.sub("", readme))


class LongDescription(MetadataHookInterface):
    """Fills in the field `readme` of the project's metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the field; hatchling's interface."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = metadata.get("urls", {}).get("Repository")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": long_description(text, repository),
        }
