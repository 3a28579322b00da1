"""Export of a session to a file: video, web page, archive or code."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragstream.drags.checks import check_choice, short_repr
from dragstream.drags.files import expanded, replacing

if TYPE_CHECKING:
    from dragstream.stream.stream import Stream

EXPORTS = ("mp4", "gif", "html", "dragstream", "py")
"""Endings of the files that a stream can be exported to."""


def export_page(branches: Mapping[str, Stream], path: str | PathLike[str], **options: Any) -> Path:
    """Write the branches with blocks side by side as a web page; see `Stream.to_html`."""
    (name, stream), *others = branches.items()
    beside = {label: other for label, other in others if other.blocks}
    return stream.to_html(path, name=name, beside=beside, **options)


def export(branches: Mapping[str, Stream], kind: str, name: str) -> Path:
    """Write the first of a session's branches to the file `name`.`kind`, and return its path.

    A web page shows all branches that have blocks.
    """
    check_choice(kind, EXPORTS, "kind")
    if not Path(name).name:
        raise ValueError(f"name must be the name of a file, got {short_repr(name)}")
    path = expanded(f"{name}.{kind}", "name")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {str(path.parent)!r}")
    stream = next(iter(branches.values()))
    match kind:
        case "mp4":
            return stream.to_mp4(path)
        case "gif":
            return stream.to_gif(path)
        case "html":
            return export_page(branches, path)
        case "dragstream":
            return stream.save(path)
    with replacing(path) as part:
        part.write_text(stream.to_code(), encoding="utf-8")
    return path
