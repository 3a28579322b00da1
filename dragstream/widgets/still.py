"""Still pictures: JPEGs for pages, and a picture beside a widget for pages without widgets."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_log = logging.getLogger(__name__)


def with_picture(display: Any, picture: Callable[[], Image.Image]) -> Any:
    """Add a JPEG of the widget to what `_repr_mimebundle_` returned, if one can be drawn.

    Front ends with widgets show the widget. GitHub, nbviewer, and exports to HTML and PDF show the
    picture.
    """
    data, *metadata = display if isinstance(display, tuple) else (display,)
    if data is None:
        return display
    try:
        drawn = np.asarray(picture().convert("RGB"))
    except (ImportError, RuntimeError, ValueError) as error:  # as in a stream without blocks
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


def fitting(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest (width, height) of the shape of `size` within `box`, never enlarged."""
    scale = min(1.0, box[0] / size[0], box[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def jpeg(frame: NDArray[np.uint8], box: tuple[int, int] | None = None, quality: int = 90) -> bytes:
    """A frame (H, W, 3) as JPEG with full colour, made smaller to fit (width, height)."""
    image = Image.fromarray(frame)
    if box is not None:
        image = image.resize(fitting(image.size, box), Image.Resampling.BILINEAR, reducing_gap=2)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()
