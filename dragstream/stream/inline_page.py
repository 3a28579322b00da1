"""`inline_page`: a self-contained HTML page that loads nothing and executes its own script only."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import math
from collections.abc import Sequence
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_QUALITY = 80
"""Of the WebP frames."""
_NARROWEST = 64
"""Pixels to which frames are scaled down at most."""


def inline_page(package: str, name: str, document: dict[str, Any], fallback: str) -> str:
    """A page that shows a document with the script and style `name` of a package's `static` folder.

    Texts of the document are data: its only script is the package's own, which a content security
    policy names by its hash, and everything else is forbidden. Its "title" is the page's; a reader
    without JavaScript sees the text `fallback`.
    """
    script, style = (_asset(package, f"{name}.{kind}") for kind in ("js", "css"))
    # As data in the page's text it must not close its element; JSON allows the escape.
    data = json.dumps(document, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; img-src data:; script-src {_source(script)}; "
        f"style-src {_source(style)}; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en" class="dragstream-page">\n'
        '<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(document['title'])}</title>\n<style>{style}</style>\n</head>\n"
        f'<body>\n<main id="page"><p>{html.escape(fallback)}</p></main>\n'
        f'<script type="application/json" id="document">{data}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _asset(package: str, name: str) -> str:
    """The text of a built front end file, for an inline element."""
    return (resources.files(package) / "static" / name).read_text(encoding="utf-8").strip()


def _source(inline: str) -> str:
    """An inline element as a source in a content security policy."""
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def shown_frames(clips: Sequence[NDArray[np.uint8]], limit: float) -> tuple[int, list[list[str]]]:
    """The frames of clips (T, H, W, 3) of one width as base64 of WebP, and the width they got.

    They are scaled down, to 64 pixels of width at most, until they need no more than `limit` bytes.
    """
    full = width = clips[0].shape[2]
    while True:
        pictures = [[_webp(frame, width) for frame in frames] for frames in clips]
        size = sum(len(picture) for frames in pictures for picture in frames)
        if size <= limit or width <= min(full, _NARROWEST):
            return width, pictures
        width = max(min(full, _NARROWEST), int(0.95 * width * math.sqrt(limit / size)))


def _webp(frame: NDArray[np.uint8], width: int) -> str:
    image = Image.fromarray(frame)
    if width != image.width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=4)
    return base64.b64encode(buffer.getvalue()).decode()
