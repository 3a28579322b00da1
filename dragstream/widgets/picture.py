"""A still picture of a frame with drags over it, drawn with Pillow as the canvas draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from scipy import ndimage

from dragstream.drags import regions
from dragstream.drags.checks import Point
from dragstream.drags.motions import Drag
from dragstream.drags.motions.base import Tip
from dragstream.drags.shapes import BoolMask

PALETTE = ("#ff8a1f", "#19b8d4", "#e0559f", "#86b817", "#8f6ff0", "#f2c312")
"""The colours of the drags, in order; the front end has the same."""

KEEP_COLOUR = "#4f8cff"
DRAFT_COLOUR = "#ffffff"

_COMFORTABLE_WIDTH = 768
_OVERSAMPLING = 2  # drawn larger and reduced, which smooths the lines
_DARK = (0, 0, 0, 140)


def draw(
    frame: NDArray[np.uint8],
    drags: Sequence[Drag],
    keep: BoolMask | None = None,
    *,
    draft: BoolMask | None = None,
    scale: int | None = None,
    latent_frames: int = 3,
    colours: Sequence[str] = PALETTE,
) -> Image.Image:
    """The frame, enlarged, with tinted regions, arrows, turns and a hatched keep region.

    By default it is about 768 pixels across; `draft` is a region that has no motion yet.
    """
    height, width = frame.shape[:2]
    if scale is None:
        scale = max(1, _COMFORTABLE_WIDTH // width)
    if scale < 1:
        raise ValueError(f"scale must be at least 1, got {scale}")
    size = (width * scale * _OVERSAMPLING, height * scale * _OVERSAMPLING)
    picture = Image.fromarray(frame).resize(size, Image.Resampling.NEAREST).convert("RGBA")
    pen = _Pen(picture, scale * _OVERSAMPLING, max(1.0, _OVERSAMPLING * scale / 2.5))
    if keep is not None:
        pen.hatch(keep, KEEP_COLOUR)
    coloured = list(zip(drags, cycle(colours or PALETTE), strict=False))
    for drag, colour in coloured:
        if drag.motion.whole_frame:
            continue
        pen.region(regions.rasterise(drag.region, height, width), colour)
        pen.outline(_moved(drag, height, width), colour, faint=True)
    for drag, colour in coloured:
        pen.motion(drag, colour, (height, width), latent_frames)
    if draft is not None:
        pen.region(draft, DRAFT_COLOUR)
    return picture.convert("RGB").resize((width * scale, height * scale), Image.Resampling.LANCZOS)


def _moved(drag: Drag, height: int, width: int) -> BoolMask:
    covered: BoolMask = regions.warp(drag.mask(height, width), drag.motion.at(1.0)) >= 0.5
    return covered


@dataclass(frozen=True)
class _Pen:
    """Draws in pixels of the frame on a picture that is `scale` times as large."""

    picture: Image.Image
    scale: int
    width: float

    def place(self, point: Point) -> Point:
        """The middle of pixel (x, y) in the picture."""
        return (point[0] + 0.5) * self.scale, (point[1] + 0.5) * self.scale

    def motion(self, drag: Drag, colour: str, size: tuple[int, int], latent_frames: int) -> None:
        """The sketch of a drag's motion on a frame of `size` (height, width)."""
        sketch = drag.motion.sketch(regions.rasterise(drag.region, *size), latent_frames)
        for line in sketch.lines:
            self.line(line.points, colour, line.weight)
        if sketch.tip:
            self.head(sketch.lines[-1].points, colour, sketch.tip)
        for dot in sketch.dots:
            self.dot(dot.point, "#ffffff" if dot.white else colour, dot.radius)

    def _enlarged(self, mask: BoolMask) -> Image.Image:
        image = Image.fromarray(mask.astype(np.uint8) * 255)
        large = image.resize(self.picture.size, Image.Resampling.BICUBIC)
        # blurred and cut at one half, so that pixel stairs become slopes
        smooth = large.filter(ImageFilter.GaussianBlur(0.7 * self.scale))
        return smooth.point(lambda value: 255 if value >= 128 else 0)

    def _tint(self, where: Image.Image, colour: str, opacity: float) -> None:
        layer = Image.new("RGBA", self.picture.size, colour)
        layer.putalpha(where.point(lambda value: round(value * opacity)))
        self.picture.alpha_composite(layer)

    def region(self, mask: BoolMask, colour: str) -> None:
        """A tint with a border."""
        self._tint(self._enlarged(mask), colour, 0.35)
        self.outline(mask, colour)

    def outline(self, mask: BoolMask, colour: str, *, faint: bool = False) -> None:
        """The border of a mask."""
        shape = self._enlarged(mask)
        for thickness, shade, opacity in ((3.0, "#000000", 0.45), (1.6, colour, 1.0)):
            size = 2 * max(1, round(thickness * self.width / 2)) + 1
            # Pillow's filter looks at each pixel of the square: a hundred times as long
            inner = Image.fromarray(ndimage.minimum_filter(np.asarray(shape), size, mode="nearest"))
            band = ImageChops.subtract(shape, inner)
            self._tint(self._dashed(band) if faint else band, shade, opacity)

    def _dashed(self, band: Image.Image) -> Image.Image:
        """A band cut by diagonal gaps, which reads as a broken line."""
        return ImageChops.multiply(band, self._stripes(round(7 * self.width), 0.6))

    def _stripes(self, period: int, share: float) -> Image.Image:
        width, height = self.picture.size
        rows, columns = np.ogrid[:height, :width]
        return Image.fromarray(((rows + columns) % period < share * period).astype(np.uint8) * 255)

    def hatch(self, mask: BoolMask, colour: str) -> None:
        """Diagonal stripes and a border."""
        shape = self._enlarged(mask)
        self._tint(shape, colour, 0.16)
        stripes = self._stripes(round(8 * self.width), 0.2)
        self._tint(ImageChops.multiply(shape, stripes), colour, 0.85)
        self.outline(mask, colour)

    def line(self, points: Sequence[Point], colour: str, thickness: float = 2.4) -> None:
        """A line with a dark rim."""
        placed = [self.place(point) for point in points]
        ink = ImageDraw.Draw(self.picture, "RGBA")
        for shade, extra in ((_DARK, 1.2), (colour, 0.0)):
            width = max(1, round((thickness + extra) * self.width))
            ink.line(placed, fill=shade, width=width, joint="curve")

    def dot(self, point: Point, colour: str, radius: float) -> None:
        """A disc with a dark rim."""
        (x, y), size = self.place(point), radius * self.width * 1.6
        ink = ImageDraw.Draw(self.picture, "RGBA")
        ink.ellipse(
            (x - size, y - size, x + size, y + size),
            fill=colour,
            outline=_DARK,
            width=max(1, round(0.8 * self.width)),
        )

    def head(self, line: Sequence[Point], colour: str, tip: Tip) -> None:
        """The tip of a line: an arrow, or a bar across it."""
        end = self.place(line[-1])
        length = 9 * self.width
        placed = [self.place(point) for point in line]
        back = next((p for p in reversed(placed) if math.dist(p, end) >= length), placed[0])
        angle = math.atan2(end[1] - back[1], end[0] - back[0])
        cos, sin = math.cos(angle), math.sin(angle)
        if tip == "bar":
            shape = [(-0.15, -0.8), (0.15, -0.8), (0.15, 0.8), (-0.15, 0.8)]
        else:
            shape = [(0.5, 0.0), (-0.9, -0.6), (-0.65, 0.0), (-0.9, 0.6)]
        corners = [
            (end[0] + length * (u * cos - v * sin), end[1] + length * (u * sin + v * cos))
            for u, v in shape
        ]
        ink = ImageDraw.Draw(self.picture, "RGBA")
        ink.polygon(corners, fill=colour, outline=_DARK, width=max(1, round(0.9 * self.width)))
