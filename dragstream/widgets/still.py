"""`with_picture`: a widget's display with a still picture beside it, for pages without widgets."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from dragstream.widgets.page import jpeg

_log = logging.getLogger(__name__)


def with_picture(display: Any, picture: Callable[[], Image.Image]) -> Any:
    """A display's data with a JPEG of the widget added.

    Front ends with widgets show the widget. GitHub, nbviewer, and exports to HTML and PDF show the
    picture.

    Args:
        display: What `_repr_mimebundle_` returned: data by MIME type, or a pair of data and
            metadata.
        picture: Draws the widget. If it cannot, as in a stream without blocks, the display stays
            as it is.
    """
    data, *metadata = display if isinstance(display, tuple) else (display,)
    if data is None:
        return display
    try:
        drawn = np.asarray(picture().convert("RGB"))
    except (ImportError, RuntimeError, ValueError) as error:
        _log.info("shown without a picture: %s", error)
        return display
    data = {**data, "image/jpeg": base64.b64encode(jpeg(drawn)).decode()}
    return (data, *metadata) if metadata else data


def stacked(pictures: list[Image.Image]) -> Image.Image:
    """Pictures below each other, as wide as the widest, on white."""
    width = max(picture.width for picture in pictures)
    sheet = Image.new("RGB", (width, sum(picture.height for picture in pictures)), "white")
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet
