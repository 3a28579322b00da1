"""`Guard`: an invisible widget that runs code in the page for a box of ipywidgets."""

from __future__ import annotations

from pathlib import Path

from dragstream.widgets.page import PageWidget

__all__ = ["Guard"]

_STATIC = Path(__file__).parent / "static"


class Guard(PageWidget):
    """An invisible child of a box: keeps keys in the box, and knows whether a page shows it.

    Its trait `shown` can be observed.
    """

    _esm = _STATIC / "guard.js"
    _css = _STATIC / "guard.css"
