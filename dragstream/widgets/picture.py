"""A still picture of a frame with drags over it, drawn with Pillow as the canvas draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from dragstream.drags import regions
from dragstream.drags.geometry import Affine
from dragstream.drags.motions import Deformation, Drag, Rotation, Translation

PALETTE = ("#ff8a1f", "#19b8d4", "#e0559f", "#86b817", "#8f6ff0", "#f2c312")
"""The colours of the drags, in order; the front end has the same."""

KEEP_COLOUR = "#4f8cff"
DRAFT_COLOUR = "#ffffff"

_COMFORTABLE_WIDTH = 768
_OVERSAMPLING = 2  # drawn larger and reduced, which smooths the lines
_DARK = (0, 0, 0, 140)

BoolMask = NDArray[np.bool_]
Point = tuple[float, float]


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

    Args:
        frame: uint8 (H, W, 3).
        drags: What is drawn.
        keep: The region that must not change, bool (H, W).
        draft: A region that has no motion yet, bool (H, W).
        scale: Picture pixels per pixel of the frame; by default about 768 across.
        latent_frames: How many latent frames a drag lasts: dots along the paths.
        colours: Of the drags, from the first one on, over and over.

    Raises:
        ValueError: A region covers nothing of the frame, or the scale is not positive.
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


def _start(mask: BoolMask, start: Point) -> Point:
    """Where a path is drawn from: its start, or the region's middle if it starts elsewhere."""
    x, y = round(start[0]), round(start[1])
    inside = 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x]
    return start if inside else regions.centroid(mask)


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
        """The arrow or the turn of a drag on a frame of `size` (height, width)."""
        moments = [frame / latent_frames for frame in range(1, latent_frames)]
        mask = regions.rasterise(drag.region, *size)
        motion = drag.motion
        if isinstance(motion, Translation | Deformation):
            self._path(motion, _start(mask, motion.path.points[0]), colour, moments)
        elif isinstance(motion, Rotation):
            self._turn(motion, math.sqrt(mask.sum() / math.pi), colour, moments)

    def _path(
        self,
        motion: Translation | Deformation,
        start: Point,
        colour: str,
        moments: Sequence[float],
    ) -> None:
        def at(fraction: float) -> Point:
            dx, dy = motion.path.displacement(fraction)
            return start[0] + dx, start[1] + dy

        line = [at(step / 96) for step in range(97)]
        self.line(line, colour)
        self.head(line, colour, bar=isinstance(motion, Deformation))
        for moment in moments:
            self.dot(at(moment), "#ffffff", 1.2)
        self.dot(start, colour, 1.6)

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
            inner = shape.filter(ImageFilter.MinFilter(size))
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

    def head(self, line: Sequence[Point], colour: str, *, bar: bool) -> None:
        """The tip of a path: an arrow, or a bar across it for a deformation."""
        tip = self.place(line[-1])
        length = 9 * self.width
        placed = [self.place(point) for point in line]
        back = next((p for p in reversed(placed) if math.dist(p, tip) >= length), placed[0])
        angle = math.atan2(tip[1] - back[1], tip[0] - back[0])
        cos, sin = math.cos(angle), math.sin(angle)
        if bar:
            shape = [(-0.15, -0.8), (0.15, -0.8), (0.15, 0.8), (-0.15, 0.8)]
        else:
            shape = [(0.5, 0.0), (-0.9, -0.6), (-0.65, 0.0), (-0.9, 0.6)]
        corners = [
            (tip[0] + length * (u * cos - v * sin), tip[1] + length * (u * sin + v * cos))
            for u, v in shape
        ]
        ink = ImageDraw.Draw(self.picture, "RGBA")
        ink.polygon(corners, fill=colour, outline=_DARK, width=max(1, round(0.9 * self.width)))

    def _turn(self, motion: Rotation, radius: float, colour: str, moments: Sequence[float]) -> None:
        """The centre, the arm before and after, and the arc between."""
        length = max(10.0, 1.4 * radius)
        x, y = motion.center
        rest = (x, y - length)

        def arm(fraction: float) -> Point:
            end = Affine.rotation(motion.center, motion.angle(fraction)).apply(rest)
            return float(end[0]), float(end[1])

        self.line([motion.center, rest], colour, 1.0)
        self.line([arm(step / 96) for step in range(97)], colour)
        self.line([motion.center, arm(1.0)], colour)
        for moment in moments:
            self.dot(arm(moment), "#ffffff", 1.2)
        self.dot(motion.center, colour, 1.8)
        self.dot(arm(1.0), colour, 2.2)
