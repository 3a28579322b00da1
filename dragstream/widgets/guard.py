"""`Guard`: an invisible widget that runs code in the page for a box of ipywidgets."""

from __future__ import annotations

from dragstream.widgets.page import PageWidget

__all__ = ["Guard"]


class Guard(PageWidget, page="guard"):
    """An invisible child of a box: keeps keys in the box, and knows whether a page shows it.

    Its trait `shown` can be observed.
    """
